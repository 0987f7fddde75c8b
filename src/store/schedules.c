/* The table of schedules. */
#include "store/schedules.h"

#include "room.h"

static enum err read_one(struct view *view, enum sql sql, struct arena *arena, struct schedule_row *schedule)
{
    bool row;
    struct db *db = view->db;
    enum err err = db_step(db, sql, &row);
    if (err == ERR_OK && row)
        *schedule = (struct schedule_row){
            .org = room_copy(arena, db, sql, 0),
            .origin = room_copy(arena, db, sql, 1),
            .pickup_id = room_copy(arena, db, sql, 2),
            .detail = room_copy(arena, db, sql, 3),
            .skipped = room_copy(arena, db, sql, 4),
            .horizon = room_copy(arena, db, sql, 5),
            .seq = db_int(db, sql, 6),
            .ended = db_int(db, sql, 7) != 0,
        };
    db_reset(db, sql);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

enum err schedule_find(struct view *view, struct arena *arena, struct span org, struct span origin,
                       struct span pickup_id, struct schedule_row *schedule)
{
    db_bind_text(view->db, SQL_SCHEDULE, 1, org);
    db_bind_text(view->db, SQL_SCHEDULE, 2, origin);
    db_bind_text(view->db, SQL_SCHEDULE, 3, pickup_id);
    return read_one(view, SQL_SCHEDULE, arena, schedule);
}

enum err schedule_find_due(struct view *view, struct arena *arena, const struct schedule_row *after,
                           struct span date, struct schedule_row *schedule)
{
    db_bind_text(view->db, SQL_SCHEDULES_DUE, 1, after != NULL ? after->org : SPAN(""));
    db_bind_text(view->db, SQL_SCHEDULES_DUE, 2, after != NULL ? after->origin : SPAN(""));
    db_bind_text(view->db, SQL_SCHEDULES_DUE, 3, after != NULL ? after->pickup_id : SPAN(""));
    db_bind_text(view->db, SQL_SCHEDULES_DUE, 4, date);
    db_bind_int(view->db, SQL_SCHEDULES_DUE, 5, 1);
    return read_one(view, SQL_SCHEDULES_DUE, arena, schedule);
}

enum err schedule_put(struct store *store, const struct schedule_row *schedule)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_SCHEDULE_PUT, 1, schedule->org);
    db_bind_text(db, SQL_SCHEDULE_PUT, 2, schedule->origin);
    db_bind_text(db, SQL_SCHEDULE_PUT, 3, schedule->pickup_id);
    db_bind_text(db, SQL_SCHEDULE_PUT, 4, schedule->detail);
    db_bind_text(db, SQL_SCHEDULE_PUT, 5, schedule->skipped);
    db_bind_text(db, SQL_SCHEDULE_PUT, 6, schedule->horizon);
    db_bind_int(db, SQL_SCHEDULE_PUT, 7, schedule->seq);
    db_bind_int(db, SQL_SCHEDULE_PUT, 8, schedule->ended);
    return db_run(db, SQL_SCHEDULE_PUT);
}

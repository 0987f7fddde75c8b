/* The table of pickups. */
#include "store/pickups.h"

#include "room.h"

/* Spans are valid until the next step. */
static struct pickup read_row(struct db *db, enum sql sql)
{
    struct pickup pickup = {
        .id = db_int(db, sql, 0),
        .org = db_span(db, sql, 1),
        .origin = db_span(db, sql, 2),
        .pickup_id = db_span(db, sql, 3),
        .series = db_span(db, sql, 4),
        .local_date = db_span(db, sql, 5),
        .clinic_id = db_span(db, sql, 6),
        .lab_id = db_span(db, sql, 7),
        .window = {db_int(db, sql, 10), db_int(db, sql, 11)},
        .detail = db_span(db, sql, 12),
        .driver = db_is_null(db, sql, 13) ? (struct span){0} : db_span(db, sql, 13),
        .eta = db_int(db, sql, 14),
        .seq = db_int(db, sql, 15),
        .created = db_int(db, sql, 16),
        .updated = db_int(db, sql, 17),
    };
    pickup_status_read(db_span(db, sql, 8), &pickup.status);
    priority_read(db_span(db, sql, 9), &pickup.priority);
    return pickup;
}

static struct span keep(struct arena *arena, struct span text)
{
    return text.at == NULL ? text : (struct span){arena_copy(arena, text), text.len};
}

static struct pickup keep_row(struct arena *arena, struct db *db, enum sql sql)
{
    struct pickup pickup = read_row(db, sql);
    struct span *texts[] = {&pickup.org,        &pickup.origin,    &pickup.pickup_id,
                            &pickup.series,     &pickup.clinic_id, &pickup.lab_id,
                            &pickup.local_date, &pickup.detail,    &pickup.driver};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = keep(arena, *texts[i]);
    return pickup;
}

/* All rows of a statement whose parameters are bound. */
static enum err collect(struct db *db, enum sql sql, struct arena *arena, struct pickup_list *list)
{
    bool row;
    size_t room = 0;
    *list = (struct pickup_list){0};
    enum err err = db_step(db, sql, &row);
    while (err == ERR_OK && row) {
        if (list->count == room) {
            struct pickup *more = arena_alloc(arena, (2 * room + 4) * sizeof *more);
            if (room > 0)
                memcpy(more, list->all, room * sizeof *more);
            list->all = more;
            room = 2 * room + 4;
        }
        list->all[list->count++] = keep_row(arena, db, sql);
        err = db_step(db, sql, &row);
    }
    db_reset(db, sql);
    return err;
}

enum err pickup_find(struct view *view, struct arena *arena, struct span org, struct span origin,
                     struct span pickup_id, struct pickup *pickup)
{
    struct pickup_list list;
    db_bind_text(view->db, SQL_PICKUP, 1, org);
    db_bind_text(view->db, SQL_PICKUP, 2, origin);
    db_bind_text(view->db, SQL_PICKUP, 3, pickup_id);
    TRY(collect(view->db, SQL_PICKUP, arena, &list));
    if (list.count == 0)
        return ERR_NOT_FOUND;
    *pickup = list.all[0];
    return ERR_OK;
}

enum err pickup_find_all(struct view *view, struct arena *arena, struct span org, struct span pickup_id,
                         struct pickup_list *list)
{
    db_bind_text(view->db, SQL_PICKUPS_BY_ID, 1, org);
    db_bind_text(view->db, SQL_PICKUPS_BY_ID, 2, pickup_id);
    return collect(view->db, SQL_PICKUPS_BY_ID, arena, list);
}

enum err pickup_find_series(struct view *view, struct arena *arena, struct span org, struct span origin,
                            struct span series, int64_t after, struct pickup_list *list)
{
    db_bind_text(view->db, SQL_PICKUPS_SERIES, 1, org);
    db_bind_text(view->db, SQL_PICKUPS_SERIES, 2, origin);
    db_bind_text(view->db, SQL_PICKUPS_SERIES, 3, series);
    db_bind_int(view->db, SQL_PICKUPS_SERIES, 4, after);
    return collect(view->db, SQL_PICKUPS_SERIES, arena, list);
}

enum err pickup_each(struct view *view, const struct pickup_filter *filter, pickup_fn *fn, void *arg)
{
    bool row;
    db_bind_text(view->db, SQL_PICKUPS, 1, filter->org);
    db_bind_int(view->db, SQL_PICKUPS, 2, filter->after);
    db_bind_text(view->db, SQL_PICKUPS, 3, filter->status);
    db_bind_text(view->db, SQL_PICKUPS, 4, filter->clinic);
    db_bind_int(view->db, SQL_PICKUPS, 5, filter->from);
    db_bind_int(view->db, SQL_PICKUPS, 6, filter->to);
    db_bind_int(view->db, SQL_PICKUPS, 7, filter->limit);
    enum err err = db_step(view->db, SQL_PICKUPS, &row);
    while (err == ERR_OK && row) {
        struct pickup pickup = read_row(view->db, SQL_PICKUPS);
        fn(arg, &pickup);
        err = db_step(view->db, SQL_PICKUPS, &row);
    }
    db_reset(view->db, SQL_PICKUPS);
    return err;
}

enum err pickup_add(struct store *store, const struct pickup *pickup, bool *added)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_PICKUP_ADD, 1, pickup->org);
    db_bind_text(db, SQL_PICKUP_ADD, 2, pickup->origin);
    db_bind_text(db, SQL_PICKUP_ADD, 3, pickup->pickup_id);
    db_bind_text(db, SQL_PICKUP_ADD, 4, pickup->series);
    db_bind_text(db, SQL_PICKUP_ADD, 5, pickup->local_date);
    db_bind_text(db, SQL_PICKUP_ADD, 6, pickup->clinic_id);
    db_bind_text(db, SQL_PICKUP_ADD, 7, pickup->lab_id);
    db_bind_text(db, SQL_PICKUP_ADD, 8, span_of(pickup_status_name(pickup->status)));
    db_bind_text(db, SQL_PICKUP_ADD, 9, span_of(priority_name(pickup->priority)));
    db_bind_int(db, SQL_PICKUP_ADD, 10, pickup->window.start);
    db_bind_int(db, SQL_PICKUP_ADD, 11, pickup->window.end);
    db_bind_text(db, SQL_PICKUP_ADD, 12, pickup->detail);
    db_bind_int(db, SQL_PICKUP_ADD, 13, pickup->seq);
    db_bind_int(db, SQL_PICKUP_ADD, 14, pickup->updated);
    TRY(db_run(db, SQL_PICKUP_ADD));
    *added = db_changes(db) > 0;
    return ERR_OK;
}

enum err pickup_change(struct store *store, const struct pickup *pickup)
{
    struct db *db = store_db(store);
    db_bind_int(db, SQL_PICKUP_CHANGE, 1, pickup->id);
    db_bind_text(db, SQL_PICKUP_CHANGE, 2, pickup->clinic_id);
    db_bind_text(db, SQL_PICKUP_CHANGE, 3, pickup->lab_id);
    db_bind_text(db, SQL_PICKUP_CHANGE, 4, span_of(priority_name(pickup->priority)));
    db_bind_int(db, SQL_PICKUP_CHANGE, 5, pickup->window.start);
    db_bind_int(db, SQL_PICKUP_CHANGE, 6, pickup->window.end);
    db_bind_text(db, SQL_PICKUP_CHANGE, 7, pickup->detail);
    db_bind_int(db, SQL_PICKUP_CHANGE, 8, pickup->seq);
    db_bind_int(db, SQL_PICKUP_CHANGE, 9, pickup->updated);
    return db_run(db, SQL_PICKUP_CHANGE);
}

enum err pickup_set_status(struct store *store, int64_t id, enum pickup_status status, struct span driver,
                           int64_t eta, int64_t now)
{
    struct db *db = store_db(store);
    db_bind_int(db, SQL_PICKUP_MOVE, 1, id);
    db_bind_text(db, SQL_PICKUP_MOVE, 2, span_of(pickup_status_name(status)));
    if (driver.len > 0)
        db_bind_text(db, SQL_PICKUP_MOVE, 3, driver);
    if (eta != 0)
        db_bind_int(db, SQL_PICKUP_MOVE, 4, eta);
    db_bind_int(db, SQL_PICKUP_MOVE, 5, now);
    return db_run(db, SQL_PICKUP_MOVE);
}

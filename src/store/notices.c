/* The table of notices. */
#include "store/notices.h"

#include "base/json.h"
#include "base/time.h"
#include "room.h"

static const char *const names[NOTICE_STATES] = {
    [NOTICE_PENDING] = "pending",
    [NOTICE_SENT] = "sent",
    [NOTICE_DEAD] = "dead",
    [NOTICE_KEPT] = "kept",
};

const char *notice_state_name(enum notice_state state)
{
    return names[state];
}

bool notice_state_read(struct span text, enum notice_state *state)
{
    for (int i = 0; i < NOTICE_STATES; i++) {
        if (!span_is(text, span_of(names[i])))
            continue;
        *state = (enum notice_state)i;
        return true;
    }
    return false;
}

static struct event event_of(const struct notice *notice, struct span detail)
{
    return event_own(SPAN(NOTICE_SOURCE), SPAN(NOTICE_TYPE), notice->org, notice->key, notice->time, detail);
}

void notice_id(char text[NOTICE_ID_TEXT], const struct notice *notice)
{
    struct event event = event_of(notice, SPAN(""));
    event_id_write(text, &event.id);
}

static struct span detail_of(const struct notice *notice)
{
    return notice->detail.len > 0 ? notice->detail : SPAN("{}");
}

void notice_write(struct buf *out, const struct notice *notice)
{
    char id[NOTICE_ID_TEXT], time[TIME_TEXT];
    notice_id(id, notice);
    time_write(time, notice->time);
    json_open(out, '{');
    json_add_str(out, "id", span_of(id));
    json_add_str(out, "kind", notice->kind);
    json_add_str(out, "time", span_of(time));
    json_add_str(out, "org", notice->org);
    json_add_raw(out, "detail", detail_of(notice));
    json_close(out, '}');
}

static enum err publish(struct store *store, const struct notice *notice)
{
    bool duplicate, changed;
    struct buf text CLEANUP(buf_free) = {0};
    notice_write(&text, notice);
    struct event event = event_of(notice, buf_span(&text));
    return store_publish(store, &event, &duplicate, &changed);
}

enum err notice_add(struct store *store, const struct notice *notice)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_NOTICE_ADD, 1, notice->org);
    db_bind_text(db, SQL_NOTICE_ADD, 2, notice->kind);
    db_bind_text(db, SQL_NOTICE_ADD, 3, notice->key);
    db_bind_int(db, SQL_NOTICE_ADD, 4, notice->time);
    db_bind_text(db, SQL_NOTICE_ADD, 5, detail_of(notice));
    TRY(db_run(db, SQL_NOTICE_ADD));
    return db_changes(db) > 0 ? publish(store, notice) : ERR_OK;
}

static struct notice read_row(struct db *db, enum sql sql)
{
    return (struct notice){
        .number = db_int(db, sql, 0),
        .org = db_span(db, sql, 1),
        .kind = db_span(db, sql, 2),
        .key = db_span(db, sql, 3),
        .time = db_int(db, sql, 4),
        .detail = db_span(db, sql, 5),
        .state = (enum notice_state)db_int(db, sql, 6),
        .attempts = db_int(db, sql, 7),
        .due = db_int(db, sql, 8),
        .error = db_span(db, sql, 9),
    };
}

static enum err each_row(struct db *db, enum sql sql, notice_fn *fn, void *arg)
{
    bool row;
    enum err err = db_step(db, sql, &row);
    while (err == ERR_OK && row) {
        struct notice notice = read_row(db, sql);
        fn(arg, &notice);
        err = db_step(db, sql, &row);
    }
    db_reset(db, sql);
    return err;
}

enum err notice_each(struct view *view, struct span org, int64_t after, int state, int64_t limit,
                     notice_fn *row, void *arg)
{
    db_bind_text(view->db, SQL_NOTICES, 1, org);
    db_bind_int(view->db, SQL_NOTICES, 2, after);
    db_bind_int(view->db, SQL_NOTICES, 3, state);
    db_bind_int(view->db, SQL_NOTICES, 4, limit);
    return each_row(view->db, SQL_NOTICES, row, arg);
}

enum err notice_each_due(struct view *view, int64_t now, int64_t limit, notice_fn *row, void *arg)
{
    db_bind_int(view->db, SQL_NOTICES_DUE, 1, now);
    db_bind_int(view->db, SQL_NOTICES_DUE, 2, limit);
    return each_row(view->db, SQL_NOTICES_DUE, row, arg);
}

enum err notice_next_due(struct view *view, int64_t now, int64_t *next)
{
    bool row;
    db_bind_int(view->db, SQL_NOTICE_NEXT_DUE, 1, now);
    enum err err = db_step(view->db, SQL_NOTICE_NEXT_DUE, &row);
    bool has_due = err == ERR_OK && row && !db_is_null(view->db, SQL_NOTICE_NEXT_DUE, 0);
    *next = has_due ? db_int(view->db, SQL_NOTICE_NEXT_DUE, 0) : INT64_MAX;
    db_reset(view->db, SQL_NOTICE_NEXT_DUE);
    return err;
}

enum err notice_tried(struct store *store, int64_t number, enum notice_state state, int64_t due,
                      struct span error)
{
    struct db *db = store_db(store);
    db_bind_int(db, SQL_NOTICE_TRIED, 1, number);
    db_bind_int(db, SQL_NOTICE_TRIED, 2, state);
    db_bind_int(db, SQL_NOTICE_TRIED, 3, due);
    db_bind_text(db, SQL_NOTICE_TRIED, 4, error);
    return db_run(db, SQL_NOTICE_TRIED);
}

enum err notice_keep_all(struct store *store)
{
    return db_run(store_db(store), SQL_NOTICES_KEEP);
}

enum err notice_count(struct view *view, int64_t since, struct notice_counts *counts)
{
    bool row;
    *counts = (struct notice_counts){0};
    db_bind_int(view->db, SQL_NOTICES_LATELY, 1, since);
    db_bind_int(view->db, SQL_NOTICES_LATELY, 2, NOTICES_LATELY);
    enum err err = db_step(view->db, SQL_NOTICES_LATELY, &row);
    if (err == ERR_OK && row) {
        counts->pending = db_int(view->db, SQL_NOTICES_LATELY, 0);
        counts->dead = db_int(view->db, SQL_NOTICES_LATELY, 1);
        counts->dead_since = db_int(view->db, SQL_NOTICES_LATELY, 2);
    }
    db_reset(view->db, SQL_NOTICES_LATELY);
    return err;
}

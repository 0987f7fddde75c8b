/*
 * A directory of its own for a database, gone after the test; jobs as the intake makes them; and what a view
 * shows of the store, as text.
 */
#ifndef PICKUPD_TEST_SHELF_H
#define PICKUPD_TEST_SHELF_H

#include <dirent.h>
#include <unistd.h>

#include "base/json.h"
#include "store/store.h"
#include "store/view.h"
#include "sys/db.h"
#include "unit.h"

struct shelf {
    struct arena arena;
    char dir[256];
    const char *path; /* of a database that is not there yet */
};

static inline int shelf_set_up(void **state)
{
    const char *under = getenv("TMPDIR");
    struct shelf *shelf = mem_alloc(sizeof *shelf);
    struct buf path = {.arena = &shelf->arena};
    *state = shelf;
    snprintf(shelf->dir, sizeof shelf->dir, "%s/pickupd-unit-XXXXXX", under != NULL ? under : "/tmp");
    if (mkdtemp(shelf->dir) == NULL)
        return -1;
    buf_printf(&path, "%s/odd name?%%41#\xc3\xbc.db", shelf->dir); /* SQLite's URIs give these a meaning */
    shelf->path = buf_text(&path);
    return 0;
}

static inline int shelf_tear_down(void **state)
{
    struct shelf *shelf = *state;
    DIR *dir = opendir(shelf->dir);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(shelf->dir);
    arena_free(&shelf->arena);
    free(shelf);
    return 0;
}

#define SHELF_TEST(test) cmocka_unit_test_setup_teardown(test, shelf_set_up, shelf_tear_down)

/* A job that keeps an event; its id comes from the origin and the body, as everywhere. */
static inline struct store_job event_job(struct shelf *shelf, const char *origin, const char *body,
                                         int64_t time)
{
    struct buf detail = {.arena = &shelf->arena};
    struct buf source = {.arena = &shelf->arena};
    buf_printf(&detail, "{\"requestTime\":\"2026-11-20T16:00:00Z\",\"of\":\"%s\"}", body);
    buf_printf(&source, "ehr.%s", origin);
    return (struct store_job){
        .kind = STORE_EVENT,
        .event = {.id = event_id(span_of(origin), SPAN("body"), span_of(body)),
                  .origin = span_of(origin),
                  .source = buf_span(&source),
                  .type = SPAN("PickupRequested"),
                  .org = SPAN("default"),
                  .time = time,
                  .detail = buf_text(&detail),
                  .detail_len = detail.len,
                  .received_at = strlen("{\"requestTime\":\"")},
    };
}

static inline struct store_job quarantine_job(struct shelf *shelf, const char *origin, const char *body,
                                              int64_t time)
{
    struct store_job job = event_job(shelf, origin, body, time);
    job.kind = STORE_QUARANTINE;
    job.body = span_of(body);
    job.faults = SPAN("[\"Missing practiceId\"]");
    return job;
}

static const struct store_limits wide = {1000, 1000000, 0, STORE_LOG_PAGES};

static inline int64_t number_in(struct db *db, const char *sql)
{
    int64_t number;
    assert_int_equal(db_number(db, sql, &number), ERR_OK);
    return number;
}

static inline struct store *open_limited(struct shelf *shelf, int64_t rows, int64_t bytes)
{
    struct store_limits limits = {rows, bytes, 0, STORE_LOG_PAGES};
    struct buf why = {.arena = &shelf->arena};
    struct store *store = store_open(shelf->path, &limits, &why);
    if (store == NULL)
        fail_msg("%s", buf_text(&why));
    return store;
}

static inline struct store *open_store(struct shelf *shelf)
{
    return open_limited(shelf, wide.quarantine_rows, wide.quarantine_bytes);
}

/* One transaction of all of them, in their order. */
static inline void write_batch(struct store *store, struct store_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i].err = ERR_INTERNAL; /* to be overwritten */
        jobs[i].mail.next = i + 1 < count ? &jobs[i + 1].mail : NULL;
    }
    store_write(store, jobs);
}

static inline void check_written(struct store *store, struct store_job job, enum err err, bool duplicate)
{
    write_batch(store, &job, 1);
    check_int("err", job.err, err);
    if (err == ERR_OK)
        check_int("duplicate", job.duplicate, duplicate);
}

static inline void separate(struct buf *seen)
{
    if (seen->len > 0)
        buf_add(seen, SPAN("; "));
}

/* Origin, time, and what the detail says it is of. */
static inline void note_event(void *arg, const struct view_event *row)
{
    struct json_fault fault;
    const struct event *event = &row->event;
    struct span detail = {event->detail, event->detail_len};
    struct json *json = event->detail != NULL ? json_parse(detail, &fault) : NULL;
    struct span of = event->detail != NULL ? json_str(json_get(json, "of")) : SPAN("(purged)");
    separate(arg);
    buf_printf(arg, "%.*s %lld %.*s", (int)event->origin.len, event->origin.at, (long long)event->time,
               (int)of.len, of.at);
    json_free(json);
}

/* Origin, first and last arrival, how often, faults and body. */
static inline void note_quarantine(void *arg, const struct view_quarantine *row)
{
    separate(arg);
    buf_printf(arg, "%.*s %lld-%lld x%lld %.*s %.*s", (int)row->origin.len, row->origin.at,
               (long long)row->first_seen, (long long)row->last_seen, (long long)row->count,
               (int)row->faults.len, row->faults.at, (int)row->body.len, row->body.at);
    assert_int_equal(row->bytes, row->body.len);
}

/* A list spares the bodies, and says how long they are. */
static inline void note_listed(void *arg, const struct view_quarantine *row)
{
    assert_int_equal(row->body.len, 0);
    buf_add(arg, (struct span){(const char *)&row->id, sizeof row->id});
}

static inline struct view *open_view(struct shelf *shelf)
{
    struct buf why = {.arena = &shelf->arena};
    struct view *view = view_open(shelf->path, &why);
    if (view == NULL)
        fail_msg("%s", buf_text(&why));
    return view;
}

static inline void check_events(struct shelf *shelf, const char *want)
{
    struct view_filter all = {.source = SPAN(""), .type = SPAN(""), .since = INT64_MIN, .limit = 1000};
    struct buf seen = {.arena = &shelf->arena};
    struct view *view = open_view(shelf);
    assert_int_equal(view_events(view, &all, note_event, &seen), ERR_OK);
    view_close(view);
    check_text("events", buf_span(&seen), want);
}

static inline void check_quarantine(struct shelf *shelf, const char *source, const char *want)
{
    struct buf seen = {.arena = &shelf->arena};
    struct buf ids = {.arena = &shelf->arena};
    struct event_id id;
    struct view *view = open_view(shelf);
    assert_int_equal(view_quarantine(view, span_of(source), note_listed, &ids), ERR_OK);
    for (size_t at = 0; at < ids.len; at += sizeof id) {
        memcpy(&id, ids.at + at, sizeof id);
        assert_int_equal(view_quarantine_one(view, &id, note_quarantine, &seen), ERR_OK);
    }
    view_close(view);
    check_text("quarantine", buf_span(&seen), want);
}

/* What somebody else does to the file, while no store is open. */
static inline void change(struct shelf *shelf, const char *sql)
{
    struct buf why = {.arena = &shelf->arena};
    struct db *db = db_open(shelf->path, DB_WRITE, &why);
    assert_non_null(db);
    assert_int_equal(db_exec(db, sql), ERR_OK);
    db_close(db);
}

#endif

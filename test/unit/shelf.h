/*
 * A directory of its own for a database, gone after the test; and jobs as the intake makes them.
 */
#ifndef PICKUPD_TEST_SHELF_H
#define PICKUPD_TEST_SHELF_H

#include <dirent.h>
#include <unistd.h>

#include "store/store.h"
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

#endif

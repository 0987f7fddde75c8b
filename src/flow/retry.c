/* A walk over quarantine, one commit a row. */
#include "flow/retry.h"

#include <stdlib.h>
#include <string.h>

#include "flow/ingest.h"

struct retry {
    struct arena arena; /* of the row at hand */
    const struct sources *const *sources;
    struct view *view;
    struct writer *writer;
    struct loop *loop;
    retry_row_fn *row;
    retry_done_fn *done;
    void *arg;
    struct event_id *ids;
    size_t count, next, failed;
    struct intake *intake; /* of the row at hand */
    bool found;
};

static void add_id(void *arg, const struct view_quarantine *row)
{
    struct retry *retry = arg;
    retry->ids = mem_resize(retry->ids, (retry->count + 1) * sizeof *retry->ids);
    retry->ids[retry->count++] = row->id;
}

/* Copies what the walk needs of a row; the view's spans end with the call. */
static void take_row(void *arg, const struct view_quarantine *row)
{
    struct retry *retry = arg;
    struct intake *intake = arena_alloc(&retry->arena, sizeof *intake);
    intake->arena = &retry->arena;
    intake->source = sources_find(*retry->sources, row->origin);
    intake->job.event.time = row->first_seen;
    intake->job.body = (struct span){arena_copy(&retry->arena, row->body), row->body.len};
    retry->intake = intake;
    retry->found = true;
}

static void report(struct retry *retry, const char *result, bool failed)
{
    char id[EVENT_ID_TEXT];
    event_id_write(id, &retry->ids[retry->next]);
    retry->row(retry->arg, id, result, retry->found ? &retry->intake->faults : NULL);
    retry->failed += failed;
    retry->next++;
    arena_free(&retry->arena);
}

static void walk(struct retry *retry);

static void on_stored(struct store_job *job)
{
    struct intake *intake = (struct intake *)job;
    struct retry *retry = intake->arg;
    if (job->err != ERR_OK)
        report(retry, "not now", true);
    else if (job->kind == STORE_FAULTS)
        report(retry, "still faulty", true);
    else
        report(retry, job->duplicate ? "duplicate" : "stored", false);
    walk(retry);
}

/* NULL once the row is with the writer; else why it never got there. */
static const char *try_row(struct retry *retry)
{
    retry->found = false;
    if (!writer_has_room(retry->writer, 0))
        return "not now";
    enum err err = view_quarantine_one(retry->view, &retry->ids[retry->next], take_row, retry);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? "not found" : "not now";
    struct intake *intake = retry->intake;
    if (intake->source == NULL)
        return "unknown source";
    if (ingest_map(intake, intake->job.body, intake->job.event.time) != ERR_OK)
        intake->job.kind = STORE_FAULTS; /* the reasons may be others by now */
    intake->arg = retry;
    intake->job.loop = retry->loop;
    intake->job.done = on_stored;
    return writer_put(retry->writer, &intake->job) == ERR_OK ? NULL : "not now";
}

/* Goes on until a row has to wait for its commit, or none is left. */
static void walk(struct retry *retry)
{
    while (retry->next < retry->count) {
        const char *result = try_row(retry);
        if (result == NULL)
            return;
        report(retry, result, true);
    }
    retry->done(retry->arg, retry->failed);
    free(retry->ids);
    free(retry);
}

void retry_start(const struct sources *const *sources, struct view *view, struct writer *writer,
                 struct loop *loop, const struct retry_scope *scope, retry_row_fn *row, retry_done_fn *done,
                 void *arg)
{
    struct retry *retry = mem_alloc(sizeof *retry);
    *retry = (struct retry){.sources = sources,
                            .view = view,
                            .writer = writer,
                            .loop = loop,
                            .row = row,
                            .done = done,
                            .arg = arg};
    struct view_quarantine one = {.id = scope->id};
    if (!scope->all)
        add_id(retry, &one);
    else if (view_quarantine(view, scope->source, add_id, retry) != ERR_OK)
        retry->failed++;
    walk(retry);
}

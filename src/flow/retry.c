/* A walk over quarantine, one commit a row. */
#include "flow/retry.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/ingest.h"

struct retry {
    struct arena arena; /* of the row at hand */
    const struct sources *const *sources;
    struct view *view;
    struct writer *writer;
    struct loop *loop;
    const struct audit_entry *by;
    struct audit_entry entry; /* of the row at hand */
    retry_row_fn *row;
    retry_done_fn *done;
    void *arg;
    char *org; /* or empty */
    struct event_id *ids;
    size_t count, next, failed;
    struct intake *intake; /* of the row at hand, and what follows too */
    struct span body, head;
    int64_t first_seen;
    struct faults faults;
    size_t rows_failed; /* of a batch; usually a body is one row */
    const char *result; /* if all goes well; NULL: what the store says */
};

static bool is_of_org(const struct retry *retry, struct span org)
{
    return retry->org[0] == '\0' || span_is(org, span_of(retry->org));
}

static void add_id(void *arg, const struct view_quarantine *row)
{
    struct retry *retry = arg;
    if (!is_of_org(retry, row->org))
        return;
    retry->ids = mem_resize(retry->ids, (retry->count + 1) * sizeof *retry->ids);
    retry->ids[retry->count++] = row->id;
}

/* Copies what the walk needs of a row; the view's spans end with the call. */
static void take_row(void *arg, const struct view_quarantine *row)
{
    struct retry *retry = arg;
    retry->intake = NULL;
    if (!is_of_org(retry, row->org))
        return;
    struct intake *intake = arena_alloc(&retry->arena, sizeof *intake);
    intake->arena = &retry->arena;
    intake->source = sources_find(*retry->sources, row->origin);
    intake->arg = retry;
    retry->intake = intake;
    retry->first_seen = row->first_seen;
    retry->body = (struct span){arena_copy(&retry->arena, row->body), row->body.len};
    retry->head = (struct span){arena_copy(&retry->arena, row->head), row->head.len};
}

/* The faults of all rows of what is tried; usually there is one row. */
static void gather_faults(struct retry *retry)
{
    const struct verdict *verdict = &retry->intake->verdict;
    retry->faults = (struct faults){.arena = &retry->arena};
    retry->rows_failed = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        const struct faults *faults = &verdict->pieces[i].faults;
        retry->rows_failed += faults->count > 0;
        for (size_t k = 0; k < faults->count; k++)
            faults_add(&retry->faults, "%s", faults->texts[k]);
    }
}

static void report(struct retry *retry, const char *result, bool failed)
{
    char id[EVENT_ID_TEXT];
    event_id_write(id, &retry->ids[retry->next]);
    retry->row(retry->arg, id, result, &retry->faults);
    retry->failed += failed;
    retry->next++;
    retry->faults = (struct faults){0};
    arena_free(&retry->arena);
}

static void walk(struct retry *retry);

static void on_stored(struct store_job *job)
{
    struct intake *intake = (struct intake *)job;
    struct retry *retry = intake->arg;
    if (job->err != ERR_OK)
        report(retry, "not now", true);
    else if (retry->result != NULL)
        report(retry, retry->result, retry->rows_failed > 0);
    else
        report(retry, ingest_counts(intake).stored > 0 ? "stored" : "duplicate", false);
    walk(retry);
}

/*
 * What was in quarantine under one id may now have another, or be many. So its row leaves in the same
 * transaction that keeps what it has become; if nothing of it is good it stays, with the new faults.
 */
static void make_jobs(struct retry *retry)
{
    struct intake *intake = retry->intake;
    const struct verdict *verdict = &intake->verdict;
    struct store_job *row =
        verdict->count == retry->rows_failed ? &intake->job : arena_alloc(&retry->arena, sizeof *row);
    retry->result = NULL;
    row->kind = STORE_CLEAR;
    row->event = (struct event){
        .id = retry->ids[retry->next], .origin = span_of(intake->source->name), .time = retry->first_seen};
    if (verdict->count == 0) {
        retry->result = "ignored";
    } else if (row == &intake->job) {
        retry->result = "still faulty";
        row->kind = STORE_FAULTS;
        row->faults = ingest_faults(&retry->arena, &retry->faults);
    } else {
        retry->result = retry->rows_failed > 0 ? "stored in part" : NULL;
        ingest_jobs(intake);
        struct store_job *last = &intake->job;
        while (last->part != NULL)
            last = last->part;
        last->part = row;
    }
}

/* What has become of it is known before the store has it, but for whether it was there already. */
static void make_entry(struct retry *retry)
{
    char id[EVENT_ID_TEXT];
    struct buf what = {.arena = &retry->arena};
    event_id_write(id, &retry->ids[retry->next]);
    json_open(&what, '{');
    json_add_str(&what, "id", span_of(id));
    json_add_str(&what, "result", span_of(retry->result != NULL ? retry->result : "mapped"));
    json_close(&what, '}');
    retry->entry = *retry->by;
    retry->entry.what = buf_span(&what);
    retry->intake->job.audit = &retry->entry;
}

/* NULL once the row is with the writer; else why it never got there. */
static const char *try_row(struct retry *retry)
{
    if (!writer_has_room(retry->writer, 0))
        return "not now";
    enum err err = view_quarantine_one(retry->view, &retry->ids[retry->next], take_row, retry);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? "not found" : err == ERR_SEALED ? "can't be unsealed" : "not now";
    struct intake *intake = retry->intake;
    if (intake == NULL)
        return "not found";
    if (intake->source == NULL)
        return "unknown source";
    verdict_again(intake->source, &retry->ids[retry->next], retry->body, retry->head, retry->first_seen,
                  &retry->arena, &intake->verdict);
    gather_faults(retry);
    make_jobs(retry);
    make_entry(retry);
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
    free(retry->org);
    free(retry);
}

void retry_start(const struct sources *const *sources, struct view *view, struct writer *writer,
                 struct loop *loop, const struct retry_scope *scope, const struct audit_entry *by,
                 retry_row_fn *row, retry_done_fn *done, void *arg)
{
    struct retry *retry = mem_alloc(sizeof *retry);
    *retry = (struct retry){.sources = sources,
                            .view = view,
                            .writer = writer,
                            .loop = loop,
                            .by = by,
                            .row = row,
                            .done = done,
                            .arg = arg};
    struct view_quarantine one = {.id = scope->id, .org = scope->org};
    retry->org = mem_copy(scope->org);
    if (!scope->all)
        add_id(retry, &one);
    else if (view_quarantine(view, scope->source, add_id, retry) != ERR_OK)
        retry->failed++;
    walk(retry);
}

/* Verdict, then store. */
#include "flow/ingest.h"

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "model/tally.h"

struct span ingest_faults(struct arena *arena, const struct faults *faults)
{
    struct buf out = {.arena = arena};
    json_open(&out, '[');
    for (size_t i = 0; i < faults->count; i++)
        json_put_str(&out, span_of(faults->texts[i]));
    json_close(&out, ']');
    return buf_span(&out);
}

static void job_fill(struct intake *intake, const struct piece *piece, struct store_job *job)
{
    job->event = piece->event;
    job->kind = STORE_EVENT;
    if (piece->faults.count == 0)
        return;
    job->kind = STORE_QUARANTINE;
    job->body = piece->body;
    job->head = intake->verdict.head;
    job->faults = ingest_faults(intake->arena, &piece->faults);
}

/* A batch that could be read leaves quarantine, where it may have been as a whole. */
static struct store_job *job_clear(struct intake *intake)
{
    struct store_job *job = arena_alloc(intake->arena, sizeof *job);
    const struct event *event = &intake->verdict.pieces[0].event;
    job->kind = STORE_CLEAR;
    job->event = (struct event){.id = intake->verdict.whole, .origin = event->origin, .time = event->time};
    return job;
}

void ingest_jobs(struct intake *intake)
{
    const struct verdict *verdict = &intake->verdict;
    struct store_job *last = &intake->job;
    job_fill(intake, &verdict->pieces[0], last);
    if (!verdict->is_batch)
        return;
    struct store_job *rest = arena_alloc(intake->arena, verdict->count * sizeof *rest);
    for (size_t i = 1; i < verdict->count; i++) {
        job_fill(intake, &verdict->pieces[i], &rest[i]);
        last = last->part = &rest[i];
    }
    last->part = job_clear(intake);
}

static bool is_quarantined(const struct store_job *job)
{
    return job->kind == STORE_QUARANTINE && !job->known;
}

struct intake_counts ingest_counts(const struct intake *intake)
{
    struct intake_counts counts = {.ignored = intake->verdict.ignored};
    const struct store_job *job = &intake->job;
    for (size_t i = 0; i < intake->verdict.count; i++, job = job->part) {
        counts.quarantined += is_quarantined(job);
        counts.duplicates += !is_quarantined(job) && job->duplicate;
        counts.stored += !is_quarantined(job) && !job->duplicate;
    }
    return counts;
}

/* Row by row; a batch without rows, too, is one webhook that nothing became of. */
static void count_ignored(const struct intake *intake)
{
    const struct verdict *verdict = &intake->verdict;
    bool is_nothing = verdict->count == 0 && verdict->ignored == 0;
    for (size_t i = 0; i < verdict->ignored + is_nothing; i++)
        tally_count(intake->source, OUTCOME_IGNORED);
}

/* What is on disk is counted row by row, and what was left out of it. */
static void count_kept(const struct intake *intake)
{
    const struct store_job *job = &intake->job;
    count_ignored(intake);
    for (size_t i = 0; i < intake->verdict.count; i++, job = job->part)
        tally_count(intake->source, is_quarantined(job) ? OUTCOME_QUARANTINED
                                    : job->changed      ? OUTCOME_CHANGED
                                    : job->duplicate    ? OUTCOME_DUPLICATE
                                                        : OUTCOME_ACCEPTED);
}

/* Back from the writer. */
static void on_stored(struct store_job *job)
{
    struct intake *intake = (struct intake *)job;
    enum err err = job->err;
    if (err == ERR_OK)
        count_kept(intake);
    else
        tally_refuse(intake->source, refusal_of_err(err));
    if (err == ERR_OK && job->changed)
        log_event_limited(LOG_WARN, "a known key came with other bytes",
                          LOG_STR("source", intake->source->name), LOG_MAYBE("request", intake->request->id));
    if (err == ERR_OK && is_quarantined(job) && !intake->verdict.is_batch)
        err = ERR_BAD_WEBHOOK;
    if (err == ERR_QUARANTINE_FULL)
        log_event_limited(LOG_ERROR, "quarantine is full", LOG_STR("source", intake->source->name),
                          LOG_MAYBE("request", intake->request->id));
    intake->done(intake, err);
}

/* The store says by itself when it can't write. */
static void shed(const struct intake *intake, enum err err)
{
    if (err == ERR_BUSY)
        log_event_limited(LOG_ERROR, "too much waits for the disk", LOG_STR("source", intake->source->name),
                          LOG_MAYBE("request", intake->request->id));
    tally_refuse(intake->source, refusal_of_err(err));
}

static void report_faults(const struct intake *intake)
{
    size_t faults = 0;
    for (size_t i = 0; i < intake->verdict.count; i++)
        faults += intake->verdict.pieces[i].faults.count;
    if (faults > 0)
        log_event_limited(LOG_WARN, "webhook can't be mapped", LOG_STR("source", intake->source->name),
                          LOG_MAYBE("request", intake->request->id), LOG_NUM("faults", (int64_t)faults));
}

/* Whether the writer has it now; if not, it is over, well or not. */
static bool keep(struct intake *intake, struct writer *writer, enum err *err)
{
    report_faults(intake);
    ingest_jobs(intake);
    for (const struct store_job *job = &intake->job; job != NULL; job = job->part)
        intake->job.bytes += job->kind == STORE_EVENT ? job->event.detail_len : job->body.len;
    *err = writer_put(writer, &intake->job);
    if (*err != ERR_OK)
        shed(intake, *err);
    return *err == ERR_OK;
}

/* Only what is authentic uses up a source's own rate. */
static bool has_allowance(struct intake *intake)
{
    const struct source *source = intake->source;
    return source->tally == NULL ||
           rate_take(&source->rate, &source->tally->meter, time_monotonic(), &intake->retry_after);
}

/* Whether the writer has it now; if not, it is over, well or not. */
static bool start(struct intake *intake, struct writer *writer, const struct request *request, enum err *err)
{
    const struct source *source = intake->source;
    const struct verdict *verdict = &intake->verdict;
    intake->job.bytes = request->body.len;
    *err = writer_admits(writer, intake->job.bytes);
    if (*err != ERR_OK) {
        shed(intake, *err);
        return false;
    }
    verdict_reach(source, request, intake->arena, &intake->verdict);
    for (size_t i = 0; i < source->secret_count && i < 64; i++)
        if (verdict->proof.matched >> i & 1)
            tally_match(&source->secrets[i], request->received);
    if (verdict->kind != VERDICT_REFUSED && verdict->proof.matched != 0)
        tally_proven(source);
    if (verdict->kind != VERDICT_REFUSED && !has_allowance(intake)) {
        tally_refuse(source, REFUSAL_SOURCE_LIMIT);
        *err = ERR_RATE;
        return false;
    }
    switch (verdict->kind) {
    case VERDICT_KEEP:
        return keep(intake, writer, err);
    case VERDICT_REFUSED:
        log_event_limited(LOG_WARN, "signature refused", LOG_STR("source", source->name),
                          LOG_MAYBE("request", request->id), LOG_STR("reason", verdict->proof.reason));
        *err = ERR_BAD_SIGNATURE;
        tally_refuse(source, refusal_of(verdict->proof.reason));
        return false;
    case VERDICT_ANSWER:
        tally_count(source, OUTCOME_HANDSHAKE);
        return false;
    default:
        count_ignored(intake);
        return false;
    }
}

void ingest(struct writer *writer, struct loop *loop, const struct source *source,
            const struct request *request, struct arena *arena, void (*done)(struct intake *, enum err),
            void *arg)
{
    struct intake *intake = arena_alloc(arena, sizeof *intake);
    enum err err;
    intake->source = source;
    intake->request = request;
    intake->arena = arena;
    intake->done = done;
    intake->arg = arg;
    intake->job.webhook = true;
    intake->job.loop = loop;
    intake->job.done = on_stored;
    if (!start(intake, writer, request, &err))
        done(intake, err);
}

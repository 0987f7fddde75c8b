/* Verify, map, store. */
#include "flow/ingest.h"

#include "base/log.h"
#include "base/time.h"

static struct span faults_json(struct arena *arena, const struct faults *faults)
{
    struct buf out = {.arena = arena};
    json_open(&out, '[');
    for (size_t i = 0; i < faults->count; i++)
        json_put_str(&out, span_of(faults->texts[i]));
    json_close(&out, ']');
    return buf_span(&out);
}

static enum err map_payload(struct intake *intake, struct span body, const struct map_input *input)
{
    const struct mapping *mapping = intake->source->definition->mapping;
    struct json_fault fault;
    struct json *payload = json_parse(body, &fault);
    if (payload == NULL) {
        faults_add(&intake->faults, "%s at byte %zu", fault.what, fault.byte);
        return ERR_BAD_WEBHOOK;
    }
    enum err err = mapping_run(mapping, payload, input, intake->arena, &intake->mapped, &intake->faults);
    json_free(payload);
    return err;
}

enum err ingest_map(struct intake *intake, struct span body, int64_t received)
{
    const struct source *source = intake->source;
    const struct definition *definition = source->definition;
    char time[TIME_TEXT];
    time_write(time, received);
    struct map_input input = {
        .vars = {[MAP_VAR_VENDOR] = definition->vendor,
                 [MAP_VAR_LAB] = span_of(source->lab),
                 [MAP_VAR_ID_PREFIX] = span_of(source->id_prefix),
                 [MAP_VAR_CLINIC_PREFIX] = span_of(source->clinic_prefix),
                 [MAP_VAR_RECEIVED] = span_of(time)},
        .zone = source->zone,
    };
    intake->faults.arena = intake->arena;
    enum err err = map_payload(intake, body, &input);
    intake->job.kind = err == ERR_OK ? STORE_EVENT : STORE_QUARANTINE;
    intake->job.event = (struct event){
        .id = event_id(span_of(source->name), SPAN("body"), body),
        .origin = span_of(source->name),
        .source = definition->source,
        .type = definition->type,
        .org = span_of(source->org),
        .time = received,
        .detail = intake->mapped.detail.at,
        .detail_len = intake->mapped.detail.len,
        .received_at = intake->mapped.received_at,
    };
    if (err != ERR_OK) {
        intake->job.body = body;
        intake->job.faults = faults_json(intake->arena, &intake->faults);
    }
    return err;
}

/* Back from the writer. */
static void on_stored(struct store_job *job)
{
    struct intake *intake = (struct intake *)job;
    enum err err = job->err;
    if (err == ERR_OK && job->kind == STORE_QUARANTINE)
        err = ERR_BAD_WEBHOOK;
    if (err == ERR_QUARANTINE_FULL)
        log_event_limited(LOG_ERROR, "quarantine is full", LOG_STR("source", intake->source->name));
    intake->done(intake, err);
}

static enum err busy(const struct source *source)
{
    log_event_limited(LOG_ERROR, "too much waits for the disk", LOG_STR("source", source->name));
    return ERR_BUSY;
}

static enum err start(struct intake *intake, struct writer *writer, const struct request *request)
{
    const struct source *source = intake->source;
    const char *reason;
    intake->job.bytes = request->body.len;
    if (!writer_has_room(writer, intake->job.bytes))
        return busy(source);
    enum err err = scheme_verify(source->definition->scheme, source, request, intake->arena, &reason);
    if (err != ERR_OK) {
        log_event_limited(LOG_WARN, "signature refused", LOG_STR("source", source->name),
                          LOG_STR("reason", reason));
        return err;
    }
    if (ingest_map(intake, request->body, request->received) != ERR_OK)
        log_event_limited(LOG_WARN, "webhook can't be mapped", LOG_STR("source", source->name),
                          LOG_NUM("faults", (int64_t)intake->faults.count));
    return writer_put(writer, &intake->job) == ERR_OK ? ERR_OK : busy(source);
}

void ingest(struct writer *writer, struct loop *loop, const struct source *source,
            const struct request *request, struct arena *arena, void (*done)(struct intake *, enum err),
            void *arg)
{
    struct intake *intake = arena_alloc(arena, sizeof *intake);
    intake->source = source;
    intake->arena = arena;
    intake->done = done;
    intake->arg = arg;
    intake->job.loop = loop;
    intake->job.done = on_stored;
    enum err err = start(intake, writer, request);
    if (err != ERR_OK)
        done(intake, err);
}

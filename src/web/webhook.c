/* POST /webhooks/ehr/{source}: the checks that need no secret, then ingest, then the answer. */
#include "handlers.h"

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "flow/ingest.h"
#include "model/tally.h"
#include "web/client.h"

/* No media type is taken as the definition's own; two, or any coding of the body, are not. */
static enum err check_media_type(const struct definition *definition, const struct request *request)
{
    struct span value = SPAN("");
    size_t types = request_header(request, SPAN("Content-Type"), &value);
    if (types > 1 || (types == 1 && !definition_takes(definition, value)))
        return ERR_MEDIA_TYPE;
    return request_header(request, SPAN("Content-Encoding"), &value) == 0 ? ERR_OK : ERR_MEDIA_TYPE;
}

/* Answered as a bad signature is: a stranger learns nothing of the list. */
static enum err check_client(const struct exchange *exchange, const struct network_host *client)
{
    const struct source *source = exchange->source;
    if (source->allow_from.count == 0 || networks_hold(&source->allow_from, client))
        return ERR_OK;
    log_event_limited(LOG_WARN, "client not allowed", LOG_STR("source", source->name),
                      LOG_STR("request", exchange->call->request.id));
    tally_refuse(source, REFUSAL_NOT_ALLOWED);
    return ERR_BAD_SIGNATURE;
}

static enum err check(struct exchange *exchange)
{
    struct network_host client = client_find(&exchange->call->request, exchange->face->trusted_proxies);
    const struct request *request = &exchange->call->request;
    const struct definition *definition = exchange->source->definition;
    size_t max_body = definition->max_body > 0 ? (size_t)definition->max_body : exchange->face->max_body;
    if (!allowance_take(exchange->face->allowance, &client, exchange->since, &exchange->retry_after)) {
        tally_refuse(exchange->source, REFUSAL_ADDRESS_LIMIT);
        return ERR_RATE;
    }
    if (request->body.len > max_body) {
        tally_refuse(exchange->source, REFUSAL_TOO_LARGE);
        return ERR_TOO_LARGE;
    }
    if (check_media_type(definition, request) != ERR_OK) {
        tally_refuse(exchange->source, REFUSAL_MEDIA_TYPE);
        return ERR_MEDIA_TYPE;
    }
    return check_client(exchange, &client);
}

static struct span or_null(struct span json)
{
    return json.at ? json : SPAN("null");
}

/* A pickup that has only been asked for: its status is Pending, nobody drives yet. */
static void add_confirmation(struct buf *out, const struct confirmation *confirmation,
                             const struct mapped *mapped)
{
    struct span terms[TERM_COUNT] = {
        [TERM_EXTERNAL_ID] = or_null(mapped->external_id.at ? mapped->external_id : mapped->pickup_id),
        [TERM_PICKUP_ID] = or_null(mapped->pickup_id),
        [TERM_STATUS] = SPAN("\"Pending\""),
        [TERM_WINDOW_START] = or_null(mapped->window_start),
        [TERM_ETA] = SPAN("null"),
        [TERM_DRIVER_NAME] = SPAN("null"),
        [TERM_DRIVER_PHONE] = SPAN("null"),
    };
    json_key(out, SPAN("confirmation"));
    confirmation_write(confirmation, terms, out);
}

static void write_accepted(const struct intake *intake, struct buf *out)
{
    const struct mapped *mapped = &intake->verdict.pieces[0].mapped;
    const struct confirmation *confirmation = intake->source->definition->confirmation;
    bool is_pickup = mapped->pickup_id.at != NULL;
    char id[EVENT_ID_TEXT];
    event_id_write(id, &intake->job.event.id);
    json_add_raw(out, "success", SPAN("true"));
    if (is_pickup)
        json_add_raw(out, "pickupId", mapped->pickup_id);
    json_add_str(out, "eventId", span_of(id));
    json_add_str(out, "message", is_pickup ? SPAN("Pickup request received") : SPAN("Event received"));
    if (is_pickup && confirmation != NULL)
        add_confirmation(out, confirmation, mapped);
    if (intake->job.duplicate)
        json_add_raw(out, "duplicate", SPAN("true"));
}

static void write_batch(const struct intake *intake, struct buf *out)
{
    struct intake_counts counts = ingest_counts(intake);
    json_add_raw(out, "success", SPAN("true"));
    json_add_int(out, "stored", (int64_t)counts.stored);
    json_add_int(out, "duplicates", (int64_t)counts.duplicates);
    json_add_int(out, "quarantined", (int64_t)counts.quarantined);
    json_add_int(out, "ignored", (int64_t)counts.ignored);
}

static void write_ignored(const struct intake *intake, struct buf *out)
{
    (void)intake;
    json_add_raw(out, "success", SPAN("true"));
    json_add_raw(out, "ignored", SPAN("true"));
}

static void write_faults(const struct intake *intake, struct buf *out)
{
    json_add_str(out, "error", span_of(err_text(ERR_BAD_WEBHOOK)));
    json_add_raw(out, "errors", intake->job.faults);
}

/* What the definition says; else our own words. */
static void answer(struct exchange *exchange, const struct intake *intake, const struct reply *reply,
                   int status, void (*write)(const struct intake *, struct buf *))
{
    struct buf out = {.arena = &exchange->call->arena};
    if (reply->status != 0) {
        web_reply(exchange, reply);
        return;
    }
    json_open(&out, '{');
    write(intake, &out);
    json_close(&out, '}');
    web_answer(exchange, status, buf_span(&out));
}

static void answer_good(struct exchange *exchange, const struct intake *intake)
{
    const struct definition *definition = intake->source->definition;
    if (intake->verdict.kind == VERDICT_ANSWER)
        web_reply(exchange, &intake->verdict.answer);
    else if (intake->verdict.is_batch)
        answer(exchange, intake, &definition->accepted, 200, write_batch);
    else if (intake->verdict.kind == VERDICT_IGNORED)
        answer(exchange, intake, &definition->ignored, 200, write_ignored);
    else
        answer(exchange, intake, &definition->accepted, 200, write_accepted);
}

/* So that the log leads from a request to its event, or to its row of quarantine. */
static void name_event(struct exchange *exchange, const struct intake *intake)
{
    if (!log_is_on(LOG_DEBUG) || intake->verdict.kind != VERDICT_KEEP || intake->verdict.is_batch)
        return;
    char *id = arena_alloc(&exchange->call->arena, EVENT_ID_TEXT);
    event_id_write(id, &intake->job.event.id);
    exchange->call->subject.event = id;
}

static void on_ingested(struct intake *intake, enum err err)
{
    struct exchange *exchange = intake->arg;
    exchange->retry_after = intake->retry_after;
    name_event(exchange, intake);
    if (err == ERR_OK)
        answer_good(exchange, intake);
    else if (err == ERR_BAD_WEBHOOK)
        answer(exchange, intake, &intake->source->definition->quarantined, err_status(err), write_faults);
    else if (err_status(err) == 503) {
        exchange->because = err; /* for the log and the operator */
        web_refuse(exchange, ERR_BUSY);
    } else
        web_refuse(exchange, err);
}

void web_webhook(struct exchange *exchange)
{
    struct http_call *call = exchange->call;
    exchange->since = time_monotonic();
    enum err err = check(exchange);
    if (err != ERR_OK) {
        web_refuse(exchange, err);
        return;
    }
    struct exchange *kept = arena_alloc(&call->arena, sizeof *kept);
    *kept = *exchange;
    ingest(exchange->face->writer, call->loop, exchange->source, &call->request, &call->arena, on_ingested,
           kept);
}

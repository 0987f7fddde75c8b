/* POST /webhooks/ehr/{source}: the checks that need no secret, then ingest, then the answer. */
#include "handlers.h"

#include "base/json.h"
#include "base/log.h"
#include "flow/ingest.h"
#include "web/client.h"

static bool is_json(struct span media_type)
{
    struct span type = span_trim(span_cut(&media_type, ';'));
    return span_is_nocase(type, SPAN("application/json")) ||
           (span_starts_nocase(type, SPAN("application/")) && span_ends_nocase(type, SPAN("+json")));
}

/* No media type is taken as JSON; two, or any coding of the body, are not. */
static enum err check_media_type(const struct request *request)
{
    struct span value = SPAN("");
    size_t types = request_header(request, SPAN("Content-Type"), &value);
    if (types > 1 || (types == 1 && !is_json(value)))
        return ERR_MEDIA_TYPE;
    return request_header(request, SPAN("Content-Encoding"), &value) == 0 ? ERR_OK : ERR_MEDIA_TYPE;
}

/* Answered as a bad signature is: a stranger learns nothing of the list. */
static enum err check_client(const struct exchange *exchange)
{
    const struct source *source = exchange->source;
    if (source->allow_from.count == 0)
        return ERR_OK;
    struct network_host client = client_find(&exchange->call->request, exchange->face->trusted_proxies);
    if (networks_hold(&source->allow_from, &client))
        return ERR_OK;
    log_event_limited(LOG_WARN, "client not allowed", LOG_STR("source", source->name));
    return ERR_BAD_SIGNATURE;
}

static enum err check(const struct exchange *exchange)
{
    const struct request *request = &exchange->call->request;
    if (request->body.len > exchange->face->max_body)
        return ERR_TOO_LARGE;
    TRY(check_media_type(request));
    TRY(check_client(exchange));
    return http_stopping(exchange->call) ? ERR_BUSY : ERR_OK;
}

static struct span or_null(struct span json)
{
    return json.at ? json : SPAN("null");
}

/* A pickup that has only been asked for: its status is Pending, nobody drives yet. */
static void add_confirmation(struct buf *out, const struct intake *intake)
{
    const struct mapped *mapped = &intake->mapped;
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
    confirmation_write(intake->source->definition->confirmation, terms, out);
}

static void answer_accepted(struct exchange *exchange, const struct intake *intake)
{
    struct buf out = {.arena = &exchange->call->arena};
    char id[EVENT_ID_TEXT];
    event_id_write(id, &intake->job.event.id);
    json_open(&out, '{');
    json_add_raw(&out, "success", SPAN("true"));
    json_add_raw(&out, "pickupId", or_null(intake->mapped.pickup_id));
    json_add_str(&out, "eventId", span_of(id));
    json_add_str(&out, "message", SPAN("Pickup request received"));
    add_confirmation(&out, intake);
    if (intake->job.duplicate)
        json_add_raw(&out, "duplicate", SPAN("true"));
    json_close(&out, '}');
    web_answer(exchange, 200, buf_span(&out));
}

static void answer_faults(struct exchange *exchange, const struct intake *intake)
{
    struct buf out = {.arena = &exchange->call->arena};
    json_open(&out, '{');
    json_add_str(&out, "error", span_of(err_text(ERR_BAD_WEBHOOK)));
    json_add_raw(&out, "errors", intake->job.faults);
    json_close(&out, '}');
    web_answer(exchange, err_status(ERR_BAD_WEBHOOK), buf_span(&out));
}

static void on_ingested(struct intake *intake, enum err err)
{
    struct exchange *exchange = intake->arg;
    if (err == ERR_OK)
        answer_accepted(exchange, intake);
    else if (err == ERR_BAD_WEBHOOK)
        answer_faults(exchange, intake);
    else if (err_status(err) == 503)
        web_refuse(exchange, ERR_BUSY); /* why is for the log and the operator */
    else
        web_refuse(exchange, err);
}

void web_webhook(struct exchange *exchange)
{
    struct http_call *call = exchange->call;
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

/* How every handler answers: JSON, with the headers its status asks for. */
#include "handlers.h"

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"

static const struct header json_type = {SPAN("Content-Type"), SPAN("application/json")};
static const struct header problem_type = {SPAN("Content-Type"), SPAN("application/problem+json")};

static void answer(struct exchange *exchange, int status, const struct header *headers, size_t count,
                   struct span body)
{
    if (exchange->since != 0)
        watch_answered(exchange->face->watch, status, time_monotonic() - exchange->since);
    http_answer(exchange->call, status, headers, count, body);
}

void web_answer(struct exchange *exchange, int status, struct span json)
{
    answer(exchange, status, &json_type, 1, json);
}

void web_reply(struct exchange *exchange, const struct reply *reply)
{
    struct header type = {SPAN("Content-Type"), reply->type};
    answer(exchange, reply->status, &type, reply->body.len > 0 ? 1 : 0, reply->body);
}

/* {"error":...} for senders; a problem document (RFC 9457) for the lab's own programs. */
static struct span error_json(struct exchange *exchange, enum err err, const char *detail,
                              const struct faults *faults)
{
    struct buf out = {.arena = &exchange->call->arena};
    json_open(&out, '{');
    if (exchange->face->kind == FACE_PUBLIC) {
        json_add_str(&out, "error", span_of(err_text(err)));
        json_close(&out, '}');
        return buf_span(&out);
    }
    json_add_str(&out, "type", SPAN("about:blank"));
    json_add_str(&out, "title", span_of(err_text(err)));
    json_add_int(&out, "status", err_status(err));
    if (detail != NULL)
        json_add_str(&out, "detail", span_of(detail));
    json_add_str(&out, "requestId", span_of(exchange->call->request.id));
    if (faults != NULL) {
        json_key(&out, SPAN("errors"));
        json_open(&out, '[');
        for (size_t i = 0; i < faults->count; i++)
            json_put_str(&out, span_of(faults->texts[i]));
        json_close(&out, ']');
    }
    json_close(&out, '}');
    return buf_span(&out);
}

/*
 * What was told where it was found out is not told again. Strangers can come to all of this: the
 * errors do not share their limit, so that a scan of paths does not hide a token that is wrong.
 */
static void tell(const struct exchange *exchange, enum err err)
{
    static struct log_site sites[ERR_COUNT];
    const struct http_call *call = exchange->call;
    enum err why = exchange->because != ERR_OK ? exchange->because : err;
    bool is_public = exchange->face->kind == FACE_PUBLIC;
    if (why == ERR_BAD_SIGNATURE || (!is_public && why != ERR_NO_TOKEN && why != ERR_ROLE))
        return;
    log_event_at(&sites[why], is_public ? LOG_INFO : LOG_WARN, "request refused",
                 LOG_STR("request", call->request.id), LOG_NUM("status", err_status(err)),
                 LOG_STR("reason", err_text(why)), LOG_MAYBE("operation", call->subject.operation),
                 LOG_MAYBE("source", call->subject.source));
}

void web_refuse_with(struct exchange *exchange, enum err err, const char *detail, const struct faults *faults,
                     const struct header *further)
{
    struct buf seconds = {.arena = &exchange->call->arena};
    int status = err_status(err);
    struct header headers[3] = {exchange->face->kind == FACE_PUBLIC ? json_type : problem_type};
    size_t count = 1;
    buf_add_int(&seconds, exchange->retry_after > 0 ? exchange->retry_after : RETRY_AFTER);
    if (status == 503 || status == 429)
        headers[count++] = (struct header){SPAN("Retry-After"), buf_span(&seconds)};
    if (further != NULL)
        headers[count++] = *further;
    tell(exchange, err);
    if (status == 503 && exchange->face->kind == FACE_PRIVATE)
        watch_shed(exchange->face->watch, err);
    answer(exchange, status, headers, count, error_json(exchange, err, detail, faults));
}

void web_refuse(struct exchange *exchange, enum err err)
{
    web_refuse_with(exchange, err, NULL, NULL, NULL);
}

void web_refuse_method(struct exchange *exchange, const char *allowed)
{
    struct header header = {SPAN("Allow"), span_of(allowed)};
    web_refuse_with(exchange, ERR_METHOD, NULL, NULL, &header);
}

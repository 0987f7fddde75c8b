/* How every handler answers: JSON, with the headers its status asks for. */
#include "handlers.h"

#include "base/json.h"

static const struct header json_type = {SPAN("Content-Type"), SPAN("application/json")};
static const struct header problem_type = {SPAN("Content-Type"), SPAN("application/problem+json")};

void web_answer(struct exchange *exchange, int status, struct span json)
{
    http_answer(exchange->call, status, &json_type, 1, json);
}

void web_reply(struct exchange *exchange, const struct reply *reply)
{
    struct header type = {SPAN("Content-Type"), reply->type};
    http_answer(exchange->call, reply->status, &type, reply->body.len > 0 ? 1 : 0, reply->body);
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
    http_answer(exchange->call, status, headers, count, error_json(exchange, err, detail, faults));
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

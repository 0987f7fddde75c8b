/* How every handler answers: JSON, with the headers its status asks for. */
#include "handlers.h"

#include "base/json.h"

static const struct header json_type = {SPAN("Content-Type"), SPAN("application/json")};

void web_answer(struct exchange *exchange, int status, struct span json)
{
    http_answer(exchange->call, status, &json_type, 1, json);
}

void web_reply(struct exchange *exchange, const struct reply *reply)
{
    struct header type = {SPAN("Content-Type"), reply->type};
    http_answer(exchange->call, reply->status, &type, reply->body.len > 0 ? 1 : 0, reply->body);
}

static struct span error_json(struct exchange *exchange, enum err err)
{
    struct buf out = {.arena = &exchange->call->arena};
    json_open(&out, '{');
    json_add_str(&out, "error", span_of(err_text(err)));
    json_close(&out, '}');
    return buf_span(&out);
}

void web_refuse(struct exchange *exchange, enum err err)
{
    struct buf seconds = {.arena = &exchange->call->arena};
    int status = err_status(err);
    buf_add_int(&seconds, exchange->retry_after > 0 ? exchange->retry_after : RETRY_AFTER);
    struct header headers[] = {json_type, {SPAN("Retry-After"), buf_span(&seconds)}};
    http_answer(exchange->call, status, headers, status == 503 || status == 429 ? 2 : 1,
                error_json(exchange, err));
}

void web_refuse_method(struct exchange *exchange, const char *allowed)
{
    struct header headers[] = {json_type, {SPAN("Allow"), span_of(allowed)}};
    http_answer(exchange->call, err_status(ERR_METHOD), headers, 2, error_json(exchange, ERR_METHOD));
}

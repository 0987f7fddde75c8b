/* Whether we are there, and whether we can do our work. */
#include "handlers.h"

#include "base/json.h"
#include "model/definition.h"

void web_health(struct exchange *exchange)
{
    struct buf out = {.arena = &exchange->call->arena};
    json_open(&out, '{');
    json_add_str(&out, "status", SPAN("ok"));
    json_key(&out, SPAN("sources"));
    json_open(&out, '[');
    for (size_t i = 0; i < exchange->face->sources->count; i++) {
        const struct source *source = &exchange->face->sources->all[i];
        struct buf path = {.arena = &exchange->call->arena};
        if (source->disabled != NULL)
            continue;
        buf_printf(&path, "/webhooks/ehr/%s", source->name);
        json_open(&out, '{');
        json_add_str(&out, "name", span_of(source->name));
        json_add_str(&out, "vendor", source->definition->vendor);
        json_add_str(&out, "path", buf_span(&path));
        json_add_str(&out, "signatureHeader", scheme_place(source->definition->scheme));
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    web_answer(exchange, 200, buf_span(&out));
}

void web_healthz(struct exchange *exchange)
{
    web_answer(exchange, 200, SPAN("{\"status\":\"ok\"}"));
}

/* A probe on its way to the disk and back. */
struct probe {
    struct store_job job; /* first: it comes back from the writer */
    struct exchange exchange;
};

static void on_probed(struct store_job *job)
{
    struct probe *probe = (struct probe *)job;
    if (job->err == ERR_OK)
        web_answer(&probe->exchange, 200, SPAN("{\"status\":\"ready\"}"));
    else
        web_refuse(&probe->exchange, job->err);
}

void web_readyz(struct exchange *exchange)
{
    struct http_call *call = exchange->call;
    struct probe *probe = arena_alloc(&call->arena, sizeof *probe);
    *probe = (struct probe){
        .job = {.kind = STORE_PROBE,
                .event.time = call->request.received,
                .loop = call->loop,
                .done = on_probed},
        .exchange = *exchange,
    };
    enum err err = http_stopping(call) ? ERR_BUSY : writer_put(exchange->face->writer, &probe->job);
    if (err != ERR_OK)
        web_refuse(&probe->exchange, err);
}

/* Whether we are there. */
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

/* The table of handlers. */
#include "handlers.h"

static const struct {
    struct span source; /* that ends with a dot: every one that begins so */
    struct span type;
    flow_handler *handle;
} handlers[] = {
    {SPAN("crm.portal"), SPAN("PickupRequested"), on_pickup},
    {SPAN("ehr."), SPAN("PickupRequested"), on_pickup},
};

static bool is_from(struct span source, struct span wanted)
{
    return wanted.at[wanted.len - 1] == '.' ? span_starts(source, wanted) : span_is(source, wanted);
}

flow_handler *handler_find(const struct event *event)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (is_from(event->source, handlers[i].source) && span_is(event->type, handlers[i].type))
            return handlers[i].handle;
    return NULL;
}

enum err handler_dead(struct store *store, const struct flow_event *event, const struct flow_result *result)
{
    (void)store, (void)event, (void)result;
    return ERR_OK;
}

/* The table of handlers. */
#include "handlers.h"

#include "tell.h"

static const struct {
    struct span source; /* that ends with a dot: every one that begins so */
    struct span type;
    flow_handler *handle;
} handlers[] = {
    {SPAN("crm.portal"), SPAN("PickupRequested"), on_pickup},
    {SPAN("ehr."), SPAN("PickupRequested"), on_pickup},
    {SPAN("cases.production"), SPAN("CaseReadyToShip"), on_case},
    {SPAN("logistics.driver"), SPAN("DeliveryCompleted"), on_delivered},
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

enum err handler_refuse(const struct flow_event *event, const struct faults *faults,
                        struct flow_result *result)
{
    struct buf reason = {.arena = event->arena};
    for (size_t i = 0; i < faults->count; i++)
        buf_printf(&reason, "%s%s", i > 0 ? "; " : "", faults->texts[i]);
    *result = (struct flow_result){.outcome = FLOW_PERMANENT, .reason = buf_span(&reason)};
    return ERR_OK;
}

/* Whom to call: of a request for a pickup. */
static void add_contact(struct buf *out, const struct json *detail)
{
    const struct json *by = json_get(detail, "requestedBy");
    if (json_kind(by) != JSON_OBJ)
        return;
    json_add_str(out, "contactName", json_str(json_get(by, "name")));
    json_add_str(out, "contactPhone", json_str(json_get(by, "phone")));
}

/* It may die again after it was tried again, which is news. */
enum err handler_dead(struct store *store, const struct flow_event *event, const struct flow_result *result)
{
    struct buf out = {.arena = event->arena};
    struct buf about = {.arena = event->arena};
    json_open(&out, '{');
    json_add_str(&out, "eventId", flow_event_id(event));
    json_add_str(&out, "source", event->event->source);
    json_add_str(&out, "detailType", event->event->type);
    json_add_str(&out, "reason", result->reason);
    if (result->more.len > 0)
        json_add_raw(&out, "more", result->more);
    add_contact(&out, event->detail);
    json_close(&out, '}');
    buf_add(&about, flow_event_id(event));
    buf_printf(&about, "\n%lld", (long long)event->now);
    return flow_tell(store, event, "dead_letter", buf_span(&about), buf_span(&out));
}

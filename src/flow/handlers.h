/* Which handler an event has, and what happens when the flows give one up. */
#ifndef PICKUPD_FLOW_HANDLERS_H
#define PICKUPD_FLOW_HANDLERS_H

#include "base/faults.h"
#include "flow/handler.h"

/* NULL for events that the flows leave alone. */
flow_handler *handler_find(const struct event *event);

/* One a type of event, each in a file of its own. */
flow_handler on_pickup, on_case, on_delivered;

/* A permanent fault of an event's detail, which has all of these; ERR_OK. */
MUST enum err handler_refuse(const struct flow_event *event, const struct faults *faults,
                             struct flow_result *result);

/* Tells the dispatcher of a dead letter of the flows. */
MUST enum err handler_dead(struct store *store, const struct flow_event *event,
                           const struct flow_result *result);

#endif

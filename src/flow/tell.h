/* Telling the dispatcher of something within a handler. */
#ifndef PICKUPD_FLOW_TELL_H
#define PICKUPD_FLOW_TELL_H

#include "flow/handler.h"

/* Adds a notice; of the same kind about the same thing there is one. The detail is a JSON object. */
MUST enum err flow_tell(struct store *store, const struct flow_event *event, const char *kind,
                        struct span about, struct span detail);

/* The id of the event, as a text in its arena: for what each event has to tell anew. */
struct span flow_event_id(const struct flow_event *event);

#endif

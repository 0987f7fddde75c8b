/*
 * What the flows do with one event. A handler runs in the writer's thread, within a transaction and a
 * savepoint of its own, and may be run again for the same event at any time: it must then change nothing.
 */
#ifndef PICKUPD_FLOW_HANDLER_H
#define PICKUPD_FLOW_HANDLER_H

#include "base/json.h"
#include "store/store.h"

struct flow_event {
    int64_t seq;
    const struct event *event;
    const struct json *detail;
    int64_t now; /* ms since 1970 */
    struct arena *arena;
};

enum flow_outcome {
    FLOW_DONE,
    FLOW_PASSING,   /* a fault that may pass: what was written is undone, and it is tried again later */
    FLOW_PERMANENT, /* dead at once: what was written is undone, and the dispatcher is told */
};

/* Zero-initialised by the caller; texts are static or live in the event's arena. */
struct flow_result {
    enum flow_outcome outcome;
    struct span reason;  /* of a fault: names fields and ids, never a patient's data */
    struct span more;    /* JSON that is kept beside the reason, such as the next window; or empty */
    struct span subject; /* the id of the clinic that would mend it, once it is put; or empty */
};

/* Only errors that end the transaction (store_is_lost) are returned; all else is a result. */
typedef enum err flow_handler(struct store *store, const struct flow_event *event,
                              struct flow_result *result);

#endif

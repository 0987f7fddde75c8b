/*
 * The built-in flows: the consumer named `flows`. Its events are handled in the writer's thread, each with
 * what becomes of it in one transaction. Belongs to the control loop.
 */
#ifndef PICKUPD_FLOW_FLOWS_H
#define PICKUPD_FLOW_FLOWS_H

#include "flow/news.h"
#include "store/view.h"

#define FLOWS_STEP_US 5000 /* after which a transaction takes no further events, as webhooks wait for it */
#define FLOWS_SOME    5    /* events that are taken at a time */

struct flows;

/* All must outlive it. */
struct flows *flows_start(struct news *news, struct view *view, struct writer *writer, struct loop *loop);

/* Looks at once whether there is something to do: dead letters may have been revived. */
void flows_wake(struct flows *flows);

/* No further step is begun. */
void flows_stop(struct flows *flows);

/* Once the loop was drained; NULL is fine. */
void flows_free(struct flows *flows);

#endif

/*
 * The built-in flows: the consumer named `flows`. Its events are handled in the writer's thread, each with
 * what becomes of it in one transaction. Belongs to the control loop.
 */
#ifndef PICKUPD_FLOW_FLOWS_H
#define PICKUPD_FLOW_FLOWS_H

#include "flow/news.h"
#include "store/view.h"

#define FLOWS_STEP 50 /* events handled in one transaction, so that webhooks do not wait for long */

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

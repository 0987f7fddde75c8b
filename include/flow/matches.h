/*
 * When each secret last proved a webhook, kept across restarts: read from the store at start, noted there
 * once a minute and at the end. So it can be told when an old secret is no longer needed.
 */
#ifndef PICKUPD_FLOW_MATCHES_H
#define PICKUPD_FLOW_MATCHES_H

#include "model/tally.h"
#include "store/view.h"
#include "store/writer.h"

struct matches;

/* Belongs to the control loop; all must outlive it. */
struct matches *matches_start(struct tallies *tallies, struct view *view, struct writer *writer,
                              struct loop *loop);

/* Notes what is new now; between the loop's end and the writer's. */
void matches_flush(struct matches *matches);

/* Once the loop was drained. */
void matches_free(struct matches *matches);

#endif

/*
 * Schedules make pickups for the next 90 days. Every hour this looks for those whose clinic has begun another
 * day, and makes what is new; so it also makes what was left out because the clinic was closed on a day and
 * now is not. Belongs to the control loop.
 */
#ifndef PICKUPD_FLOW_HORIZON_H
#define PICKUPD_FLOW_HORIZON_H

#include "store/schedules.h"
#include "store/writer.h"

#define HORIZON_STEP 10 /* schedules looked at in one transaction, so that webhooks do not wait for long */

struct horizon;

/* Both must outlive it. Looks at once. */
struct horizon *horizon_start(struct writer *writer, struct loop *loop);

/* No further step is begun. */
void horizon_stop(struct horizon *horizon);

/* Once the loop was drained; NULL is fine. */
void horizon_free(struct horizon *horizon);

/*
 * One step, for calls: looks at the schedules behind *after (zero-initialised for the first), and moves it,
 * in the arena. *more is false once all have been looked at.
 */
MUST enum err horizon_step(struct store *store, struct arena *arena, int64_t now, struct schedule_row *after,
                           bool *more);

#endif

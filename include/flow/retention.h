/*
 * retention_days: every hour this purges what is older (see store/purge.h), and says what. It tells of
 * consumers that soon are silent for so long that nobody waits for them. Belongs to the control loop.
 */
#ifndef PICKUPD_FLOW_RETENTION_H
#define PICKUPD_FLOW_RETENTION_H

#include "store/view.h"
#include "store/writer.h"

struct retention;

/*
 * All must outlive it. Begins at once. With the flows off, their consumer is neither waited for nor told of.
 * NULL, which is fine below, if `days` is 0: all is kept for ever.
 */
struct retention *retention_start(int64_t days, bool flows_off, struct view *view, struct writer *writer,
                                  struct loop *loop);

/* No further step is begun. */
void retention_stop(struct retention *retention);

/* Once the loop was drained. */
void retention_free(struct retention *retention);

#endif

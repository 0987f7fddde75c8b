/* What pickups and deliveries share: a driver and an ETA, as they are written and read. */
#ifndef PICKUPD_WEB_TRIP_H
#define PICKUPD_WEB_TRIP_H

#include "api.h"

/* {"driver","eta"}, null where nothing is known. */
void trip_put(struct buf *out, struct span driver, int64_t eta);

/* null for an empty text. */
void trip_put_text(struct buf *out, const char *key, struct span text);

/* Of the body; empty and 0 where it has none. */
struct span trip_driver(struct ask *ask);
int64_t trip_eta(const struct ask *ask);

#endif

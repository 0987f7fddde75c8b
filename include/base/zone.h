/* Time zones by their IANA names, from the system's tz database. */
#ifndef PICKUPD_BASE_ZONE_H
#define PICKUPD_BASE_ZONE_H

#include <stdint.h>

#include "base/span.h"

struct zone;

/*
 * The zone of that name, or NULL if there is none. Loaded once, which takes some 10 ms, and kept for the life
 * of the process. Any thread.
 */
const struct zone *zone_find(struct span name);

/*
 * Seconds since 1970 in UTC, from a wall clock read as if it were UTC. In the spring gap the offset before
 * it counts; in the autumn overlap the first of the two. For 1970 to 2099; exact from 2024 to 2037, see the
 * manual for the zones that libical has wrong near a change before and after.
 */
int64_t zone_to_utc(const struct zone *zone, int64_t wall);

/* The other way: what the clock on the wall shows at a second in UTC, as if that were UTC. */
int64_t zone_to_wall(const struct zone *zone, int64_t utc);

#endif

/*
 * Limits of so many a second. What has been used is one number, the time at which all of it would be due if
 * it came evenly (the generic cell rate algorithm), so that any threads can take from it without a lock.
 */
#ifndef PICKUPD_BASE_RATE_H
#define PICKUPD_BASE_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rate {
    int64_t per_second; /* 0: no limit; else up to 1,000,000 */
    int64_t burst;      /* how many may come at once; at least 1 where there is a limit */
};

/* Zero-initialised, nothing has been used. */
struct rate_meter {
    atomic_llong due; /* microseconds, as time_monotonic counts */
};

/*
 * Takes one, at `now` in microseconds. False if there is none: the next will be in *seconds, 1 or more. What
 * is refused uses up nothing.
 */
bool rate_take(const struct rate *rate, struct rate_meter *meter, int64_t now, int64_t *seconds);

/* As if nothing had been used. */
void rate_clear(struct rate_meter *meter);

#endif

/*
 * How often values of each size came. Zero-initialised; any thread adds, which costs two additions, and any
 * thread reads. Of one histogram all values are of one scale.
 */
#ifndef PICKUPD_BASE_HISTOGRAM_H
#define PICKUPD_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 16

enum histogram_scale {
    HISTOGRAM_TIME,  /* microseconds, from 100 to 10 seconds */
    HISTOGRAM_BYTES, /* from 4 KiB to 128 MiB */
    HISTOGRAM_COUNT, /* from 1 to 32,768 */
    HISTOGRAM_SCALES
};

struct histogram {
    atomic_ullong counts[HISTOGRAM_BOUNDS + 1]; /* up to each bound but above the one before it; last: more */
    atomic_ullong sum;
};

/* What had been added when it was read. */
struct histogram_values {
    uint64_t counts[HISTOGRAM_BOUNDS + 1];
    uint64_t count, sum;
};

/* A value below 0, as of a clock that was set, counts as 0. */
void histogram_add(struct histogram *histogram, enum histogram_scale scale, int64_t value);

void histogram_read(const struct histogram *histogram, struct histogram_values *values);

/* HISTOGRAM_BOUNDS of them, each the largest value that it counts. */
const int64_t *histogram_bounds(enum histogram_scale scale);

#endif

/* Buckets. */
#include "base/histogram.h"

#include <stddef.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

static const int64_t bounds[HISTOGRAM_SCALES][HISTOGRAM_BOUNDS] = {
    [HISTOGRAM_TIME] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
                        2500000, 5000000, 10000000},
    [HISTOGRAM_BYTES] = {4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, MIB,
                         2 * MIB, 4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB, 128 * MIB},
    [HISTOGRAM_COUNT] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768},
};

void histogram_add(struct histogram *histogram, enum histogram_scale scale, int64_t value)
{
    size_t at = 0;
    uint64_t positive = value > 0 ? (uint64_t)value : 0;
    while (at < HISTOGRAM_BOUNDS && value > bounds[scale][at])
        at++;
    atomic_fetch_add_explicit(&histogram->counts[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, positive, memory_order_relaxed);
}

void histogram_read(const struct histogram *histogram, struct histogram_values *values)
{
    *values = (struct histogram_values){0};
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        values->counts[i] = atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        values->count += values->counts[i];
    }
    values->sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
}

const int64_t *histogram_bounds(enum histogram_scale scale)
{
    return bounds[scale];
}

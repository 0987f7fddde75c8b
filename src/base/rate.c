/* The generic cell rate algorithm. */
#include "base/rate.h"

#define SECOND INT64_C(1000000)

bool rate_take(const struct rate *rate, struct rate_meter *meter, int64_t now, int64_t *seconds)
{
    if (rate->per_second == 0)
        return true;
    int64_t each = SECOND / rate->per_second;
    int64_t ahead = each * (rate->burst - 1); /* so much may be used before it is due */
    long long due = atomic_load_explicit(&meter->due, memory_order_relaxed);
    for (;;) {
        int64_t start = due > now ? due : now;
        if (start - now > ahead) {
            *seconds = (start - now - ahead + SECOND - 1) / SECOND;
            return false;
        }
        if (atomic_compare_exchange_weak_explicit(&meter->due, &due, start + each, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
}

void rate_clear(struct rate_meter *meter)
{
    atomic_store_explicit(&meter->due, 0, memory_order_relaxed);
}

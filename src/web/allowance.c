/* A set-associative table of meters. */
#include "web/allowance.h"

#include <stdlib.h>

#include "base/random.h"

#define WAYS 4 /* places where an address may be */

struct slot {
    atomic_ullong who;
    struct rate_meter meter;
};

struct allowance {
    struct rate rate;
    uint64_t seed; /* so that nobody can choose addresses that share their places */
    struct slot slots[ALLOWANCE_ADDRESSES];
};

struct allowance *allowance_new(const struct rate *rate)
{
    struct allowance *allowance = mem_alloc(sizeof *allowance);
    allowance->rate = *rate;
    allowance->seed = random_number();
    return allowance;
}

void allowance_free(struct allowance *allowance)
{
    free(allowance);
}

static struct slot *slot_of(struct allowance *allowance, uint64_t who)
{
    struct slot *ways = &allowance->slots[who % (ALLOWANCE_ADDRESSES / WAYS) * WAYS];
    struct slot *least = ways;
    for (size_t i = 0; i < WAYS; i++) {
        if (atomic_load_explicit(&ways[i].who, memory_order_relaxed) == who)
            return &ways[i];
        if (atomic_load_explicit(&ways[i].meter.due, memory_order_relaxed) <
            atomic_load_explicit(&least->meter.due, memory_order_relaxed))
            least = &ways[i];
    }
    atomic_store_explicit(&least->who, who, memory_order_relaxed);
    rate_clear(&least->meter);
    return least;
}

bool allowance_take(struct allowance *allowance, const struct network_host *client, int64_t now,
                    int64_t *seconds)
{
    if (allowance->rate.per_second == 0 || client->kind != NETWORK_IP)
        return true;
    return rate_take(&allowance->rate, &slot_of(allowance, network_client(client, allowance->seed))->meter,
                     now, seconds);
}

void allowance_clear(struct allowance *allowance)
{
    for (size_t i = 0; i < ALLOWANCE_ADDRESSES; i++)
        rate_clear(&allowance->slots[i].meter);
}

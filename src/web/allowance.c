/* A set-associative table of meters. */
#include "web/allowance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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
    if (getrandom(&allowance->seed, sizeof allowance->seed, 0) != (ssize_t)sizeof allowance->seed)
        abort();
    return allowance;
}

void allowance_free(struct allowance *allowance)
{
    free(allowance);
}

/* The network of an IPv6 address, or an IPv4 address as such; never 0. */
static uint64_t who_is(const struct network_host *client)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint64_t who = 0;
    bool is_v4 = memcmp(client->ip, mapped, sizeof mapped) == 0;
    for (size_t i = is_v4 ? 10 : 0; i < (is_v4 ? 16 : 8); i++)
        who = who << 8 | client->ip[i];
    return who != 0 ? who : 1;
}

/* Murmur's finalizer: every bit of the address and the seed counts. */
static size_t place_of(const struct allowance *allowance, uint64_t who)
{
    who ^= allowance->seed;
    who = (who ^ who >> 33) * UINT64_C(0xff51afd7ed558ccd);
    who = (who ^ who >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(who ^ who >> 33) % (ALLOWANCE_ADDRESSES / WAYS) * WAYS;
}

static struct slot *slot_of(struct allowance *allowance, uint64_t who)
{
    struct slot *ways = &allowance->slots[place_of(allowance, who)];
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
    return rate_take(&allowance->rate, &slot_of(allowance, who_is(client))->meter, now, seconds);
}

void allowance_clear(struct allowance *allowance)
{
    for (size_t i = 0; i < ALLOWANCE_ADDRESSES; i++)
        rate_clear(&allowance->slots[i].meter);
}

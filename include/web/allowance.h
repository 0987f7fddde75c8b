/*
 * What each client address may still send. A table of fixed size: where more addresses send at once than it
 * holds, the one that has used the least is forgotten. Any thread.
 */
#ifndef PICKUPD_WEB_ALLOWANCE_H
#define PICKUPD_WEB_ALLOWANCE_H

#include "base/network.h"
#include "base/rate.h"

#define ALLOWANCE_ADDRESSES 65536

struct allowance;

struct allowance *allowance_new(const struct rate *rate);
void allowance_free(struct allowance *allowance);

/*
 * Takes one from an address; the 64 bits that a network of IPv6 hands out are one address. A client that is
 * not known, or on this machine behind a unix socket, has no limit. As rate_take.
 */
bool allowance_take(struct allowance *allowance, const struct network_host *client, int64_t now,
                    int64_t *seconds);

/* As if nobody had sent anything. */
void allowance_clear(struct allowance *allowance);

#endif

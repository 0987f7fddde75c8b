/* How many connections each client has open. Any thread. */
#ifndef PICKUPD_SYS_CROWD_H
#define PICKUPD_SYS_CROWD_H

#include "base/network.h"

struct crowd;

/*
 * A client may have `most` connections at once; 0 is no limit. Proxies stand for many clients and have none;
 * the list must live as long.
 */
struct crowd *crowd_new(size_t most, const struct networks *proxies);
void crowd_free(struct crowd *crowd);

/*
 * Counts a connection of that client, unless it has as many as it may; false then. A peer that is not known,
 * or on this machine behind a unix socket, has no limit; without a crowd, which is NULL, nobody has.
 */
bool crowd_enter(struct crowd *crowd, const struct network_host *peer);

/* For each crowd_enter that was true, with the same peer. */
void crowd_leave(struct crowd *crowd, const struct network_host *peer);

#endif

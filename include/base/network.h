/*
 * Who is at the other end, and the lists of networks that a configuration names. An IPv4 address is kept as
 * the IPv6 address that stands for it (::ffff:a.b.c.d), so it is the same address however it was written.
 */
#ifndef PICKUPD_BASE_NETWORK_H
#define PICKUPD_BASE_NETWORK_H

#include <stdint.h>

#include "base/mem.h"

#define NETWORKS_MAX 64 /* entries of one list */

enum network_kind {
    NETWORK_NONE, /* not known; in no network */
    NETWORK_IP,
    NETWORK_UNIX, /* a process on this machine, through a unix socket */
};

struct network_host {
    enum network_kind kind;
    uint8_t ip[16]; /* most significant first; 0 unless NETWORK_IP */
};

struct network {
    struct network_host host; /* with 0 behind the prefix */
    int bits;                 /* 0 to 128 of a prefix that counts; IPv4 has 96 more than were written */
};

/* Zero-initialised it holds nobody. */
struct networks {
    struct network *all;
    size_t count;
};

/* From the 4 bytes of an IPv4 address or the 16 of an IPv6 address. */
struct network_host network_host_of(const void *ip, size_t bytes);

/* A numeric address and nothing else; false, and nobody in *host, for any other text. */
bool network_host_parse(struct span text, struct network_host *host);

/* An address as it is usually written, "unix" or "unknown". */
#define NETWORK_HOST_TEXT 46 /* with the NUL */
void network_host_write(char text[NETWORK_HOST_TEXT], const struct network_host *host);

/*
 * A number for whoever counts as one client: an IPv4 address, or the 64 bits that a network of IPv6 hands
 * out. Different clients have different numbers; which ones, nobody can tell who does not know the seed. For
 * NETWORK_IP.
 */
uint64_t network_client(const struct network_host *host, uint64_t seed);

/*
 * A list with commas between: addresses, networks (10.0.0.0/8, 2001:db8::/32) and the word unix. An empty
 * text is an empty list. False, and an empty list, if an entry is none of these, if bits are set behind its
 * prefix, or if there are too many. The list lives in the arena.
 */
bool networks_parse(struct arena *arena, struct span text, struct networks *networks);

/* Whether one of them holds the host. IPv4 is never within a network of IPv6: not even within ::/0. */
bool networks_hold(const struct networks *networks, const struct network_host *host);

#endif

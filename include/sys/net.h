/* Listening sockets: opened from an address, or inherited from the service manager. */
#ifndef PICKUPD_SYS_NET_H
#define PICKUPD_SYS_NET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/faults.h"
#include "base/network.h"

/*
 * A listening socket that does not block, or -1 with a fault. See base/address.h for how it is written. A
 * socket file that nobody listens on any more is replaced; a new one gets the mode.
 */
int net_listen(const char *address, unsigned mode, struct faults *faults);

/* The same at a path of at most 107 bytes, which may be relative. */
int net_listen_unix(const char *path, unsigned mode, struct faults *faults);

/* The socket that systemd passed under that name, or -1 if there is none. */
int net_inherited(const char *name);

/* Adds the address a socket listens on, with its real port. */
void net_describe(int fd, struct buf *out);

/* Who is at the other end of a connection; NETWORK_NONE if it is gone already. */
struct network_host net_peer(int fd);

/* Closes; if the address is a unix one, removes its file. */
void net_close(int fd, const char *address);

/* A stream connected to a unix socket, or -1. */
int net_connect_unix(const char *path);

#endif

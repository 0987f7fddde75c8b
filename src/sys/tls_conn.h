/* One TLS connection, for the rooms of this floor. */
#ifndef PICKUPD_SYS_TLS_CONN_H
#define PICKUPD_SYS_TLS_CONN_H

#include "base/buf.h"
#include "sys/tls.h"

struct bufferevent;
struct event_base;

/* Who is told that a handshake has come to a good end; it may be told again, by whatever a client sends
 * later. */
struct tls_watch {
    void (*shaken)(void *arg);
    void *arg;
};

/* The server's end, for a descriptor that it is given later and closes itself. The watch lives until
 * tls_leave. */
struct bufferevent *tls_conn_new(struct tls *tls, struct event_base *base, const struct tls_watch *watch);

/* Says goodbye, as far as there is room in the kernel, and tells the watch no more. */
void tls_conn_leave(struct bufferevent *bev);

/* Writes past all buffers, as far as there is room in the kernel. */
void tls_conn_send(struct bufferevent *bev, struct span bytes);

/* Bytes that came from the network so far, also those of which nothing has been made yet. */
uint64_t tls_conn_taken(struct bufferevent *bev);

/* What went wrong with it, or `otherwise`; static. */
const char *tls_conn_failure(struct bufferevent *bev, const char *otherwise);

#endif

/*
 * An HTTP/1.1 server on one loop. It hands over whole requests and takes one answer for each; what of
 * HTTP can go wrong before that is answered here.
 */
#ifndef PICKUPD_SYS_HTTP_H
#define PICKUPD_SYS_HTTP_H

#include <stdatomic.h>

#include "base/mem.h"
#include "base/request.h"
#include "sys/crowd.h"
#include "sys/loop.h"
#include "sys/tls.h"

/* Bodies this much over the limit still reach the handler, so that the 413 is ours. */
#define HTTP_BODY_SLACK 65536

/*
 * What of this process's memory requests may take, from their first byte to the last of their answers:
 * headers and what they become, bodies, and what was sent ahead. Shared by servers in any thread. The first
 * HTTP_UNCOUNTED bytes of each connection are not counted.
 */
struct http_room {
    size_t bytes;
    atomic_size_t taken;
};

#define HTTP_UNCOUNTED 4096

enum cutoff {
#define CUTOFF(name, label) CUTOFF_##name,
#include "tbl/cutoff.h"
    CUTOFF_COUNT
};

/* What is counted of connections. Zero-initialised; servers in any thread add, any thread reads. */
struct http_counts {
    atomic_size_t open, most; /* just now, and at once if all servers have as many as they may */
    atomic_ullong filled;     /* how often a server came to have as many as it may */
    atomic_ullong handshakes; /* of TLS, that failed */
    atomic_ullong cutoffs[CUTOFF_COUNT];
};

const char *cutoff_label(enum cutoff cutoff);

/* The pointers' objects must outlive the server. */
struct http_limits {
    size_t headers;     /* bytes of all headers together */
    size_t body;        /* bytes; what is over it by more than HTTP_BODY_SLACK never reaches the handler */
    size_t connections; /* at once; beyond it they wait in the kernel's queue */
    int timeout;  /* seconds for a handshake, for a request, for the reading of its answer, and of silence */
    int patience; /* seconds for strangers (see http_trust) while no more connections are taken; 0: as any */
    struct crowd *crowd;    /* who is connected; whoever is refused by it is cut off */
    struct tls *tls;        /* spoken on every connection; NULL: none */
    struct http_room *room; /* a request may not be larger than what is left of it */
    struct http_counts *counts;
    struct span no_room; /* what a larger one is answered, from the status line on; then it is cut off */
};

/* What the log says of a request beside its id; any may be NULL. The texts live as long as the call. */
struct http_subject {
    const char *operation;
    const char *source;
    const char *event; /* what became of it */
};

/*
 * One request being answered. It lives until http_answer, also when the client has gone meanwhile; the
 * request's spans and all of the arena die then.
 */
struct http_call {
    struct request request;
    struct arena arena;
    struct loop *loop;
    struct http_subject subject;
    bool malformed; /* its framing can be read in two ways: answer 400, the connection closes */
};

/* Called in the loop's thread; the answer may come at once or later, from that thread. */
typedef void http_handler(struct http_call *call, void *arg);

struct http_server;

struct http_server *http_new(struct loop *loop, const struct http_limits *limits, http_handler *handler,
                             void *arg);

/* Closes all connections; calls still unanswered are released. */
void http_free(struct http_server *server);

/* From now on bodies may be that long. In the loop's thread, or before it runs. */
void http_allow_body(struct http_server *server, size_t bytes);

/* Accepts from a duplicate of the listening socket. */
void http_listen(struct http_server *server, int fd);

/*
 * No new connections; idle ones are closed after a moment in which they may still ask, others after their
 * answer. `done` is called once, when none is left.
 */
void http_stop(struct http_server *server, loop_fn *done, void *arg);

/* Whether http_stop has been called. */
bool http_stopping(const struct http_call *call);

/* Whether the client has hung up, so that nobody would take the answer. */
bool http_gone(const struct http_call *call);

/* Who is at the other end has shown who he is. */
void http_trust(struct http_call *call);

/* The answer may take long: the time limits count again once it was sent. */
void http_hold(struct http_call *call);

/*
 * An answer of status 200 in parts, as they come; the connection closes behind it. A write returns how many
 * bytes the client has not taken yet, and SIZE_MAX once it has gone. Ending or dropping, which cuts the
 * client off, ends the call; whoever streams does so before the server is freed, and when it stops.
 */
void http_stream_begin(struct http_call *call, const struct header *headers, size_t count);
size_t http_stream_write(struct http_call *call, struct span bytes);
void http_stream_end(struct http_call *call);
void http_stream_drop(struct http_call *call);

/* Sends the answer, with the request's id, and ends the call. The body is left out for HEAD. */
void http_answer(struct http_call *call, int status, const struct header *headers, size_t count,
                 struct span body);

#endif

/* What the two rooms of the HTTP server share: http.c has requests and listening, http_conn.c connections. */
#ifndef PICKUPD_SYS_HTTP_PARTS_H
#define PICKUPD_SYS_HTTP_PARTS_H

#include <time.h>

#include "base/request_id.h"
#include "sys/http.h"
#include "tls_conn.h"

struct bufferevent;

struct conn {
    struct conn *next, *prev;
    struct http_server *server;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL once it has been hung up on */
    int fd;
    struct network_host peer;
    int64_t deadline;  /* monotonic second, for what is being read or answered; 0 if nothing is */
    struct call *call; /* not answered yet, or NULL */
    char answered[REQUEST_ID_MAX + 1]; /* the id of what was answered last */
    size_t held;                       /* bytes of memory for the request and what came behind it */
    size_t counted;                    /* of these, in the room that all share */
    struct event *event;               /* for its refusal, and for what comes behind its end; or NULL */
    struct tls_watch watch;
    uint64_t taken; /* bytes of the network up to the last answer; TLS alone */
    int64_t since;  /* monotonic second, when it came */
    bool trusted;
    bool shaking; /* the deadline is the handshake's */
    bool entered; /* is counted in the crowd */
    bool busy;    /* from a whole request to the last byte of its answer */
    bool flooded; /* has sent more than it may before hearing an answer; read no more */
};

struct call {
    struct http_call open; /* first: what the handler sees */
    struct call *next, *prev;
    struct http_server *server;
    struct conn *conn; /* NULL once the connection is gone */
    struct evhttp_request *req;
};

struct http_server {
    struct loop *loop;
    struct evhttp *http;
    struct http_limits limits;
    http_handler *handler;
    void *arg;
    struct evhttp_bound_socket *bound;
    struct conn *conns;
    size_t conn_count; /* with those that are new */
    struct conn **by_fd;
    size_t by_fd_count;
    size_t new_count; /* connections that evhttp has not made its own yet */
    struct call *calls;
    uint64_t ids;   /* what the next id of a request is made from */
    time_t date_of; /* what `date` says */
    char date[32];
    bool stopping;
    loop_fn *stopped;
    void *stopped_arg;
};

/* A bufferevent for a connection that evhttp has just accepted; the server is `arg`. */
struct bufferevent *conn_new(struct event_base *base, void *arg);

/* Closes it and lets it go. */
void conn_close(struct conn *conn);

/* Reads on, unless more has come already than is read. */
void conn_read_on(struct conn *conn);

/* From now on it holds so many bytes. */
void conn_hold(struct conn *conn, size_t bytes);

/* The answer is made, and is to be taken in time. */
void conn_answer(struct conn *conn);

/* Its answer is out: it may be idle now. */
void conn_answered(struct conn *conn);

/* The request or its answer is to be through in `seconds`. */
void conn_set_deadline(struct conn *conn, int64_t seconds);

/* As http_allow_body. */
void conn_allow_body(struct conn *conn);

/* Those on which no request has begun: whether there are any, and an end to them. */
bool conns_have_idle(const struct http_server *server);
void conns_hang_up_idle(struct http_server *server);

/* Those that were hung up on and still send. */
void conns_close_hung_up(struct http_server *server);

void conns_close_late(struct http_server *server);

/* A connection has come, or gone. */
void http_conn_came(struct http_server *server);
void http_conn_gone(struct http_server *server);

/* Accepts below the limit of connections, and not while stopping. */
void http_update_listener(struct http_server *server);

#endif

/* What the two rooms of the HTTP server share: http.c has requests and listening, http_conn.c connections. */
#ifndef PICKUPD_SYS_HTTP_PARTS_H
#define PICKUPD_SYS_HTTP_PARTS_H

#include <time.h>

#include "sys/http.h"

struct bufferevent;

struct conn {
    struct conn *next, *prev;
    struct http_server *server;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL once it has been refused */
    int fd;
    struct network_host peer;
    int64_t deadline;    /* monotonic second, for what is being read or answered; 0 if nothing is */
    struct call *call;   /* not answered yet, or NULL */
    size_t held;         /* bytes of memory for the request and what came behind it */
    size_t counted;      /* of these, in the room that all share */
    struct event *event; /* for its refusal, and then for what still comes; NULL if it never finds no room */
    bool entered;        /* is counted in the crowd */
    bool busy;           /* from a whole request to the last byte of its answer */
    bool flooded;        /* has sent more than it may before hearing an answer; read no more */
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

/* From now on it holds so many bytes. */
void conn_hold(struct conn *conn, size_t bytes);

/* The request or its answer is to be through in `seconds`. */
void conn_set_deadline(struct conn *conn, int64_t seconds);

/* As http_allow_body. */
void conn_allow_body(struct conn *conn);

void conns_close_idle(struct http_server *server);
void conns_close_late(struct http_server *server);

/* A connection has gone. */
void http_conn_gone(struct http_server *server);

/* Accepts below the limit of connections, and not while stopping. */
void http_update_listener(struct http_server *server);

#endif

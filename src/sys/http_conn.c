/*
 * Connections, which evhttp keeps to itself: known here one by one, with what each holds in memory and until
 * when it must have come to an end.
 */
#include "http_parts.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/net.h"

#define LINGER       2     /* seconds for a sender to hear that there is no room, and to stop */
#define INPUT_SLACK  16384 /* bytes that a pipelined request may bring along */
#define PIECE_MEMORY 64    /* bytes; a header becomes three small allocations, and is taken in two pieces */

static int64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

void conn_set_deadline(struct conn *conn, int64_t seconds)
{
    conn->deadline = monotonic() + seconds + 1; /* never 0 */
}

static void count(const struct conn *conn, enum cutoff cutoff)
{
    atomic_fetch_add_explicit(&conn->server->limits.counts->cutoffs[cutoff], 1, memory_order_relaxed);
}

const char *cutoff_label(enum cutoff cutoff)
{
    static const char *const labels[] = {
#define CUTOFF(name, label) [CUTOFF_##name] = label,
#include "tbl/cutoff.h"
    };
    return labels[cutoff];
}

/* What it holds. */

void conn_hold(struct conn *conn, size_t bytes)
{
    size_t counted = bytes / HTTP_UNCOUNTED * HTTP_UNCOUNTED;
    if (counted != conn->counted)
        atomic_fetch_add(&conn->server->limits.room->taken, counted - conn->counted);
    conn->held = bytes;
    conn->counted = counted;
}

/*
 * No larger than what it leaves: so the largest find no room first, small ones nearly always some, and a body
 * in many parts, which is there twice while it is put together, has the room for it.
 */
static bool has_room(const struct conn *conn)
{
    const struct http_room *room = conn->server->limits.room;
    return conn->counted == 0 || atomic_load(&room->taken) + conn->counted <= room->bytes;
}

/* What one connection may have sent that nobody has read yet: one request at its largest, and a little. */
static size_t input_max(const struct http_server *server)
{
    return server->limits.headers + server->limits.body + HTTP_BODY_SLACK + INPUT_SLACK;
}

static void on_refusal(evutil_socket_t fd, short what, void *arg);

/* When evhttp has looked at what came, but before anything else: other connections must not add to it. */
static void refuse_next(struct conn *conn)
{
    if (conn->event == NULL) {
        conn->event = event_new(loop_base(conn->server->loop), -1, 0, on_refusal, conn);
        event_priority_set(conn->event, LOOP_URGENT);
    }
    event_active(conn->event, EV_TIMEOUT, 0);
}

/* evhttp itself reads on with every part of an answer that it is given, whatever came meanwhile. */
void conn_read_on(struct conn *conn)
{
    if (conn->flooded)
        bufferevent_disable(conn->bev, EV_READ);
    else
        bufferevent_enable(conn->bev, EV_READ);
}

/*
 * evhttp goes on reading while it answers, without a limit: here it ends. What it takes out of the buffer it
 * keeps in another form until it has answered.
 */
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct conn *conn = arg;
    if (info->n_added > 0 && conn->deadline == 0 && !conn->busy)
        conn_set_deadline(conn, conn->server->limits.timeout);
    conn_hold(conn, conn->held + info->n_added + (info->n_deleted > 0 ? PIECE_MEMORY : 0));
    if (!conn->flooded && evbuffer_get_length(buffer) <= input_max(conn->server) && has_room(conn))
        return;
    bool was_flooded = conn->flooded;
    conn->flooded = true;
    bufferevent_disable(conn->bev, EV_READ);
    if (!was_flooded && !conn->busy)
        refuse_next(conn);
}

/* TLS. */

/*
 * The last word of a handshake is the client's, and many hold back the request until they know that it has
 * come: 40 ms, if the kernel waits for something to send along.
 */
static void acknowledge(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

/* Told again when a client sends new keys, which must not win it time. */
static void on_shaken(void *arg)
{
    struct conn *conn = arg;
    if (!conn->shaking)
        return;
    conn->shaking = false;
    conn->deadline = 0;
    conn->taken = tls_conn_taken(conn->bev);
    acknowledge(bufferevent_getfd(conn->bev));
}

static struct bufferevent *new_bev(struct conn *conn, struct event_base *base)
{
    struct tls *tls = conn->server->limits.tls;
    if (tls == NULL)
        return bufferevent_socket_new(base, -1, 0);
    conn->watch = (struct tls_watch){on_shaken, conn};
    conn->shaking = true;
    conn_set_deadline(conn, conn->server->limits.timeout);
    return tls_conn_new(tls, base, &conn->watch);
}

/* Who has sent nothing at all only looked whether somebody is there, as a balancer does. */
static void report_handshake(const struct conn *conn)
{
    bool late = monotonic() + 1 >= conn->deadline;
    const char *why = late ? "not done in time" : "the client has gone";
    if (!conn->shaking || conn->server->stopping || (!late && tls_conn_taken(conn->bev) == 0))
        return;
    atomic_fetch_add_explicit(&conn->server->limits.counts->handshakes, 1, memory_order_relaxed);
    log_event_limited(LOG_WARN, "TLS handshake failed", LOG_STR("reason", tls_conn_failure(conn->bev, why)));
}

/*
 * Bytes of which TLS has made nothing yet are the beginning of a request, too: a record may be dripped as a
 * header may.
 */
static void watch_record(struct conn *conn)
{
    if (conn->server->limits.tls == NULL || conn->evcon == NULL || conn->busy || conn->deadline != 0)
        return;
    if (tls_conn_taken(conn->bev) != conn->taken)
        conn_set_deadline(conn, conn->server->limits.timeout);
}

void conn_answer(struct conn *conn)
{
    const char *id = conn->call->open.request.id;
    memcpy(conn->answered, id, strlen(id) + 1); /* which is no longer, see base/request_id.h */
    conn->call = NULL;
    conn_set_deadline(conn, conn->server->limits.timeout);
}

void conn_answered(struct conn *conn)
{
    conn->busy = conn->flooded = false;
    conn->deadline = 0;
    if (conn->server->limits.tls != NULL)
        conn->taken = tls_conn_taken(conn->bev);
}

/* From accepting to closing. */

static void forget_event(struct conn *conn)
{
    if (conn->event != NULL)
        event_free(conn->event);
    conn->event = NULL;
}

/* evhttp's part of it is going away. */
static void detach(struct conn *conn)
{
    /* evhttp closes the descriptor first, and another loop may have it again before epoll is told. */
    bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
    if (conn->server->limits.tls != NULL) {
        report_handshake(conn);
        tls_conn_leave(conn->bev);
    }
    evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
    conn->server->by_fd[conn->fd] = NULL;
    conn->evcon = NULL;
    conn_hold(conn, 0);
    forget_event(conn);
}

static void let_go(struct conn *conn)
{
    struct http_server *server = conn->server;
    if (conn->call != NULL)
        conn->call->conn = NULL;
    if (conn->entered)
        crowd_leave(server->limits.crowd, &conn->peer);
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    free(conn);
    http_conn_gone(server);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    struct conn *conn = arg;
    detach(conn);
    let_go(conn);
}

void conn_close(struct conn *conn)
{
    if (conn->evcon != NULL) {
        evhttp_connection_free(conn->evcon); /* and on_close */
        return;
    }
    forget_event(conn);
    close(conn->fd);
    let_go(conn);
}

/* Whatever a refused sender goes on sending. */
static void on_rest(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    char bytes[16384];
    if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
        conn_close(arg);
}

/*
 * Hangs up as far as we talk. What still comes is read for a while: closing at once would take from the
 * sender what it has not read yet, and tell it of a reset instead of an end.
 */
static void hang_up(struct conn *conn)
{
    struct http_server *server = conn->server;
    struct evhttp_connection *evcon = conn->evcon;
    int rest = fcntl(conn->fd, F_DUPFD_CLOEXEC, 0);
    detach(conn);
    evhttp_connection_set_closecb(evcon, NULL, NULL);
    evhttp_connection_free(evcon); /* closes its descriptor, and the way there for both */
    conn->fd = rest;
    if (rest < 0) {
        let_go(conn);
        return;
    }
    conn_set_deadline(conn, LINGER);
    conn->event = event_new(loop_base(server->loop), rest, EV_READ | EV_PERSIST, on_rest, conn);
    event_add(conn->event, NULL);
}

/* Answers in the middle of a request, which evhttp can't. All that came is forgotten at once. */
static void refuse(struct conn *conn)
{
    const struct span *no_room = &conn->server->limits.no_room;
    count(conn, CUTOFF_NO_ROOM);
    log_event_limited(LOG_WARN, "no room for a request", LOG_NUM("bytes", (int64_t)conn->held));
    if (conn->server->limits.tls != NULL)
        tls_conn_send(conn->bev, *no_room);
    else
        send(conn->fd, no_room->at, no_room->len, MSG_NOSIGNAL);
    hang_up(conn);
}

/* A request that turned out to be whole is served, and is the last one of its connection. */
static void on_refusal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct conn *conn = arg;
    if (conn->busy)
        return;
    if (evbuffer_get_length(bufferevent_get_output(conn->bev)) > 0)
        conn_close(conn); /* evhttp is answering something itself */
    else
        refuse(conn);
}

static void remember(struct conn *conn)
{
    struct http_server *server = conn->server;
    size_t index = (size_t)conn->fd;
    if (index >= server->by_fd_count) {
        size_t count = index * 2 + 64;
        server->by_fd = mem_resize(server->by_fd, count * sizeof(struct conn *));
        memset(server->by_fd + server->by_fd_count, 0, (count - server->by_fd_count) * sizeof(struct conn *));
        server->by_fd_count = count;
    }
    server->by_fd[index] = conn;
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
}

/* evhttp gives its limit to a connection when it is made, and no other later. */
void conn_allow_body(struct conn *conn)
{
    if (conn->evcon != NULL)
        evhttp_connection_set_max_body_size(conn->evcon,
                                            (ev_ssize_t)(conn->server->limits.body + HTTP_BODY_SLACK));
}

/*
 * evhttp tells nobody of a new connection, but it asks us for the bufferevent and then makes itself that
 * bufferevent's callback argument. One turn later the argument is the connection, or NULL if it died.
 */
static void on_adopt(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct conn *conn = arg;
    struct http_server *server = conn->server;
    void *evcon = NULL;
    server->new_count--;
    bufferevent_getcb(conn->bev, NULL, NULL, NULL, &evcon);
    conn->fd = bufferevent_getfd(conn->bev);
    conn->evcon = evcon;
    if (evcon == NULL || conn->fd < 0) {
        if (server->limits.tls != NULL)
            tls_conn_leave(conn->bev);
        evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
        bufferevent_decref(conn->bev);
        free(conn);
        http_conn_gone(server);
        return;
    }
    bufferevent_decref(conn->bev);
    conn->peer = net_peer(conn->fd);
    remember(conn);
    conn_allow_body(conn);
    evhttp_connection_set_closecb(conn->evcon, on_close, conn);
    conn->entered = crowd_enter(server->limits.crowd, &conn->peer);
    if (conn->entered)
        return;
    count(conn, CUTOFF_CLIENT_LIMIT);
    log_event_limited(LOG_WARN, "too many connections of one client",
                      LOG_NUM("connections", (int64_t)server->conn_count));
    conn_close(conn);
}

struct bufferevent *conn_new(struct event_base *base, void *arg)
{
    struct conn *conn = mem_alloc(sizeof *conn);
    struct timeval at_once = {0, 0};
    conn->server = arg;
    conn->since = monotonic();
    conn->server->new_count++;
    http_conn_came(conn->server);
    conn->bev = new_bev(conn, base);
    if (conn->bev == NULL)
        abort();
    evbuffer_add_cb(bufferevent_get_input(conn->bev), on_input, conn);
    bufferevent_incref(conn->bev);
    event_base_once(base, -1, EV_TIMEOUT, on_adopt, conn, &at_once);
    return conn->bev;
}

/* All of them. */

static bool is_idle(const struct conn *conn)
{
    return conn->evcon != NULL && !conn->busy && (conn->deadline == 0 || conn->shaking);
}

bool conns_have_idle(const struct http_server *server)
{
    for (const struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (is_idle(conn))
            return true;
    return server->new_count > 0;
}

void conns_hang_up_idle(struct http_server *server)
{
    for (struct conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (is_idle(conn))
            hang_up(conn);
    }
}

void conns_close_hung_up(struct http_server *server)
{
    for (struct conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->evcon == NULL)
            conn_close(conn);
    }
}

static void report_late(const struct conn *conn)
{
    count(conn, conn->busy ? CUTOFF_SLOW_ANSWER : CUTOFF_SLOW_REQUEST);
    log_event_limited(LOG_WARN, conn->busy ? "answer taken too slowly" : "request too slow",
                      LOG_MAYBE("request", conn->busy ? conn->answered : NULL),
                      LOG_NUM("timeout", conn->server->limits.timeout));
}

/*
 * Whoever is only there must not keep others out for as long as a request may take. What is being answered
 * ends by itself; and one that has just come may belong to somebody who is to be let in.
 */
static bool is_in_the_way(const struct conn *conn, int64_t now)
{
    return conn->evcon != NULL && !conn->trusted && !conn->busy &&
           now - conn->since > conn->server->limits.patience;
}

static void close_strangers(struct http_server *server, int64_t now)
{
    if (server->limits.patience == 0 || server->conn_count < server->limits.connections)
        return;
    for (struct conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (!is_in_the_way(conn, now))
            continue;
        conn->shaking = false; /* that nothing came of it is not the client's doing */
        count(conn, CUTOFF_STRANGER);
        log_event_limited(LOG_WARN, "no more connections: closed one that had shown no token",
                          LOG_NUM("connections", (int64_t)server->conn_count));
        conn_close(conn);
    }
}

void conns_close_late(struct http_server *server)
{
    int64_t now = monotonic();
    close_strangers(server, now);
    for (struct conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        watch_record(conn);
        if (conn->deadline == 0 || conn->deadline >= now)
            continue;
        if (conn->evcon != NULL && !conn->shaking)
            report_late(conn);
        conn_close(conn);
    }
}

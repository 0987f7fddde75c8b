/*
 * libevent's evhttp. What it does not offer is built from its parts: knowing every connection (so that they
 * can be limited, and the idle ones closed at a stop), a bound on what a connection sends ahead and on what
 * all of them hold in memory, and a deadline for a whole request and its answer.
 */
#include "sys/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/random.h"
#include "base/request_id.h"
#include "base/time.h"
#include "framing.h"
#include "http_parts.h"
#include "sys/net.h"

#define SWEEP_MS  1000
#define GRACE_MS  100
#define LINGER_MS 200

static void report_stopped(struct http_server *server)
{
    loop_fn *stopped = server->stopped;
    if (stopped == NULL || server->conns != NULL || server->calls != NULL || server->new_count > 0)
        return;
    server->stopped = NULL;
    stopped(server->stopped_arg);
}

void http_update_listener(struct http_server *server)
{
    if (server->bound == NULL)
        return;
    struct evconnlistener *listener = evhttp_bound_socket_get_listener(server->bound);
    if (server->conn_count < server->limits.connections)
        evconnlistener_enable(listener);
    else
        evconnlistener_disable(listener);
}

void http_conn_came(struct http_server *server)
{
    struct http_counts *counts = server->limits.counts;
    atomic_fetch_add_explicit(&counts->open, 1, memory_order_relaxed);
    if (++server->conn_count == server->limits.connections)
        atomic_fetch_add_explicit(&counts->filled, 1, memory_order_relaxed);
    http_update_listener(server);
}

void http_conn_gone(struct http_server *server)
{
    server->conn_count--;
    atomic_fetch_sub_explicit(&server->limits.counts->open, 1, memory_order_relaxed);
    http_update_listener(server);
    report_stopped(server);
}

/*
 * evhttp's own timeout is one of silence; a sender that drips bytes, or takes an answer in drips, is cut off
 * here. And a listener that was paused for want of descriptors gets another try.
 */
static void on_sweep(void *arg)
{
    http_update_listener(arg);
    conns_close_late(arg);
}

/* Requests. */

static const struct {
    enum evhttp_cmd_type type;
    struct span name;
} methods[] = {
    {EVHTTP_REQ_POST, SPAN("POST")},       {EVHTTP_REQ_GET, SPAN("GET")},
    {EVHTTP_REQ_HEAD, SPAN("HEAD")},       {EVHTTP_REQ_PUT, SPAN("PUT")},
    {EVHTTP_REQ_OPTIONS, SPAN("OPTIONS")}, {EVHTTP_REQ_DELETE, SPAN("DELETE")},
    {EVHTTP_REQ_PATCH, SPAN("PATCH")},     {EVHTTP_REQ_TRACE, SPAN("TRACE")},
    {EVHTTP_REQ_CONNECT, SPAN("CONNECT")},
};

#define METHOD_COUNT (sizeof methods / sizeof methods[0])

static struct span method_of(const struct evhttp_request *req)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (methods[i].type == evhttp_request_get_command(req))
            return methods[i].name;
    return SPAN("");
}

static void take_headers(struct call *call)
{
    struct evkeyvalq *list = evhttp_request_get_input_headers(call->req);
    struct request *request = &call->open.request;
    struct evkeyval *entry;
    size_t count = 0;
    for (entry = list->tqh_first; entry != NULL; entry = entry->next.tqe_next)
        count++;
    struct header *headers = arena_alloc(&call->open.arena, (count + 1) * sizeof *headers);
    for (entry = list->tqh_first; entry != NULL; entry = entry->next.tqe_next)
        headers[request->header_count++] = (struct header){span_of(entry->key), span_of(entry->value)};
    request->headers = headers;
}

static void take_target(struct call *call)
{
    struct request *request = &call->open.request;
    struct span rest = span_of(evhttp_request_get_uri(call->req));
    request->path = span_cut(&rest, '?');
    request->query = rest;
}

static void take_body(struct call *call)
{
    struct evbuffer *buffer = evhttp_request_get_input_buffer(call->req);
    size_t len = evbuffer_get_length(buffer);
    const unsigned char *at = len > 0 ? evbuffer_pullup(buffer, -1) : NULL;
    call->open.request.body = (struct span){at ? (const char *)at : "", len};
}

/*
 * An idle connection may have a request on its way when we stop: for GRACE_MS it still gets an answer, which
 * says that it is the last. Then we hang up, and for LINGER_MS read what crossed that, so that its sender
 * sees an end before any answer, after which it may ask anew, and not a reset, after which it can't know.
 */
static void once(struct http_server *server, int ms, event_callback_fn fn)
{
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    event_base_once(loop_base(server->loop), -1, EV_TIMEOUT, fn, server, &wait);
}

static void on_lingered(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    conns_close_hung_up(arg);
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    conns_hang_up_idle(arg);
    once(arg, LINGER_MS, on_lingered);
}

/* evhttp still needs the connection in here, so one that became idle while we stop is closed later. */
static void on_answered(struct evhttp_request *req, void *arg)
{
    (void)req;
    struct conn *conn = arg;
    conn_answered(conn);
    evhttp_connection_set_timeout(conn->evcon, conn->server->limits.timeout); /* it may have been held */
    conn_hold(conn, evbuffer_get_length(bufferevent_get_input(conn->bev)));
    if (conn->server->stopping)
        once(conn->server, GRACE_MS, on_grace_over);
}

static struct call *call_new(struct http_server *server, struct evhttp_request *req)
{
    struct arena arena = {0};
    struct call *call = arena_alloc(&arena, sizeof *call);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
    call->open.arena = arena;
    call->open.loop = server->loop;
    call->server = server;
    call->req = req;
    call->conn = server->by_fd[bufferevent_getfd(bev)];
    call->open.request.peer = call->conn->peer;
    call->conn->deadline = 0;
    call->conn->call = call;
    call->conn->busy = true;
    call->next = server->calls;
    if (call->next != NULL)
        call->next->prev = call;
    server->calls = call;
    req->flags &= ~EVHTTP_PROXY_REQUEST; /* we are none; evhttp would not close such a connection */
    evhttp_request_set_on_complete_cb(req, on_answered, call->conn);
    return call;
}

static void call_free(struct call *call)
{
    struct http_server *server = call->server;
    if (call->next != NULL)
        call->next->prev = call->prev;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        server->calls = call->next;
    struct arena arena = call->open.arena; /* the call itself lies in it */
    arena_free(&arena);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct http_server *server = arg;
    struct call *call = call_new(server, req);
    call->open.request.method = method_of(req);
    call->open.request.received = time_now();
    take_target(call);
    take_headers(call);
    take_body(call);
    call->open.request.id = request_id_take(&call->open.request, &call->open.arena, &server->ids);
    call->open.malformed = framing_is_doubtful(&call->open.request, req->major, req->minor);
    server->handler(&call->open, server->arg);
}

bool http_stopping(const struct http_call *call)
{
    return ((const struct call *)call)->server->stopping;
}

/* evhttp would write it anew for every answer. */
static const char *date_now(struct http_server *server)
{
    time_t now = time(NULL);
    if (now != server->date_of) {
        server->date_of = now;
        evutil_date_rfc1123(server->date, sizeof server->date, NULL);
    }
    return server->date;
}

static void add_headers(struct call *call, const struct header *headers, size_t count)
{
    struct evkeyvalq *list = evhttp_request_get_output_headers(call->req);
    for (size_t i = 0; i < count; i++)
        evhttp_add_header(list, headers[i].name.at, arena_copy(&call->open.arena, headers[i].value));
    evhttp_add_header(list, "X-Request-Id", call->open.request.id);
    evhttp_add_header(list, "Date", date_now(call->server));
}

/* Every request has one such line, but only where somebody looks into something. */
static void tell(const struct http_call *call, const char *msg, int status)
{
    const struct http_subject *subject = &call->subject;
    if (log_is_on(LOG_DEBUG))
        log_event(LOG_DEBUG, msg, LOG_STR("request", call->request.id), LOG_NUM("status", status),
                  LOG_MAYBE("operation", subject->operation), LOG_MAYBE("source", subject->source),
                  LOG_MAYBE("event", subject->event), LOG_NUM("ms", time_now() - call->request.received));
}

void http_answer(struct http_call *open, int status, const struct header *headers, size_t count,
                 struct span body)
{
    struct call *call = (struct call *)open;
    struct http_server *server = call->server;
    struct evkeyvalq *list = evhttp_request_get_output_headers(call->req);
    tell(open, "answered", status);
    add_headers(call, headers, count);
    bool flooded = call->conn != NULL && call->conn->flooded;
    struct buf length = {.arena = &open->arena};
    buf_add_int(&length, (int64_t)body.len);
    if (status != 204) /* which ends with its head, and must not say otherwise */
        evhttp_add_header(list, "Content-Length", buf_text(&length));
    if (open->malformed || server->stopping || flooded)
        evhttp_add_header(list, "Connection", "close");
    if (!span_is(open->request.method, SPAN("HEAD")))
        evbuffer_add(evhttp_request_get_output_buffer(call->req), body.at, body.len);
    if (call->conn != NULL)
        conn_answer(call->conn);
    evhttp_send_reply(call->req, status, NULL, NULL);
    call_free(call);
    report_stopped(server);
}

bool http_gone(const struct http_call *call)
{
    return ((const struct call *)call)->conn == NULL;
}

void http_trust(struct http_call *call)
{
    struct conn *conn = ((struct call *)call)->conn;
    if (conn != NULL)
        conn->trusted = true;
}

/*
 * evhttp stops reading behind a body, and so would not hear of a client that hangs up. What else the client
 * sends meanwhile is left in the buffer, where evhttp finds it after the answer: it must not be called
 * before.
 */
void http_hold(struct http_call *call)
{
    struct conn *conn = ((struct call *)call)->conn;
    bufferevent_data_cb on_write;
    bufferevent_event_cb on_event;
    void *arg;
    if (conn == NULL)
        return;
    bufferevent_getcb(conn->bev, NULL, &on_write, &on_event, &arg);
    bufferevent_setcb(conn->bev, NULL, on_write, on_event, arg);
    bufferevent_set_timeouts(conn->bev, NULL, NULL);
    conn_read_on(conn);
}

/* Answers in parts. */

void http_stream_begin(struct http_call *open, const struct header *headers, size_t count)
{
    struct call *call = (struct call *)open;
    struct evkeyvalq *list = evhttp_request_get_output_headers(call->req);
    http_hold(open);
    tell(open, "streaming", 200);
    add_headers(call, headers, count);
    evhttp_add_header(list, "Connection", "close");
    evhttp_send_reply_start(call->req, 200, NULL);
}

size_t http_stream_write(struct http_call *open, struct span bytes)
{
    struct call *call = (struct call *)open;
    if (call->conn == NULL)
        return SIZE_MAX;
    struct evbuffer *part = evbuffer_new();
    if (part == NULL || evbuffer_add(part, bytes.at, bytes.len) != 0)
        abort();
    evhttp_send_reply_chunk(call->req, part);
    evbuffer_free(part);
    conn_read_on(call->conn);
    return evbuffer_get_length(bufferevent_get_output(call->conn->bev));
}

void http_stream_end(struct http_call *open)
{
    struct call *call = (struct call *)open;
    struct http_server *server = call->server;
    if (call->conn != NULL)
        conn_answer(call->conn);
    evhttp_send_reply_end(call->req);
    call_free(call);
    report_stopped(server);
}

void http_stream_drop(struct http_call *open)
{
    struct call *call = (struct call *)open;
    struct http_server *server = call->server;
    if (call->conn == NULL) {
        http_stream_end(open);
        return;
    }
    conn_close(call->conn); /* and evhttp's request goes with it */
    call_free(call);
    report_stopped(server);
}

/* Listening. */

/*
 * Most likely out of descriptors: accepting again at once would only spin, so the next sweep does. The
 * argument is evhttp's, not ours.
 */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    log_event_limited(LOG_ERROR, "can't accept", LOG_STR("reason", strerror(EVUTIL_SOCKET_ERROR())));
    evconnlistener_disable(listener);
}

void http_allow_body(struct http_server *server, size_t bytes)
{
    server->limits.body = bytes;
    evhttp_set_max_body_size(server->http, (ev_ssize_t)(bytes + HTTP_BODY_SLACK));
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        conn_allow_body(conn);
}

struct http_server *http_new(struct loop *loop, const struct http_limits *limits, http_handler *handler,
                             void *arg)
{
    struct http_server *server = mem_alloc(sizeof *server);
    ev_uint16_t known = 0;
    for (size_t i = 0; i < METHOD_COUNT; i++)
        known = (ev_uint16_t)(known | methods[i].type);
    server->loop = loop;
    server->limits = *limits;
    atomic_fetch_add(&limits->counts->most, limits->connections);
    server->handler = handler;
    server->arg = arg;
    server->ids = random_number();
    server->http = evhttp_new(loop_base(loop));
    if (server->http == NULL)
        abort();
    evhttp_set_max_headers_size(server->http, (ev_ssize_t)limits->headers);
    http_allow_body(server, limits->body);
    evhttp_set_timeout(server->http, limits->timeout);
    evhttp_set_allowed_methods(server->http, known);
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_bevcb(server->http, conn_new, server);
    evhttp_set_gencb(server->http, on_request, server);
    loop_every(loop, SWEEP_MS, on_sweep, server);
    return server;
}

void http_free(struct http_server *server)
{
    server->stopped = NULL;
    server->bound = NULL; /* goes first, and the connections that go then must not look at it */
    for (struct call *call = server->calls; call != NULL; call = call->next)
        if (call->conn == NULL)
            evhttp_request_free(call->req); /* evhttp let go of it together with the connection */
    evhttp_free(server->http);
    while (server->conns != NULL)
        conn_close(server->conns); /* those that evhttp no longer had */
    while (server->calls != NULL)
        call_free(server->calls);
    free(server->by_fd);
    free(server);
}

void http_listen(struct http_server *server, int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    server->bound = own < 0 ? NULL : evhttp_accept_socket_with_handle(server->http, own);
    if (server->bound == NULL)
        abort();
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(server->bound), on_accept_error);
}

void http_stop(struct http_server *server, loop_fn *done, void *arg)
{
    server->stopping = true;
    server->stopped = done;
    server->stopped_arg = arg;
    if (server->bound != NULL)
        evhttp_del_accept_socket(server->http, server->bound);
    server->bound = NULL;
    if (conns_have_idle(server))
        once(server, GRACE_MS, on_grace_over);
    report_stopped(server);
}

/* Lines over a unix socket, on libevent for the server and on plain calls for the client. */
#include "sys/line.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pool.h"
#include "sys/net.h"

#define RESUME_MS 1000
#define SILENCE_S 30 /* of a client that asks nothing, or takes no answer */

struct line_server {
    struct loop *loop;
    struct evconnlistener *listener; /* NULL once it stops */
    char *path;
    line_handler *handler;
    void *arg;
    struct line_call *calls;
    size_t count; /* of these */
};

struct line_call {
    struct line_call *next, *prev;
    struct line_server *server;
    uid_t uid;
    struct bufferevent *bev; /* NULL once the client has gone */
    bool asked;              /* the handler has it */
    bool ended;
};

/* The others wait to be accepted until one has gone. */
static void accept_more(struct line_server *server)
{
    if (server->listener != NULL && server->count < LINE_MAX_CALLS)
        evconnlistener_enable(server->listener);
}

static void call_free(struct line_call *call)
{
    struct line_server *server = call->server;
    if (call->bev != NULL)
        bufferevent_free(call->bev);
    if (call->next != NULL)
        call->next->prev = call->prev;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        server->calls = call->next;
    free(call);
    server->count--;
    accept_more(server);
}

/* A call that the handler has is freed by line_end only. */
static void hang_up(struct line_call *call)
{
    if (!call->asked || call->ended) {
        call_free(call);
        return;
    }
    bufferevent_free(call->bev);
    call->bev = NULL;
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        hang_up(arg);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct line_call *call = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    size_t len;
    if (call->asked)
        return;
    char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);
    if (line == NULL) {
        if (evbuffer_get_length(input) > LINE_MAX_BYTES)
            hang_up(call);
        return;
    }
    call->asked = true;
    bufferevent_disable(bev, EV_READ); /* there is nothing more to be said */
    call->server->handler(call, (struct span){line, len}, call->server->arg);
    pool_give(line); /* libevent took it from there */
}

static void on_written(struct bufferevent *bev, void *arg)
{
    (void)bev;
    struct line_call *call = arg;
    if (call->ended)
        call_free(call);
}

static bool may_ask(int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *uid = peer.uid;
    return peer.uid == 0 || peer.uid == geteuid();
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int len,
                      void *arg)
{
    (void)listener, (void)peer, (void)len;
    struct line_server *server = arg;
    struct timeval silence = {SILENCE_S, 0};
    uid_t uid;
    if (!may_ask(fd, &uid)) {
        close(fd);
        return;
    }
    struct line_call *call = mem_alloc(sizeof *call);
    call->server = server;
    call->uid = uid;
    call->bev = bufferevent_socket_new(loop_base(server->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    if (call->bev == NULL)
        abort();
    call->next = server->calls;
    if (call->next != NULL)
        call->next->prev = call;
    server->calls = call;
    if (++server->count == LINE_MAX_CALLS)
        evconnlistener_disable(server->listener);
    bufferevent_setcb(call->bev, on_readable, on_written, on_event, call);
    bufferevent_set_timeouts(call->bev, &silence, &silence);
    bufferevent_enable(call->bev, EV_READ | EV_WRITE);
}

/* Most likely out of descriptors: tried again a little later. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    evconnlistener_disable(listener);
}

static void on_resume(void *arg)
{
    accept_more(arg);
}

struct line_server *line_serve(struct loop *loop, const char *path, line_handler *handler, void *arg,
                               struct faults *faults)
{
    int fd = net_listen_unix(path, 0600, faults);
    if (fd < 0)
        return NULL;
    struct line_server *server = mem_alloc(sizeof *server);
    server->loop = loop;
    server->path = mem_copy(span_of(path));
    server->handler = handler;
    server->arg = arg;
    server->listener = evconnlistener_new(loop_base(loop), on_accept, server,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (server->listener == NULL)
        abort();
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    loop_every(loop, RESUME_MS, on_resume, server);
    return server;
}

static bool send_all(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t sent = send(fd, text.at, text.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text.at += sent;
        text.len -= (size_t)sent;
    }
    return true;
}

/* The loop runs no more, so what was said last goes now, as far as it does without waiting. */
static void flush(const struct line_call *call)
{
    struct evbuffer *output = call->bev != NULL ? bufferevent_get_output(call->bev) : NULL;
    if (output == NULL)
        return;
    const char *bytes = (const char *)evbuffer_pullup(output, -1);
    send_all(bufferevent_getfd(call->bev), (struct span){bytes, evbuffer_get_length(output)});
}

void line_stop(struct line_server *server)
{
    evconnlistener_free(server->listener);
    server->listener = NULL;
    while (server->calls != NULL) {
        flush(server->calls);
        call_free(server->calls);
    }
    unlink(server->path);
    free(server->path);
    free(server);
}

uid_t line_uid(const struct line_call *call)
{
    return call->uid;
}

void line_say(struct line_call *call, struct span line)
{
    if (call->bev == NULL)
        return;
    bufferevent_write(call->bev, line.at, line.len);
    bufferevent_write(call->bev, "\n", 1);
}

void line_end(struct line_call *call)
{
    call->ended = true;
    if (call->bev == NULL || evbuffer_get_length(bufferevent_get_output(call->bev)) == 0)
        call_free(call);
}

enum err line_ask(const char *path, struct span request, void (*line)(void *arg, struct span line), void *arg)
{
    struct buf answer CLEANUP(buf_free) = {0};
    char bytes[4096];
    ssize_t got = -1;
    int fd = net_connect_unix(path);
    if (fd < 0)
        return ERR_NOT_FOUND;
    if (send_all(fd, request) && send_all(fd, SPAN("\n")))
        while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
            buf_add(&answer, (struct span){bytes, (size_t)got});
    /* A line that the other end has read leaves no such error behind when that end is closed. */
    bool was_read = got == 0 || answer.len > 0 || (errno != ECONNRESET && errno != EPIPE);
    close(fd);
    struct span rest = buf_span(&answer);
    while (rest.len > 0)
        line(arg, span_cut(&rest, '\n'));
    if (!was_read)
        return ERR_NOT_FOUND;
    return got == 0 && answer.len > 0 ? ERR_OK : ERR_BUSY;
}

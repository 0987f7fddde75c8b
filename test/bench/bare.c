/*
 * The yardstick of `make bench`: what evhttp does in one loop with nothing behind it. Answers every request
 * 200 and keeps nothing.
 *
 *   bare PORT
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

static const char answer[] = "{\"success\":true}";

static void on_request(struct evhttp_request *req, void *arg)
{
    (void)arg;
    evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", "application/json");
    evbuffer_add(evhttp_request_get_output_buffer(req), answer, sizeof answer - 1);
    evhttp_send_reply(req, 200, NULL, NULL);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
    int64_t port;
    if (argc != 2 || !num_parse(span_of(argv[1]), &port) || port < 1 || port > 65535) {
        fputs("usage: bare PORT\n", stderr);
        return 2;
    }
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    struct evhttp *http = evhttp_new(base);
    struct event *term = evsignal_new(base, SIGTERM, on_term, base);
    evhttp_set_gencb(http, on_request, NULL);
    event_add(term, NULL);
    if (evhttp_bind_socket(http, "127.0.0.1", (ev_uint16_t)port) != 0) {
        perror("bare");
        return 1;
    }
    event_base_dispatch(base);
    event_free(term);
    evhttp_free(http);
    event_base_free(base);
    event_config_free(config);
    return 0;
}

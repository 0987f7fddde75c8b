/* libcurl's multi interface on libevent's loop: curl says which sockets and what time to wait for. */
#include "sys/fetch.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/buf.h"

/* Any call that can only fail for want of memory, or because it is used wrongly. */
#define MUST_SET(call)                                                                                       \
    do {                                                                                                     \
        if ((call) != 0)                                                                                     \
            abort();                                                                                         \
    } while (0)

struct fetch {
    struct fetch *next, *prev;
    struct fetcher *fetcher;
    CURL *easy;
    struct curl_slist *headers;
    struct buf answer;
    bool cut;
    fetch_fn *done;
    void *arg;
};

struct fetcher {
    struct loop *loop;
    struct fetch_limits limits;
    CURLM *multi;
    struct event *timer;
    struct fetch *fetches;
    size_t in_flight;
    char *ca_file;
};

static void forget(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    if (fetch->next != NULL)
        fetch->next->prev = fetch->prev;
    if (fetch->prev != NULL)
        fetch->prev->next = fetch->next;
    else
        fetcher->fetches = fetch->next;
    fetcher->in_flight--;
    curl_multi_remove_handle(fetcher->multi, fetch->easy);
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    buf_free(&fetch->answer);
    free(fetch);
}

/* curl's own words are static, and so hold nothing of the request. */
static void describe(CURL *easy, CURLcode code, struct buf *out)
{
    long number = 0;
    char text[128];
    buf_printf(out, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number != 0)
        buf_printf(out, ": %s", strerror_r((int)number, text, sizeof text));
}

/* The fetch is gone when its `done` is called, so that another may be started in its place. */
static void finish(struct fetch *fetch, CURLcode code)
{
    struct buf failure CLEANUP(buf_free) = {0};
    struct buf body CLEANUP(buf_free) = fetch->answer;
    struct fetch_answer answer = {.cut = fetch->cut};
    fetch_fn *done = fetch->done;
    void *arg = fetch->arg;
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    fetch->answer = (struct buf){0};
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && fetch->cut)) {
        answer.status = (int)status;
        answer.body = buf_span(&body);
    } else {
        describe(fetch->easy, code, &failure);
        answer.failure = buf_text(&failure);
    }
    forget(fetch);
    done(arg, &answer);
}

static void finish_all(struct fetcher *fetcher)
{
    int left;
    for (CURLMsg *msg; (msg = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
        char *fetch;
        CURLcode code = msg->data.result; /* the message goes with its handle */
        if (msg->msg != CURLMSG_DONE)
            continue;
        MUST_SET(curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &fetch));
        finish((struct fetch *)(void *)fetch, code);
    }
}

static void go_on(struct fetcher *fetcher, curl_socket_t fd, int ready)
{
    int running;
    MUST_SET(curl_multi_socket_action(fetcher->multi, fd, ready, &running));
    finish_all(fetcher);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    go_on(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    go_on(arg, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

/* curl: wait that long, or with -1 no longer. */
static int on_curl_time(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    struct fetcher *fetcher = arg;
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    if (ms < 0)
        evtimer_del(fetcher->timer);
    else
        evtimer_add(fetcher->timer, &wait);
    return 0;
}

/* curl: wait for that of a socket; `its` is the event that waits for it so far. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *its)
{
    (void)easy;
    struct fetcher *fetcher = arg;
    int wanted = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);
    if (its != NULL)
        event_free(its);
    if (what == CURL_POLL_REMOVE) /* curl forgets the event with it */
        return 0;
    struct event *event =
        event_new(loop_base(fetcher->loop), fd, (short)(wanted | EV_PERSIST), on_ready, fetcher);
    if (event == NULL || event_add(event, NULL) != 0)
        abort();
    MUST_SET(curl_multi_assign(fetcher->multi, fd, event));
    return 0;
}

/* Taking less than was given ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    size_t got = size * count, room = fetch->fetcher->limits.answer - fetch->answer.len;
    fetch->cut = got > room;
    buf_add(&fetch->answer, (struct span){bytes, fetch->cut ? room : got});
    return fetch->cut ? 0 : got;
}

struct fetcher *fetcher_new(struct loop *loop, const struct fetch_limits *limits)
{
    struct fetcher *fetcher = mem_alloc(sizeof *fetcher);
    MUST_SET(curl_global_init(CURL_GLOBAL_DEFAULT));
    *fetcher = (struct fetcher){.loop = loop, .limits = *limits, .multi = curl_multi_init()};
    if (limits->ca_file != NULL)
        fetcher->ca_file = mem_copy(span_of(limits->ca_file));
    fetcher->timer = evtimer_new(loop_base(loop), on_time, fetcher);
    if (fetcher->multi == NULL || fetcher->timer == NULL)
        abort();
    MUST_SET(curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket));
    MUST_SET(curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher));
    MUST_SET(curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_curl_time));
    MUST_SET(curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher));
    MUST_SET(curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)limits->in_flight));
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    while (fetcher->fetches != NULL)
        forget(fetcher->fetches);
    curl_multi_cleanup(fetcher->multi);
    event_free(fetcher->timer);
    free(fetcher->ca_file);
    free(fetcher);
}

size_t fetch_room(const struct fetcher *fetcher)
{
    return fetcher->limits.in_flight - fetcher->in_flight;
}

bool fetch_is_url(const char *text)
{
    char *scheme = NULL;
    CURLU *url = curl_url();
    bool is_url = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  (span_is(span_of(scheme), SPAN("http")) || span_is(span_of(scheme), SPAN("https")));
    curl_free(scheme);
    curl_url_cleanup(url);
    return is_url;
}

static bool is_value(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    return true;
}

static bool can_send(const struct fetch_request *request)
{
    bool can = request_is_name(span_of(request->method)) && fetch_is_url(request->url);
    for (size_t i = 0; i < request->header_count; i++)
        can = can && request_is_name(request->headers[i].name) && is_value(request->headers[i].value);
    return can;
}

static void add_header(struct fetch *fetch, const char *line)
{
    fetch->headers = curl_slist_append(fetch->headers, line);
    if (fetch->headers == NULL)
        abort();
}

/* Without these two curl adds its own: a form's media type, and a wait for leave to send a long body. */
static void add_headers(struct fetch *fetch, const struct header *headers, size_t count)
{
    add_header(fetch, "Expect:");
    add_header(fetch, "Content-Type:");
    for (size_t i = 0; i < count; i++) {
        struct buf line CLEANUP(buf_free) = {0};
        buf_add(&line, headers[i].name);
        if (headers[i].value.len > 0)
            buf_add(&line, SPAN(": "));
        buf_add(&line,
                headers[i].value.len > 0 ? headers[i].value : SPAN(";")); /* curl's word for an empty one */
        add_header(fetch, buf_text(&line));
    }
    MUST_SET(curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers));
}

static void set_method(CURL *easy, const struct fetch_request *request)
{
    if (span_is(span_of(request->method), SPAN("HEAD"))) {
        MUST_SET(curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
        return;
    }
    if (span_is(span_of(request->method), SPAN("GET")))
        return;
    MUST_SET(curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body.len > 0 ? request->body.at : ""));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
}

/*
 * QUICK_EXIT: when the time is up while a name is still looked up, that thread ends by itself. Otherwise
 * curl would wait for it, and the loop with it.
 */
static void set_options(struct fetch *fetch, const struct fetch_request *request)
{
    CURL *easy = fetch->easy;
    MUST_SET(curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_URL, request->url));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_USERAGENT, "pickupd/" PICKUPD_VERSION));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    MUST_SET(curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch));
    if (fetch->fetcher->ca_file != NULL) {
        MUST_SET(curl_easy_setopt(easy, CURLOPT_CAINFO, fetch->fetcher->ca_file));
        MUST_SET(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
    }
    set_method(easy, request);
    add_headers(fetch, request->headers, request->header_count);
}

enum err fetch_start(struct fetcher *fetcher, const struct fetch_request *request)
{
    if (fetch_room(fetcher) == 0)
        return ERR_BUSY;
    if (!can_send(request))
        return ERR_BAD_REQUEST;
    struct fetch *fetch = mem_alloc(sizeof *fetch);
    *fetch = (struct fetch){.next = fetcher->fetches, .fetcher = fetcher, .easy = curl_easy_init()};
    fetch->done = request->done;
    fetch->arg = request->arg;
    if (fetch->easy == NULL)
        abort();
    if (fetch->next != NULL)
        fetch->next->prev = fetch;
    fetcher->fetches = fetch;
    fetcher->in_flight++;
    set_options(fetch, request);
    MUST_SET(curl_multi_add_handle(fetcher->multi, fetch->easy));
    return ERR_OK;
}

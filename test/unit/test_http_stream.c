/* The HTTP server's long answers: calls that are held, and answers in parts, to a client on loopback. */
#include "sys/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "sys/net.h"
#include "unit.h"

#define TIMEOUT    1     /* seconds, of the server */
#define PATIENCE   30000 /* ms, of a test */
#define TICK_MS    2
#define UNSENT_MAX ((size_t)4 << 20)

/* A server, its client in the same thread, and what both have seen. */
struct lab {
    struct loop *loop;
    struct http_server *server;
    struct http_room room;
    struct http_counts counts;
    struct http_call *call; /* the last that was not answered at once */
    size_t calls, stops;
    int client;
    struct buf got;
    bool ended, reads;
    bool (*until)(struct lab *lab);
    const char *tail; /* of what the client waits for */
    int64_t moment;
    bool late;
};

static void on_call(struct http_call *call, void *arg)
{
    struct lab *lab = arg;
    lab->calls++;
    if (span_is(call->request.path, SPAN("/now"))) {
        http_answer(call, 200, NULL, 0, SPAN("now"));
        return;
    }
    lab->call = call;
    if (span_is(call->request.path, SPAN("/hold")))
        http_hold(call);
    else
        http_stream_begin(call, NULL, 0);
}

/* Running. */

static void take(struct lab *lab)
{
    char bytes[4096];
    ssize_t len = 1;
    while (lab->client >= 0 && lab->reads && len > 0) {
        len = recv(lab->client, bytes, sizeof bytes, MSG_DONTWAIT);
        if (len > 0)
            buf_add(&lab->got, (struct span){bytes, (size_t)len});
        lab->ended = lab->ended || len == 0;
    }
}

static void on_tick(void *arg)
{
    struct lab *lab = arg;
    take(lab);
    if (lab->until == NULL || lab->until(lab))
        loop_stop(lab->loop);
}

static void on_late(void *arg)
{
    struct lab *lab = arg;
    lab->late = true;
    loop_stop(lab->loop);
}

static void run_until(struct lab *lab, bool (*until)(struct lab *lab))
{
    lab->until = until;
    if (!lab->late)
        loop_run(lab->loop);
    assert_false(lab->late);
}

static bool has_call(struct lab *lab)
{
    return lab->call != NULL;
}

static bool is_gone(struct lab *lab)
{
    return http_gone(lab->call);
}

static bool has_ended(struct lab *lab)
{
    return lab->ended;
}

static bool has_got(struct lab *lab)
{
    struct span got = buf_span(&lab->got);
    size_t len = strlen(lab->tail);
    return got.len >= len && memcmp(got.at + got.len - len, lab->tail, len) == 0;
}

static bool has_stopped(struct lab *lab)
{
    return lab->stops > 0;
}

static bool is_time(struct lab *lab)
{
    return time_monotonic() >= lab->moment;
}

static bool room_is_taken(struct lab *lab)
{
    return atomic_load(&lab->room.taken) > 0;
}

/* The client. */

static void say(struct lab *lab, const char *text)
{
    assert_int_equal(send(lab->client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void hang_up(struct lab *lab)
{
    close(lab->client);
    lab->client = -1;
}

/* What came is a head of that status and with that text, and then the rest. */
static void check_got(struct lab *lab, const char *in_head, const char *rest)
{
    const char *text = buf_text(&lab->got);
    const char *end = strstr(text, "\r\n\r\n");
    const char *found = strstr(text, in_head);
    CHECK("head", strncmp(text, "HTTP/1.1 200 ", 13) == 0 && end != NULL);
    CHECK(in_head, found != NULL && found < end);
    check_text("rest", span_of(end + 4), rest);
    buf_free(&lab->got);
}

/* Reads the one answer that is still to come. */
static void check_answer(struct lab *lab, const char *body)
{
    lab->tail = body;
    run_until(lab, has_got);
    check_got(lab, "Content-Length:", body);
}

static void check_now(struct lab *lab)
{
    say(lab, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    check_answer(lab, "now");
}

static void start_call(struct lab *lab, const char *text)
{
    say(lab, text);
    run_until(lab, has_call);
}

/* Starting and stopping. */

static int dial(int listener)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        connect(fd, (struct sockaddr *)&address, len) != 0)
        return -1;
    return fd;
}

static int set_up(void **state)
{
    struct lab *lab = mem_alloc(sizeof *lab);
    struct faults faults = {0};
    int listener = net_listen("127.0.0.1:0", 0, &faults);
    lab->loop = loop_new();
    lab->room.bytes = (size_t)1 << 20;
    lab->reads = true;
    struct http_limits limits = {.headers = 8192,
                                 .body = 65536,
                                 .connections = 4,
                                 .timeout = TIMEOUT,
                                 .room = &lab->room,
                                 .counts = &lab->counts,
                                 .no_room = SPAN("HTTP/1.1 503 No\r\n\r\n")};
    lab->server = http_new(lab->loop, &limits, on_call, lab);
    http_listen(lab->server, listener);
    loop_every(lab->loop, TICK_MS, on_tick, lab);
    loop_after(lab->loop, PATIENCE, on_late, lab);
    lab->client = dial(listener);
    close(listener);
    *state = lab;
    return lab->client >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct lab *lab = *state;
    http_free(lab->server);
    loop_free(lab->loop);
    if (lab->client >= 0)
        close(lab->client);
    buf_free(&lab->got);
    bool kept = atomic_load(&lab->room.taken) != 0;
    free(lab);
    return kept;
}

static void on_stopped(void *arg)
{
    ((struct lab *)arg)->stops++;
}

#define HOLD   "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
#define NOW    "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
#define STREAM "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"

/* Held calls. */

static void a_client_that_hangs_up_is_noticed(void **state)
{
    struct lab *lab = *state;
    start_call(lab, HOLD);
    assert_false(http_gone(lab->call));
    hang_up(lab);
    run_until(lab, is_gone);
    http_answer(lab->call, 200, NULL, 0, SPAN("for nobody"));
}

static void a_held_call_outlives_the_limits_which_count_again(void **state)
{
    struct lab *lab = *state;
    start_call(lab, HOLD);
    lab->moment = time_monotonic() + (int64_t)(TIMEOUT + 3) * 1000000;
    run_until(lab, is_time);
    assert_false(http_gone(lab->call) || lab->ended);
    http_answer(lab->call, 200, NULL, 0, SPAN("late"));
    check_answer(lab, "late");
    check_now(lab);
    say(lab, "GET /no");
    run_until(lab, has_ended);
}

static void a_connection_may_not_be_silent_after_a_held_call(void **state)
{
    struct lab *lab = *state;
    start_call(lab, HOLD);
    http_answer(lab->call, 200, NULL, 0, SPAN("soon"));
    check_answer(lab, "soon");
    run_until(lab, has_ended);
}

static void what_comes_behind_a_held_call_waits_and_is_counted(void **state)
{
    struct lab *lab = *state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf next = {.arena = &arena};
    buf_printf(&next, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n%s",
               repeat(&arena, 'x', 20000).at);
    start_call(lab, HOLD);
    say(lab, buf_text(&next));
    run_until(lab, room_is_taken);
    check_int("calls", (int64_t)lab->calls, 1);
    http_answer(lab->call, 200, NULL, 0, SPAN("first"));
    lab->tail = "now";
    run_until(lab, has_got);
    assert_non_null(strstr(buf_text(&lab->got), "\r\n\r\nfirstHTTP/1.1 200 "));
    check_int("calls", (int64_t)lab->calls, 2);
}

static void a_call_whose_client_has_gone_may_be_left_to_the_server(void **state)
{
    struct lab *lab = *state;
    start_call(lab, HOLD);
    hang_up(lab);
    run_until(lab, is_gone);
}

static void a_held_call_may_be_left_to_the_server(void **state)
{
    start_call(*state, HOLD);
}

/* Answers in parts. */

static void a_stream_arrives_whole_and_is_the_last(void **state)
{
    struct lab *lab = *state;
    start_call(lab, STREAM NOW);
    http_stream_write(lab->call, SPAN("one"));
    lab->tail = "one\r\n";
    run_until(lab, has_got); /* it does not wait for the end */
    http_stream_write(lab->call, SPAN(""));
    http_stream_write(lab->call, SPAN("three"));
    http_stream_end(lab->call);
    run_until(lab, has_ended);
    check_got(lab, "Connection: close", "3\r\none\r\n5\r\nthree\r\n0\r\n\r\n");
    check_int("calls", (int64_t)lab->calls, 1);
}

static void a_stream_outlives_the_limits(void **state)
{
    struct lab *lab = *state;
    start_call(lab, STREAM);
    lab->moment = time_monotonic() + (int64_t)(TIMEOUT + 3) * 1000000;
    run_until(lab, is_time);
    assert_true(http_stream_write(lab->call, SPAN("still")) < 20);
    http_stream_end(lab->call);
    run_until(lab, has_ended);
    check_got(lab, "Transfer-Encoding: chunked", "5\r\nstill\r\n0\r\n\r\n");
}

static void a_head_has_no_parts(void **state)
{
    struct lab *lab = *state;
    start_call(lab, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    http_stream_write(lab->call, SPAN("one"));
    http_stream_end(lab->call);
    run_until(lab, has_ended);
    check_got(lab, "Connection: close", "");
}

static void write_until_it_is_too_much(struct lab *lab)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct span much = repeat(&arena, 'x', 100000);
    size_t before = 0, unsent = 0;
    lab->reads = false;
    for (; unsent < UNSENT_MAX; before = unsent) {
        unsent = http_stream_write(lab->call, much);
        assert_true(unsent > before);
    }
}

static void who_does_not_read_can_be_dropped(void **state)
{
    struct lab *lab = *state;
    start_call(lab, STREAM);
    write_until_it_is_too_much(lab);
    http_stream_drop(lab->call);
    lab->reads = true;
    run_until(lab, has_ended);
    assert_true(lab->got.len < UNSENT_MAX);
}

static void check_without_client(void **state, void (*finish)(struct http_call *call))
{
    struct lab *lab = *state;
    start_call(lab, STREAM);
    hang_up(lab);
    run_until(lab, is_gone);
    assert_true(http_stream_write(lab->call, SPAN("for nobody")) == SIZE_MAX);
    finish(lab->call);
}

static void a_stream_without_client_can_be_ended(void **state)
{
    check_without_client(state, http_stream_end);
}

static void a_stream_without_client_can_be_dropped(void **state)
{
    check_without_client(state, http_stream_drop);
}

/* Stopping. */

static void check_stop(struct lab *lab, void (*finish)(struct http_call *call))
{
    start_call(lab, STREAM);
    http_stop(lab->server, on_stopped, lab);
    check_int("stopped while it streams", (int64_t)lab->stops, 0);
    finish(lab->call);
    run_until(lab, has_stopped);
    check_int("stops", (int64_t)lab->stops, 1);
}

static void a_stop_is_over_when_the_stream_has_ended(void **state)
{
    check_stop(*state, http_stream_end);
}

static void a_stop_is_over_when_the_stream_was_dropped(void **state)
{
    check_stop(*state, http_stream_drop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_that_hangs_up_is_noticed),
        TEST(a_held_call_outlives_the_limits_which_count_again),
        TEST(a_connection_may_not_be_silent_after_a_held_call),
        TEST(what_comes_behind_a_held_call_waits_and_is_counted),
        TEST(a_call_whose_client_has_gone_may_be_left_to_the_server),
        TEST(a_held_call_may_be_left_to_the_server),
        TEST(a_stream_arrives_whole_and_is_the_last),
        TEST(a_stream_outlives_the_limits),
        TEST(a_head_has_no_parts),
        TEST(who_does_not_read_can_be_dropped),
        TEST(a_stream_without_client_can_be_ended),
        TEST(a_stream_without_client_can_be_dropped),
        TEST(a_stop_is_over_when_the_stream_has_ended),
        TEST(a_stop_is_over_when_the_stream_was_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

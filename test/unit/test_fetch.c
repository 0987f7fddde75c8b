/* Requests to other servers: a real one in Python that answers, fails, is silent or never stops. */
#include "sys/fetch.h"

#include <netdb.h>
#include <semaphore.h>
#include <signal.h>

#include "base/time.h"
#include "other_end.h"

#define ANSWER_MAX 4096
#define LONG_MS    20000
#define SHORT_MS   150

static struct {
    struct other_end end;
    char plain[8], secure[8], nobody[8];
    char ca_file[200];
} server;

/* One fetcher on one loop, and what came back last. */
struct client {
    struct arena arena;
    struct loop *loop;
    struct fetcher *fetcher;
    size_t done;
    size_t wanted; /* until the loop stops */
    int status;
    bool cut;
    struct span body, failure;
};

/* In place of the system's: a name server that does not answer until it is told to. */
static sem_t may_answer;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)name, (void)service, (void)hints;
    *found = NULL;
    sem_wait(&may_answer);
    return EAI_AGAIN;
}

static void on_done(void *arg, const struct fetch_answer *answer)
{
    struct client *client = arg;
    client->status = answer->status;
    client->cut = answer->cut;
    client->failure = span_of(arena_copy(&client->arena, span_of(answer->failure)));
    client->body = (struct span){arena_copy(&client->arena, answer->body), answer->body.len};
    if (++client->done == client->wanted)
        loop_stop(client->loop);
}

static int set_up_with(void **state, size_t in_flight, const char *ca_file)
{
    struct client *client = mem_alloc(sizeof *client);
    struct fetch_limits limits = {in_flight, ANSWER_MAX, ca_file};
    client->loop = loop_new();
    client->fetcher = fetcher_new(client->loop, &limits);
    *state = client;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, 4, NULL);
}

static int set_up_trusting(void **state)
{
    return set_up_with(state, 4, server.ca_file);
}

static int tear_down(void **state)
{
    struct client *client = *state;
    fetcher_free(client->fetcher);
    loop_free(client->loop);
    arena_free(&client->arena);
    free(client);
    return 0;
}

static const char *url_of(struct client *client, const char *scheme, const char *port, const char *path)
{
    struct buf url = {.arena = &client->arena};
    buf_printf(&url, "%s://127.0.0.1:%s/%s", scheme, port, path);
    return buf_text(&url);
}

static struct fetch_request get(struct client *client, const char *path)
{
    return (struct fetch_request){.method = "GET",
                                  .url = url_of(client, "http", server.plain, path),
                                  .timeout = LONG_MS,
                                  .done = on_done,
                                  .arg = client};
}

static void run_until(struct client *client, size_t done)
{
    client->wanted = done;
    if (client->done < done)
        loop_run(client->loop);
    check_int("done", (int64_t)client->done, (int64_t)done);
}

static void fetch(struct client *client, struct fetch_request request)
{
    size_t before = client->done;
    check_int(request.url, fetch_start(client->fetcher, &request), ERR_OK);
    check_int("done at once", (int64_t)client->done, (int64_t)before);
    run_until(client, before + 1);
}

static void check_fails(struct client *client, struct fetch_request request, const char *failure)
{
    fetch(client, request);
    check_int(request.url, client->status, 0);
    check_text(request.url, client->failure, failure);
    check_text(request.url, client->body, "");
}

static void any_status_is_an_answer(void **state)
{
    struct client *client = *state;
    static const struct {
        const char *path, *body;
        int status;
    } rows[] = {{"200", "this is 200", 200},
                {"302", "this is 302", 302},
                {"404", "this is 404", 404},
                {"500", "this is 500", 500},
                {"599", "this is 599", 599}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fetch(client, get(client, rows[i].path));
        check_int(rows[i].path, client->status, rows[i].status);
        check_text(rows[i].path, client->body, rows[i].body);
        check_text(rows[i].path, client->failure, "");
        CHECK(rows[i].path, !client->cut);
    }
}

static void what_is_asked_arrives(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "echo");
    struct header headers[] = {{SPAN("Content-Type"), SPAN("application/json")},
                               {SPAN("X-Some"), SPAN("thing; \xc3\xa9")},
                               {SPAN("X-Empty"), SPAN("")}};
    request.method = "POST";
    request.headers = headers;
    request.header_count = 3;
    request.body = SPAN("{\"a\":1}");
    fetch(client, request);
    struct buf want = {.arena = &client->arena};
    buf_printf(&want,
               "[\"POST\", [[\"Host\", \"127.0.0.1:%s\"], [\"User-Agent\", \"pickupd/" PICKUPD_VERSION "\"],"
               " [\"Accept\", \"*/*\"], [\"Content-Type\", \"application/json\"],"
               " [\"X-Some\", \"thing; \\u00c3\\u00a9\"], [\"X-Empty\", \"\"],"
               " [\"Content-Length\", \"7\"]], \"{\\\"a\\\":1}\"]",
               server.plain);
    check_text("echo", client->body, buf_text(&want));
}

static void methods_have_their_bodies(void **state)
{
    struct client *client = *state;
    static const struct {
        const char *method, *start, *end;
    } rows[] = {{"GET", "[\"GET\", ", ", \"\"]"},
                {"HEAD", "", ""},
                {"POST", "[\"POST\", ", ", \"text\"]"},
                {"DELETE", "[\"DELETE\", ", ", \"text\"]"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fetch_request request = get(client, "echo");
        request.method = rows[i].method;
        request.body = SPAN("text");
        fetch(client, request);
        check_int(rows[i].method, client->status, 200);
        CHECK(rows[i].method, span_starts(client->body, span_of(rows[i].start)));
        CHECK(rows[i].method, span_ends_nocase(client->body, span_of(rows[i].end)));
    }
}

static void a_long_body_is_sent_at_once(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "echo");
    request.method = "POST";
    request.body = repeat(&client->arena, 'x', 3 << 20);
    fetch(client, request);
    check_int("status", client->status, 200);
    CHECK("nothing but what was asked", span_starts(client->body, SPAN("[\"POST\", [[\"Host\"")));
    CHECK("no leave is waited for", strstr(client->body.at, "Expect") == NULL);
    CHECK("it is no form", strstr(client->body.at, "Content-Type") == NULL);
}

static void a_connection_is_used_again(void **state)
{
    struct client *client = *state;
    fetch(client, get(client, "connections"));
    struct span before = client->body;
    for (int i = 0; i < 5; i++)
        fetch(client, get(client, "200"));
    fetch(client, get(client, "connections"));
    check_text("connections", client->body, before.at);
}

static void refused(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "200");
    request.url = url_of(client, "http", server.nobody, "200");
    check_fails(client, request, "Couldn't connect to server: Connection refused");
}

static void cut_in_the_middle(void **state)
{
    struct client *client = *state;
    check_fails(client, get(client, "cut"), "Transferred a partial file");
    check_fails(client, get(client, "nothing"), "Server returned nothing (no headers, no data)");
    check_fails(client, get(client, "noise"), "Unsupported protocol");
    fetch(client, get(client, "200")); /* none of it stays */
    check_int("status", client->status, 200);
}

static void silent(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "never");
    int64_t start = time_monotonic();
    request.timeout = SHORT_MS;
    check_fails(client, request, "Timeout was reached");
    CHECK("not before its time", time_monotonic() - start >= SHORT_MS * 1000);
    fetch(client, get(client, "gone")); /* the server has seen us leave, if it had seen us come */
    check_int("status", client->status, 200);
}

static void a_name_that_is_not_found_in_time(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "200");
    request.url = "http://dispatcher.invalid/";
    request.timeout = SHORT_MS;
    check_fails(client, request, "Timeout was reached"); /* for ever, if the loop waited for the name */
    sem_post(&may_answer);
    sem_post(&may_answer);
    request.timeout = LONG_MS;
    check_fails(client, request, "Couldn't resolve host name");
}

static void a_stranger_is_not_trusted(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "200");
    request.url = url_of(client, "https", server.secure, "200");
    check_fails(client, request, "SSL peer certificate or SSH remote key was not OK");
    request.url = url_of(client, "https", server.plain, "200");
    check_fails(client, request, "SSL connect error");
}

static void who_is_trusted_is_asked(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "200");
    request.url = url_of(client, "https", server.secure, "echo");
    fetch(client, request);
    check_text("failure", client->failure, "");
    check_int("status", client->status, 200);
}

static void a_huge_answer_is_bounded(void **state)
{
    struct client *client = *state;
    fetch(client, get(client, "huge"));
    check_int("status", client->status, 200);
    check_int("bytes", (int64_t)client->body.len, ANSWER_MAX);
    CHECK("cut", client->cut);
}

static void so_many_at_once(void **state)
{
    struct client *client = *state;
    struct fetch_request request = get(client, "never");
    request.timeout = SHORT_MS;
    for (size_t left = 4; left > 0; left--) {
        check_int("room", (int64_t)fetch_room(client->fetcher), (int64_t)left);
        check_int("start", fetch_start(client->fetcher, &request), ERR_OK);
    }
    check_int("one more", fetch_start(client->fetcher, &request), ERR_BUSY);
    run_until(client, 4);
    check_int("room", (int64_t)fetch_room(client->fetcher), 4);
    fetch(client, get(client, "200"));
    check_int("status", client->status, 200);
}

static void what_is_in_flight_is_dropped(void **state)
{
    struct client *client = *state;
    struct fetch_request silent = get(client, "never"), nameless = silent;
    nameless.url = "http://dispatcher.invalid/";
    check_int("start", fetch_start(client->fetcher, &silent), ERR_OK);
    check_int("start", fetch_start(client->fetcher, &nameless), ERR_OK);
    fetch(client, get(client, "200")); /* the others are on their way by now; tear_down drops them */
    check_int("room", (int64_t)fetch_room(client->fetcher), 2);
    sem_post(&may_answer);
}

static void what_can_not_be_sent(void **state)
{
    struct client *client = *state;
    static const char *const urls[] = {
        "",        "127.0.0.1/200",           "/200",        "ftp://127.0.0.1/",   "file:///etc/hostname",
        "http://", "http://127.0.0.1:99999/", "http://a b/", "gopher://127.0.0.1/"};
    struct header header = {SPAN("X-Some"), SPAN("thing")};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct fetch_request request = get(client, "200");
        request.url = urls[i];
        check_int(urls[i], fetch_start(client->fetcher, &request), ERR_BAD_REQUEST);
        CHECK(urls[i], !fetch_is_url(urls[i]));
    }
    struct fetch_request request = get(client, "200");
    request.headers = &header;
    request.header_count = 1;
    header.value = SPAN("thing\r\nX-Other: thing");
    check_int("a line in a value", fetch_start(client->fetcher, &request), ERR_BAD_REQUEST);
    header = (struct header){SPAN("X Some"), SPAN("thing")};
    check_int("a name that is none", fetch_start(client->fetcher, &request), ERR_BAD_REQUEST);
    request.header_count = 0;
    request.method = "GET /";
    check_int("a method that is none", fetch_start(client->fetcher, &request), ERR_BAD_REQUEST);
    check_int("room", (int64_t)fetch_room(client->fetcher), 4);
    assert_true(fetch_is_url("https://example.org/a?b=c"));
    assert_true(fetch_is_url("HTTP://[::1]:8080"));
}

static int start_server(void **state)
{
    (void)state;
    return end_start(&server.end, "test/unit/fetch_server.py", "") &&
                   sscanf(server.end.said, "%7s %7s %7s %199s", server.plain, server.secure, server.nobody,
                          server.ca_file) == 4
               ? 0
               : -1;
}

static int stop_server(void **state)
{
    (void)state;
    return end_stop(&server.end) ? 0 : -1;
}

#define FETCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FETCH_TEST(any_status_is_an_answer),
        FETCH_TEST(what_is_asked_arrives),
        FETCH_TEST(methods_have_their_bodies),
        FETCH_TEST(a_long_body_is_sent_at_once),
        FETCH_TEST(a_connection_is_used_again),
        FETCH_TEST(refused),
        FETCH_TEST(cut_in_the_middle),
        FETCH_TEST(silent),
        FETCH_TEST(a_name_that_is_not_found_in_time),
        FETCH_TEST(a_stranger_is_not_trusted),
        cmocka_unit_test_setup_teardown(who_is_trusted_is_asked, set_up_trusting, tear_down),
        FETCH_TEST(a_huge_answer_is_bounded),
        FETCH_TEST(so_many_at_once),
        FETCH_TEST(what_is_in_flight_is_dropped),
        FETCH_TEST(what_can_not_be_sent),
    };
    signal(SIGPIPE, SIG_IGN);
    sem_init(&may_answer, 0, 0);
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

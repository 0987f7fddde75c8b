/* Notices on their way to a dispatcher in Python, which checks each signature for itself. */
#include "flow/notify.h"

#include <signal.h>

#include "base/num.h"
#include "base/time.h"
#include "other_end.h"
#include "shelf.h"
#include "store/notices.h"
#include "sys/fetch.h"

#define SECRET   "whsec_bm90aWNlLXRlc3Qtc2VjcmV0LW5vdC1yZWFs"
#define LOOK_MS  2
#define LIMIT_MS 30000
#define BARRIER  40 /* notices, a multiple of what may be in flight */

static struct other_end dispatcher;

/* A server's parts as far as notices need them. */
struct desk {
    struct shelf *shelf;
    struct loop *loop;
    struct writer *writer;
    struct view *view;
    struct news *news;
    struct whsec *secret;
    struct notify *notify;
    const char *want; /* what `show` is to show */
    bool passes;      /* only for a while: `want` is a part of it */
    int64_t since;
    struct buf shown;
};

/* A notice to be added. */
struct adding {
    struct store_job job; /* first */
    struct notice notice;
};

static enum err call_add(struct store *store, struct store_job *job)
{
    return notice_add(store, &((struct adding *)job)->notice);
}

static void on_added(struct store_job *job)
{
    check_int("added", job->err, ERR_OK);
    free(job);
}

static void add(struct desk *desk, const char *key)
{
    struct adding *adding = mem_alloc(sizeof *adding);
    adding->job =
        (struct store_job){.kind = STORE_CALL, .call = call_add, .loop = desk->loop, .done = on_added};
    adding->notice = (struct notice){.org = SPAN("default"),
                                     .kind = SPAN("pickup.rush"),
                                     .key = span_of(key),
                                     .time = time_now(),
                                     .detail = SPAN("{\"pickupId\":\"P-1\"}")};
    check_int(key, writer_put(desk->writer, &adding->job), ERR_OK);
}

/* Key, state, attempts, and the last error. */
static void show_notice(void *arg, const struct notice *notice)
{
    separate(arg);
    buf_printf(arg, "%.*s %s %lld%s%.*s", (int)notice->key.len, notice->key.at,
               notice_state_name(notice->state), (long long)notice->attempts,
               notice->error.len > 0 ? " " : "", (int)notice->error.len, notice->error.at);
}

static void show(struct desk *desk)
{
    desk->shown.len = 0;
    check_int("notices", notice_each(desk->view, SPAN("default"), 0, -1, 1000, show_notice, &desk->shown),
              ERR_OK);
}

/* What passes by must not be waited for to the letter, but for a part that stays. */
static bool is_wanted(struct desk *desk)
{
    const char *shown = buf_text(&desk->shown);
    return desk->passes ? strstr(shown, desk->want) != NULL : strcmp(shown, desk->want) == 0;
}

static void look(void *arg)
{
    struct desk *desk = arg;
    if (desk->want == NULL)
        return;
    show(desk);
    if (is_wanted(desk) || time_monotonic() - desk->since > LIMIT_MS * 1000)
        loop_stop(desk->loop);
}

static void wait_for(struct desk *desk, const char *want)
{
    desk->want = want;
    desk->since = time_monotonic();
    loop_run(desk->loop);
    CHECK(buf_text(&desk->shown), is_wanted(desk));
    desk->want = NULL;
}

static const char *url_of(struct desk *desk, const char *path)
{
    struct buf url = {.arena = &desk->shelf->arena};
    buf_printf(&url, "http://127.0.0.1:%d%s", (int)strtol(dispatcher.said, NULL, 10), path);
    return buf_text(&url);
}

static struct desk open_desk(struct shelf *shelf)
{
    static const struct writer_limits limits = {1000, SIZE_MAX, INT64_MAX};
    struct desk desk = {.shelf = shelf, .loop = loop_new(), .shown = {.arena = &shelf->arena}};
    struct faults faults = {0};
    desk.writer = writer_start(open_store(shelf), &limits, desk.loop, NULL);
    desk.view = open_view(shelf);
    desk.news = news_new(desk.writer);
    desk.secret = whsec_new(SPAN(SECRET), "secret", &faults);
    return desk;
}

static void start(struct desk *desk, const char *url, int64_t attempts)
{
    struct notify_target target = {url, desk->secret, NULL, attempts, 1};
    desk->notify = notify_start(desk->news, desk->view, desk->writer, desk->loop, &target);
    loop_every(desk->loop, LOOK_MS, look, desk);
}

static void close_desk(struct desk *desk)
{
    notify_stop(desk->notify);
    writer_stop(desk->writer);
    loop_drain(desk->loop);
    notify_free(desk->notify);
    news_free(desk->news);
    whsec_free(desk->secret);
    view_close(desk->view);
    writer_free(desk->writer);
    loop_free(desk->loop);
}

static void on_asked(void *arg, const struct fetch_answer *answer)
{
    struct desk *desk = arg;
    desk->shown.len = 0;
    buf_add(&desk->shown, answer->body);
    loop_stop(desk->loop);
}

/* What the dispatcher says. */
static struct span ask(struct desk *desk, const char *path)
{
    struct fetch_limits limits = {1, 100000, NULL};
    struct fetcher *fetcher = fetcher_new(desk->loop, &limits);
    struct fetch_request request = {
        .method = "GET", .url = url_of(desk, path), .timeout = LIMIT_MS, .done = on_asked, .arg = desk};
    check_int(path, fetch_start(fetcher, &request), ERR_OK);
    loop_run(desk->loop);
    fetcher_free(fetcher);
    return buf_span(&desk->shown);
}

/* The lines of what the dispatcher has seen that are about this notice: each "attempt status". */
static void check_seen(struct desk *desk, const char *key, const char *want)
{
    char id[NOTICE_ID_TEXT];
    struct notice notice = {.org = SPAN("default"), .key = span_of(key)};
    struct buf got = {.arena = &desk->shelf->arena};
    struct span all = ask(desk, "/seen");
    notice_id(id, &notice);
    while (all.len > 0) {
        struct span one = span_trim(span_cut(&all, ';'));
        if (!span_starts(one, (struct span){id, 4}))
            continue;
        separate(&got);
        span_skip(&one, 5);
        buf_add(&got, one);
    }
    check_text(key, buf_span(&got), want);
}

static void a_notice_is_sent_once(void **state)
{
    struct desk desk = open_desk(*state);
    start(&desk, url_of(&desk, "/do/200"), 3);
    add(&desk, "once 1");
    add(&desk, "once 1");
    wait_for(&desk, "once 1 sent 1");
    add(&desk, "once 2");
    add(&desk, "once 1");
    wait_for(&desk, "once 1 sent 1; once 2 sent 1");
    check_seen(&desk, "once 1", "1 200");
    check_seen(&desk, "once 2", "1 200");
    close_desk(&desk);
}

static void what_fails_is_sent_again(void **state)
{
    struct desk desk = open_desk(*state);
    start(&desk, url_of(&desk, "/do/drop/500/302/204"), 5);
    add(&desk, "again");
    wait_for(&desk, "again sent 4");
    check_seen(&desk, "again", "1 drop; 2 500; 3 302; 4 204");
    close_desk(&desk);
}

static void so_often_and_no_more(void **state)
{
    struct desk desk = open_desk(*state);
    start(&desk, url_of(&desk, "/do/410/503"), 3);
    add(&desk, "dead");
    wait_for(&desk, "dead dead 3 HTTP 503");
    close_desk(&desk);
    desk = open_desk(*state);
    start(&desk, url_of(&desk, "/do/200"), 3);
    add(&desk, "alive");
    wait_for(&desk, "dead dead 3 HTTP 503; alive sent 1");
    check_seen(&desk, "dead", "1 410; 2 503; 3 503");
    close_desk(&desk);
}

static void a_wrong_secret_is_not_taken(void **state)
{
    struct desk desk = open_desk(*state);
    struct faults faults = {0};
    whsec_free(desk.secret);
    desk.secret = whsec_new(SPAN("whsec_b3RoZXItdGVzdC1zZWNyZXQtbm90LXJlYWw="), "secret", &faults);
    start(&desk, url_of(&desk, "/do/200"), 1);
    add(&desk, "wrong");
    wait_for(&desk, "wrong dead 1 HTTP 401");
    close_desk(&desk);
}

static void with_nobody_to_tell_they_are_kept(void **state)
{
    struct desk desk = open_desk(*state);
    start(&desk, NULL, 3);
    add(&desk, "kept 1");
    add(&desk, "kept 2");
    wait_for(&desk, "kept 1 kept 0; kept 2 kept 0");
    close_desk(&desk);
    desk = open_desk(*state);
    start(&desk, url_of(&desk, "/do/200"), 3);
    add(&desk, "sent");
    wait_for(&desk, "kept 1 kept 0; kept 2 kept 0; sent sent 1");
    close_desk(&desk);
}

static void a_restart_goes_on(void **state)
{
    struct desk desk = open_desk(*state);
    struct buf want = {.arena = &desk.shelf->arena};
    int64_t attempts;
    start(&desk, "http://127.0.0.1:1/", 1000);
    add(&desk, "later");
    desk.passes = true;
    wait_for(&desk, "Connection refused");
    close_desk(&desk);
    desk = open_desk(*state);
    show(&desk); /* how many attempts there were when it ended */
    struct span words = buf_span(&desk.shown);
    span_skip(&words, strlen("later pending "));
    assert_true(num_parse(span_cut(&words, ' '), &attempts));
    buf_printf(&want, "later sent %lld", (long long)attempts + 1);
    start(&desk, url_of(&desk, "/do/200"), 1000); /* nothing is added: it looks by itself */
    wait_for(&desk, buf_text(&want));
    check_seen(&desk, "later", "1 200");
    close_desk(&desk);
}

static void so_many_at_once(void **state)
{
    struct desk desk = open_desk(*state);
    struct buf want = {.arena = &desk.shelf->arena};
    start(&desk, url_of(&desk, "/do/all"), 3);
    for (int i = 0; i < BARRIER; i++) {
        struct buf key = {.arena = &desk.shelf->arena};
        buf_printf(&key, "many %d", i);
        buf_printf(&want, "%smany %d sent 1", i > 0 ? "; " : "", i);
        add(&desk, buf_text(&key));
    }
    wait_for(&desk, buf_text(&want));
    check_text("at once", ask(&desk, "/most"), "8");
    for (int i = 0; i < BARRIER; i++) {
        char key[20];
        snprintf(key, sizeof key, "many %d", i);
        check_seen(&desk, key, "1 all"); /* and not again while it was on its way */
    }
    close_desk(&desk);
}

static void all_attempts_take_about_a_day(void **state)
{
    (void)state;
    int64_t sum = 0;
    for (int64_t i = 1; i < NOTIFY_ATTEMPTS; i++) {
        int64_t wait = notify_wait(NOTIFY_WAIT_MS, i);
        assert_in_range(wait, NOTIFY_WAIT_MS * 4 / 5, NOTIFY_WAIT_MS * (int64_t)NOTIFY_WAIT_MOST * 6 / 5);
        sum += wait;
    }
    assert_in_range(sum, 18 * 3600000, 30 * 3600000);
    assert_in_range(notify_wait(1000, 3), 7200, 10800);
    assert_in_range(notify_wait(1000, INT64_MAX), 2304000, 3456000);
    bool differs = false;
    for (int i = 0; i < 100; i++)
        differs = differs || notify_wait(1000000, 1) != notify_wait(1000000, 1);
    assert_true(differs);
}

static int start_dispatcher(void **state)
{
    (void)state;
    return end_start(&dispatcher, "test/unit/notify_server.py", SECRET) ? 0 : -1;
}

static int stop_dispatcher(void **state)
{
    (void)state;
    return end_stop(&dispatcher) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(a_notice_is_sent_once),
        SHELF_TEST(what_fails_is_sent_again),
        SHELF_TEST(so_often_and_no_more),
        SHELF_TEST(a_wrong_secret_is_not_taken),
        SHELF_TEST(with_nobody_to_tell_they_are_kept),
        SHELF_TEST(a_restart_goes_on),
        SHELF_TEST(so_many_at_once),
        cmocka_unit_test(all_attempts_take_about_a_day),
    };
    signal(SIGPIPE, SIG_IGN);
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, start_dispatcher, stop_dispatcher);
}

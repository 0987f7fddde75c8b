/* Claims that wait: who tries again and when, who gives up, and that each may leave at any moment. */
#include "web/polls.h"

#include "base/time.h"
#include "shelf.h"

#define LONG 3600000000 /* us */

/* A claim that never reaches a store: the test says what comes of a try. */
struct waiter {
    struct poll poll; /* first */
    int tries, given_up;
    bool gone;
    bool refused; /* a try leaves at once, and nothing of the waiter remains */
};

struct room {
    struct loop *loop;
    struct writer *writer;
    struct view *view;
    struct news *news;
    struct polls *polls;
};

static void retry(struct poll *poll)
{
    struct waiter *waiter = (struct waiter *)poll;
    waiter->tries++;
    if (!waiter->refused)
        return;
    polls_leave(poll->polls, poll);
    memset(waiter, 0xff, sizeof *waiter); /* so that whoever still looks at it is seen */
    free(waiter);
}

static void give_up(struct poll *poll)
{
    ((struct waiter *)poll)->given_up++;
}

static bool is_gone(const struct poll *poll)
{
    return ((const struct waiter *)poll)->gone;
}

static struct waiter waiter_of(int64_t consumer, int64_t wait)
{
    return (struct waiter){.poll = {.consumer = consumer,
                                    .until = time_monotonic() + wait,
                                    .retry = retry,
                                    .give_up = give_up,
                                    .is_gone = is_gone}};
}

static int heard; /* that a job is done, and of its commit */

static void told(void *arg, int64_t seq)
{
    (void)seq;
    heard++;
    loop_stop(arg);
}

static struct room open_room(struct shelf *shelf)
{
    static const struct writer_limits limits = {1000, SIZE_MAX, INT64_MAX};
    struct room room = {.loop = loop_new()};
    room.writer = writer_start(open_store(shelf), &limits, room.loop, NULL);
    room.view = open_view(shelf);
    room.news = news_new(room.writer);
    news_subscribe(room.news, told, room.loop); /* hears of a commit last */
    room.polls = polls_new(room.news, room.view, room.loop);
    return room;
}

static void close_room(struct room *room)
{
    polls_stop(room->polls);
    writer_stop(room->writer);
    loop_drain(room->loop);
    polls_free(room->polls);
    news_free(room->news);
    view_close(room->view);
    writer_free(room->writer);
    loop_free(room->loop);
}

static void on_stored(struct store_job *job)
{
    check_int("stored", job->err, ERR_OK);
    heard++;
    loop_stop(job->loop);
}

/* Returns once the polls have heard of it. */
static void commit(struct room *room, struct shelf *shelf)
{
    static int count;
    struct buf body = {.arena = &shelf->arena};
    buf_printf(&body, "{\"n\":%d}", count++);
    struct store_job job = event_job(shelf, "north", buf_text(&body), time_now());
    job.loop = room->loop;
    job.done = on_stored;
    heard = 0;
    assert_int_equal(writer_put(room->writer, &job), ERR_OK);
    while (heard < 2)
        loop_run(room->loop);
}

static void without_time_it_gives_up_at_once(void **state)
{
    struct room room = open_room(*state);
    struct waiter waiter = waiter_of(1, 0);
    polls_wait(room.polls, &waiter.poll);
    assert_int_equal(waiter.given_up, 1);
    polls_wake(room.polls, 1);
    assert_int_equal(waiter.tries, 0);
    polls_leave(room.polls, &waiter.poll); /* is fine */
    close_room(&room);
    assert_int_equal(waiter.given_up, 1);
}

static void only_one_of_a_consumer_tries(void **state)
{
    struct room room = open_room(*state);
    struct waiter a = waiter_of(1, LONG), b = waiter_of(1, LONG), other = waiter_of(2, LONG);
    polls_wait(room.polls, &a.poll);
    polls_wait(room.polls, &b.poll);
    polls_wait(room.polls, &other.poll);
    polls_wake(room.polls, 1);
    polls_wake(room.polls, 1);
    polls_wake(room.polls, 3);
    assert_int_equal(a.tries, 1);
    polls_wait(room.polls, &a.poll); /* it has found nothing; but there was news meanwhile */
    assert_int_equal(a.tries, 2);
    polls_wait(room.polls, &a.poll);
    assert_int_equal(a.tries, 2);
    polls_leave(room.polls, &a.poll);
    polls_wake(room.polls, 1);
    assert_int_equal(b.tries, 1);
    assert_int_equal(other.tries, 0);
    polls_leave(room.polls, &b.poll);
    close_room(&room);
}

static void who_is_gone_is_passed_over(void **state)
{
    struct room room = open_room(*state);
    struct waiter a = waiter_of(1, LONG), b = waiter_of(1, LONG);
    polls_wait(room.polls, &a.poll);
    polls_wait(room.polls, &b.poll);
    a.gone = true;
    polls_wake(room.polls, 1);
    assert_int_equal(a.tries, 0);
    assert_int_equal(b.tries, 1);
    polls_leave(room.polls, &b.poll);
    close_room(&room);
}

static void a_commit_wakes_one_of_each_consumer(void **state)
{
    struct room room = open_room(*state);
    struct waiter all[] = {waiter_of(1, LONG), waiter_of(2, LONG), waiter_of(1, LONG), waiter_of(3, LONG)};
    for (size_t i = 0; i < 4; i++)
        polls_wait(room.polls, &all[i].poll);
    commit(&room, *state);
    assert_int_equal(all[0].tries, 1);
    assert_int_equal(all[1].tries, 1);
    assert_int_equal(all[2].tries, 0);
    assert_int_equal(all[3].tries, 1);
    for (size_t i = 0; i < 4; i++)
        polls_leave(room.polls, &all[i].poll);
    close_room(&room);
}

/* The news was on its way already, and no more comes of what was committed behind the claim. */
static void news_during_the_first_try_counts(void **state)
{
    struct room room = open_room(*state);
    struct waiter before = waiter_of(1, LONG), after = waiter_of(2, LONG);
    polls_begin(room.polls, &before.poll);
    commit(&room, *state);
    polls_begin(room.polls, &after.poll);
    assert_int_equal(before.tries, 0);
    polls_wait(room.polls, &before.poll);
    polls_wait(room.polls, &after.poll);
    assert_int_equal(before.tries, 1);
    assert_int_equal(after.tries, 0);
    polls_wait(room.polls, &before.poll);
    assert_int_equal(before.tries, 1);
    polls_leave(room.polls, &before.poll);
    polls_leave(room.polls, &after.poll);
    close_room(&room);
}

static void a_changed_consumer_wakes_its_own(void **state)
{
    struct room room = open_room(*state);
    struct waiter a = waiter_of(1, LONG), other = waiter_of(2, LONG);
    polls_wait(room.polls, &a.poll);
    polls_wait(room.polls, &other.poll);
    heard = 0;
    news_tell_consumer(room.news, 3);
    assert_int_equal(a.tries + other.tries, 0);
    news_tell_consumer(room.news, 2);
    assert_int_equal(a.tries, 0);
    assert_int_equal(other.tries, 1);
    assert_int_equal(heard, 0); /* it is no commit */
    polls_leave(room.polls, &other.poll);
    close_room(&room);
}

/* The writer can't take its claim: it is answered, and its memory is another's. */
static void a_try_may_end_at_once(void **state)
{
    struct room room = open_room(*state);
    struct waiter gone = waiter_of(1, LONG), last = waiter_of(2, LONG);
    struct waiter *refused = mem_alloc(sizeof *refused), *second = mem_alloc(sizeof *second);
    *refused = waiter_of(1, LONG);
    *second = waiter_of(3, LONG);
    refused->refused = second->refused = true;
    polls_wait(room.polls, &gone.poll);
    polls_wait(room.polls, &refused->poll);
    polls_wait(room.polls, &second->poll);
    polls_wait(room.polls, &last.poll);
    gone.gone = true;
    commit(&room, *state);
    assert_int_equal(gone.tries, 0);
    assert_int_equal(last.tries, 1);
    polls_leave(room.polls, &last.poll);
    close_room(&room);
    assert_int_equal(gone.given_up, 1);
}

static void so_many_wait_at_once(void **state)
{
    struct room room = open_room(*state);
    static struct waiter all[POLLS_MAX + 2];
    for (size_t i = 0; i < POLLS_MAX + 2; i++)
        all[i] = waiter_of((int64_t)i, LONG);
    for (size_t i = 0; i < POLLS_MAX; i++)
        polls_wait(room.polls, &all[i].poll);
    struct waiter *beyond = &all[POLLS_MAX], *next = &all[POLLS_MAX + 1];
    polls_wait(room.polls, &beyond->poll);
    assert_int_equal(beyond->given_up, 1);
    all[7].gone = true;
    polls_wait(room.polls, &next->poll);
    assert_int_equal(all[7].given_up, 1);
    assert_int_equal(next->given_up, 0);
    polls_wake(room.polls, next->poll.consumer);
    assert_int_equal(next->tries, 1);
    polls_wait(room.polls, &next->poll); /* it has its place already */
    assert_int_equal(next->given_up, 0);
    close_room(&room);
    for (size_t i = 0; i < POLLS_MAX + 2; i++)
        assert_int_equal(all[i].given_up, 1);
}

static struct loop *running;

static void give_up_and_stop(struct poll *poll)
{
    give_up(poll);
    loop_stop(running);
}

static void its_time_ends(void **state)
{
    struct room room = open_room(*state);
    struct waiter waiter = waiter_of(1, 20000);
    running = room.loop;
    waiter.poll.give_up = give_up_and_stop;
    polls_wait(room.polls, &waiter.poll);
    if (waiter.given_up == 0) /* or the machine was so busy that its time was over */
        loop_run(room.loop);
    assert_int_equal(waiter.given_up, 1);
    assert_int_equal(waiter.tries, 0); /* nothing has fallen due */
    assert_true(time_monotonic() >= waiter.poll.until);
    close_room(&room);
}

static void those_that_try_give_up_when_they_are_back(void **state)
{
    struct room room = open_room(*state);
    struct waiter trying = waiter_of(1, LONG), waiting = waiter_of(1, LONG), late = waiter_of(1, LONG);
    polls_wait(room.polls, &trying.poll);
    polls_wait(room.polls, &waiting.poll);
    polls_wake(room.polls, 1);
    polls_stop(room.polls);
    assert_int_equal(waiting.given_up, 1);
    assert_int_equal(trying.given_up, 0);
    polls_wait(room.polls, &trying.poll);
    assert_int_equal(trying.given_up, 1);
    polls_wait(room.polls, &late.poll);
    assert_int_equal(late.given_up, 1);
    close_room(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(without_time_it_gives_up_at_once),
        SHELF_TEST(only_one_of_a_consumer_tries),
        SHELF_TEST(who_is_gone_is_passed_over),
        SHELF_TEST(a_commit_wakes_one_of_each_consumer),
        SHELF_TEST(news_during_the_first_try_counts),
        SHELF_TEST(a_changed_consumer_wakes_its_own),
        SHELF_TEST(a_try_may_end_at_once),
        SHELF_TEST(so_many_wait_at_once),
        SHELF_TEST(its_time_ends),
        SHELF_TEST(those_that_try_give_up_when_they_are_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

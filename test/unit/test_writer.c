/* The writer between real loops: what it says is done is on disk, once, and said in the right thread. */
#include "store/writer.h"

#include "base/time.h"
#include "shelf.h"
#include "store/view.h"
#include "sys/thread.h"

#define JOBS 1000 /* of each loop */

/* One loop in its thread, with the jobs it gives to the writer. */
struct desk {
    const char *origin;
    struct shelf shelf; /* an arena of its own, and the path that all share */
    struct writer *writer;
    struct loop *loop;
    struct view *view;
    struct store_job jobs[JOBS];
    bool came_back[JOBS];
    size_t sent, done;
    size_t elsewhere, unreadable, failed, twice;
};

/* The desk whose loop runs in this thread: done must be called here and nowhere else. */
static _Thread_local struct desk *here;

static struct desk desks[2];

static void ignore_row(void *arg, const struct view_event *row)
{
    (void)arg, (void)row;
}

/* Asserts would jump out of a foreign thread, so that mistakes are counted here and judged at the end. */
static void on_done(struct store_job *job)
{
    struct desk *desk = job < desks[1].jobs ? &desks[0] : &desks[1];
    desk->elsewhere += here != desk;
    desk->failed += job->err != ERR_OK || job->duplicate;
    desk->unreadable += view_event(desk->view, &job->event.id, ignore_row, NULL) != ERR_OK;
    desk->twice += desk->came_back[job - desk->jobs];
    desk->came_back[job - desk->jobs] = true;
    if (++desk->done == JOBS)
        loop_stop(desk->loop);
}

/* Gives what the writer takes, and comes back for the rest. */
static void send_more(void *arg)
{
    struct desk *desk = arg;
    while (desk->sent < JOBS && writer_put(desk->writer, &desk->jobs[desk->sent]) == ERR_OK)
        desk->sent++;
    if (desk->sent < JOBS)
        loop_after(desk->loop, 1, send_more, desk);
}

static void run_desk(void *arg)
{
    here = arg;
    loop_after(here->loop, 0, send_more, here);
    loop_run(here->loop);
}

static void desk_set_up(struct desk *desk, const char *origin, const char *path, struct writer *writer)
{
    struct buf why = {.arena = &desk->shelf.arena};
    *desk = (struct desk){.origin = origin, .writer = writer, .loop = loop_new()};
    desk->view = view_open(path, &why);
    assert_non_null(desk->view);
    for (int i = 0; i < JOBS; i++) {
        char body[20];
        snprintf(body, sizeof body, "%d", i);
        desk->jobs[i] = event_job(&desk->shelf, origin, body, i);
        desk->jobs[i].loop = desk->loop;
        desk->jobs[i].done = on_done;
    }
}

static void desk_clear(struct desk *desk)
{
    view_close(desk->view);
    loop_free(desk->loop);
    arena_free(&desk->shelf.arena);
}

static struct writer *start_writer_with(struct shelf *shelf, size_t limit, size_t bytes, int64_t wait)
{
    static const struct store_limits limits = {1000, 1000000, 0, STORE_LOG_PAGES};
    struct buf why = {.arena = &shelf->arena};
    struct store *store = store_open(shelf->path, &limits, &why);
    assert_non_null(store);
    return writer_start(store, &(struct writer_limits){limit, bytes, wait}, NULL, NULL);
}

static struct writer *start_writer(struct shelf *shelf, size_t limit)
{
    return start_writer_with(shelf, limit, SIZE_MAX, INT64_MAX);
}

static void count_row(void *arg, const struct view_event *row)
{
    (void)row;
    ++*(size_t *)arg;
}

static size_t count_events(struct shelf *shelf, const char *origin)
{
    size_t count = 0;
    struct buf why = {.arena = &shelf->arena};
    struct view_filter filter = {span_of(origin), SPAN(""), INT64_MIN, 1000000};
    struct view *view = view_open(shelf->path, &why);
    assert_non_null(view);
    assert_int_equal(view_events(view, &filter, count_row, &count), ERR_OK);
    view_close(view);
    return count;
}

static void check_desk(struct shelf *shelf, const struct desk *desk)
{
    check_int("done", (int64_t)desk->done, JOBS);
    check_int("called in another thread", (int64_t)desk->elsewhere, 0);
    check_int("failed or duplicate", (int64_t)desk->failed, 0);
    check_int("done before it could be read", (int64_t)desk->unreadable, 0);
    check_int("done twice", (int64_t)desk->twice, 0);
    check_int(desk->origin, (int64_t)count_events(shelf, desk->origin), JOBS);
}

/* A limit far below the number of jobs, so that some are refused and sent again. */
static void every_job_comes_back_once_and_is_readable(void **state)
{
    struct shelf *shelf = *state;
    struct thread *threads[2];
    struct writer *writer = start_writer(shelf, 100);
    desk_set_up(&desks[0], "north", shelf->path, writer);
    desk_set_up(&desks[1], "south", shelf->path, writer);
    for (size_t i = 0; i < 2; i++)
        threads[i] = thread_start("desk", run_desk, &desks[i]);
    for (size_t i = 0; i < 2; i++)
        thread_join(threads[i]);
    writer_stop(writer);
    writer_free(writer);
    for (size_t i = 0; i < 2; i++) {
        here = &desks[i];
        loop_drain(desks[i].loop); /* one that came back twice would wait here */
        check_desk(shelf, &desks[i]);
        desk_clear(&desks[i]);
    }
}

/*
 * Nothing that was accepted is dropped, also when the end comes at once; and each loop gets its own out of
 * batches that hold jobs of both.
 */
static void stopping_writes_all_that_was_put(void **state)
{
    struct shelf *shelf = *state;
    struct writer *writer = start_writer(shelf, 2 * JOBS);
    desk_set_up(&desks[0], "north", shelf->path, writer);
    desk_set_up(&desks[1], "south", shelf->path, writer);
    for (size_t i = 0; i < 2 * JOBS; i++)
        assert_int_equal(writer_put(writer, &desks[i % 2].jobs[i / 2]), ERR_OK);
    writer_stop(writer);
    writer_free(writer);
    assert_int_equal(desks[0].done + desks[1].done, 0); /* only a loop's own thread may say so */
    for (size_t i = 0; i < 2; i++) {
        here = &desks[i];
        loop_drain(desks[i].loop);
        check_desk(shelf, &desks[i]);
        desk_clear(&desks[i]);
    }
}

static void a_full_queue_refuses(void **state)
{
    struct shelf *shelf = *state;
    struct writer *writer = start_writer(shelf, 0);
    struct store_job job = event_job(shelf, "north", "a", 1);
    assert_false(writer_has_room(writer, 0));
    assert_int_equal(writer_put(writer, &job), ERR_BUSY);
    writer_stop(writer);
    writer_free(writer);
    assert_int_equal(count_events(shelf, ""), 0);
}

static void on_end_of_loop(struct store_job *job)
{
    loop_stop(job->loop);
}

/* What has been written makes room again. */
static void bytes_are_bounded_until_they_are_written(void **state)
{
    struct shelf *shelf = *state;
    struct loop *loop = loop_new();
    struct writer *writer = start_writer_with(shelf, 10, 100, INT64_MAX);
    struct store_job jobs[] = {event_job(shelf, "north", "a", 1), event_job(shelf, "north", "b", 2)};
    for (size_t i = 0; i < 2; i++) {
        assert_true(writer_has_room(writer, 100));
        assert_false(writer_has_room(writer, 101));
        jobs[i].loop = loop;
        jobs[i].done = on_end_of_loop;
        jobs[i].bytes = 100 + i; /* one that is alone may be larger */
        assert_int_equal(writer_put(writer, &jobs[i]), ERR_OK);
        loop_run(loop);
    }
    writer_stop(writer);
    writer_free(writer);
    loop_free(loop);
    assert_int_equal(count_events(shelf, ""), 2);
}

static void on_admitted(struct store_job *job)
{
    assert_int_equal(job->err, ERR_OK);
}

/*
 * While somebody else holds the file, what waits grows old: then no webhook is taken any more. What is no
 * webhook still is.
 */
static void what_waits_for_too_long_keeps_webhooks_out(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct loop *loop = loop_new();
    struct writer *writer = start_writer_with(shelf, 10, SIZE_MAX, 20000);
    struct db *other = db_open(shelf->path, DB_WRITE, &why);
    struct store_job jobs[] = {event_job(shelf, "north", "a", 1), event_job(shelf, "north", "b", 2)};
    assert_int_equal(db_exec(other, "BEGIN IMMEDIATE"), ERR_OK);
    assert_int_equal(writer_admits(writer, 1), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        jobs[i].loop = loop;
        jobs[i].done = on_admitted;
        assert_int_equal(writer_put(writer, &jobs[i]), ERR_OK);
        enum err err = ERR_OK; /* but for a moment in which the thread takes it out of the mailbox */
        while (err == ERR_OK)
            err = writer_admits(writer, 1);
        assert_int_equal(err, ERR_BUSY);
        assert_true(writer_has_room(writer, 1));
    }
    assert_int_equal(db_exec(other, "ROLLBACK"), ERR_OK);
    while (writer_admits(writer, 1) != ERR_OK)
        ;
    db_close(other);
    writer_stop(writer);
    loop_drain(loop);
    writer_free(writer);
    loop_free(loop);
    assert_int_equal(count_events(shelf, ""), 2);
}

/* What a loop has been told. */
struct told {
    struct loop *loop;
    int64_t seq, times;
};

static void on_told(void *arg, int64_t seq)
{
    struct told *told = arg;
    told->seq = seq;
    told->times++;
    loop_stop(told->loop);
}

static void on_written(struct store_job *job)
{
    assert_int_equal(job->err, ERR_OK);
}

/* What adds no event is no news. */
static void commits_of_events_are_told(void **state)
{
    struct shelf *shelf = *state;
    struct told told = {.loop = loop_new()};
    struct buf why = {.arena = &shelf->arena};
    struct store *store = store_open(shelf->path, &wide, &why);
    struct writer *writer =
        writer_start(store, &(struct writer_limits){10, SIZE_MAX, INT64_MAX}, told.loop, NULL);
    struct store_job jobs[] = {event_job(shelf, "north", "a", 1), event_job(shelf, "north", "a", 2),
                               event_job(shelf, "north", "b", 3)};
    writer_tell(writer, on_told, &told);
    for (size_t i = 0; i < 3; i++) {
        jobs[i].loop = told.loop;
        jobs[i].done = on_written;
        assert_int_equal(writer_put(writer, &jobs[i]), ERR_OK);
        if (i == 1)
            continue; /* the same as the first */
        loop_run(told.loop);
        check_int("seq", told.seq, i == 0 ? 1 : 2);
    }
    writer_stop(writer);
    loop_drain(told.loop);
    check_int("times", told.times, 2);
    writer_free(writer);
    loop_free(told.loop);
}

/* Webhooks still arrive while the server stops. */
static void a_stopped_writer_refuses(void **state)
{
    struct shelf *shelf = *state;
    struct writer *writer = start_writer(shelf, 10);
    struct store_job job = event_job(shelf, "north", "a", 1);
    assert_true(writer_has_room(writer, 0));
    writer_stop(writer);
    assert_false(writer_has_room(writer, 0));
    assert_int_equal(writer_put(writer, &job), ERR_BUSY);
    writer_free(writer);
    assert_int_equal(count_events(shelf, ""), 0);
}

/* A watchdog may be shorter than the wait for jobs. */
static void who_waits_for_jobs_lives(void **state)
{
    struct writer *writer = start_writer(*state, 10);
    int64_t ran;
    do
        ran = writer_ran(writer);
    while (ran == INT64_MAX || ran <= time_monotonic());
    writer_stop(writer);
    writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(every_job_comes_back_once_and_is_readable),
        SHELF_TEST(stopping_writes_all_that_was_put),
        SHELF_TEST(a_full_queue_refuses),
        SHELF_TEST(bytes_are_bounded_until_they_are_written),
        SHELF_TEST(what_waits_for_too_long_keeps_webhooks_out),
        SHELF_TEST(commits_of_events_are_told),
        SHELF_TEST(a_stopped_writer_refuses),
        SHELF_TEST(who_waits_for_jobs_lives),
    };
    alarm(300); /* a job that is lost would be waited for for ever */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The reader: queries run in its thread, in their order, and come back in the loop's. */
#include "store/reader.h"

#include <stdatomic.h>

#include "shelf.h"

#define JOBS 20

struct query {
    struct reader_job job; /* first */
    int64_t seq;
    enum err err;
};

static struct query queries[JOBS];
static size_t done;
static _Thread_local bool is_loop;
static atomic_size_t elsewhere; /* counted in both threads */

static void run(struct view *view, struct reader_job *job)
{
    struct query *query = (struct query *)job;
    elsewhere += is_loop;
    query->err = view_last_seq(view, &query->seq);
}

static void on_done(struct reader_job *job)
{
    elsewhere += !is_loop;
    if (job == &queries[done].job && ++done == JOBS)
        loop_stop(job->loop);
}

static struct reader *start(struct shelf *shelf, size_t limit)
{
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "north", "a", 1), ERR_OK, false);
    store_close(store);
    return reader_start(open_view(shelf), limit);
}

static void put_all(struct reader *reader, struct loop *loop)
{
    is_loop = true;
    for (size_t i = 0; i < JOBS; i++) {
        queries[i] = (struct query){.job = {.run = run, .done = on_done, .loop = loop}};
        assert_int_equal(reader_put(reader, &queries[i].job), ERR_OK);
    }
}

static void check_all(bool may_be_skipped)
{
    check_int("done", (int64_t)done, JOBS);
    check_int("in the wrong thread", (int64_t)atomic_load(&elsewhere), 0);
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(may_be_skipped || !queries[i].job.skipped);
        check_int("seq", queries[i].seq, queries[i].job.skipped ? 0 : 1);
    }
}

static void queries_come_back_in_their_order(void **state)
{
    struct loop *loop = loop_new();
    struct reader *reader = start(*state, JOBS);
    done = 0;
    put_all(reader, loop);
    loop_run(loop);
    check_all(false);
    reader_stop(reader);
    reader_free(reader);
    loop_free(loop);
}

/* Run or skipped, each comes back: it belongs to somebody who waits. */
static void stopping_gives_back_all_that_was_put(void **state)
{
    struct loop *loop = loop_new();
    struct reader *reader = start(*state, JOBS);
    struct query late = {.job = {.run = run, .done = on_done, .loop = loop}};
    done = 0;
    put_all(reader, loop);
    reader_stop(reader);
    assert_int_equal(reader_put(reader, &late.job), ERR_BUSY);
    loop_drain(loop);
    check_all(true);
    reader_free(reader);
    loop_free(loop);
}

static void a_full_queue_refuses(void **state)
{
    struct reader *reader = start(*state, 0);
    struct query query = {.job = {.run = run, .done = on_done}};
    assert_int_equal(reader_put(reader, &query.job), ERR_BUSY);
    reader_stop(reader);
    reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(queries_come_back_in_their_order),
        SHELF_TEST(stopping_gives_back_all_that_was_put),
        SHELF_TEST(a_full_queue_refuses),
    };
    alarm(300); /* a query that is lost would be waited for for ever */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Snapshots of a running server: also when the store can't be looked at, and when the server stops. */
#include "flow/watch.h"

#include "base/time.h"
#include "shelf.h"

struct seen {
    int times;
    bool served, looked;
    int64_t last_seq, writers_commits;
    char text[8192];
};

static void note(void *arg, const struct snapshot *snapshot)
{
    struct seen *seen = arg;
    struct buf json CLEANUP(buf_free) = {0};
    snapshot_write(snapshot, &json);
    seen->times++;
    seen->served = snapshot->served;
    seen->looked = snapshot->looked;
    seen->last_seq = snapshot->last_seq;
    seen->writers_commits = (int64_t)snapshot->commit_time.count;
    snprintf(seen->text, sizeof seen->text, "%s", buf_text(&json));
}

/* Looks once, with room for so many in the reader's mailbox. */
static void look(struct shelf *shelf, size_t readings, bool stops, struct seen *seen)
{
    struct buf why = {.arena = &shelf->arena};
    struct store *store = open_store(shelf);
    struct store_job job = event_job(shelf, "dentrix", "a", 1);
    write_batch(store, &job, 1);
    struct tallies tallies = {0};
    struct http_counts counts = {0};
    struct sources sources = {0};
    const struct sources *served = &sources;
    struct loop *loop = loop_new();
    struct writer *writer = writer_start(store, &(struct writer_limits){10, 1000, 1000000}, loop, NULL);
    struct reader *reader = reader_start(view_open(shelf->path, &why), readings);
    struct watch *watch =
        watch_start(&(struct watch_parts){&tallies,
                                          writer,
                                          reader,
                                          loop,
                                          shelf->path,
                                          0,
                                          true,
                                          {{"public", NULL, &counts}, {"private", NULL, &counts}}});
    if (stops)
        reader_stop(reader);
    *seen = (struct seen){0};
    watch_look(watch, &served, note, seen);
    if (!stops)
        reader_stop(reader); /* which ends what it has begun */
    loop_drain(loop);
    writer_stop(writer);
    watch_free(watch);
    reader_free(reader);
    writer_free(writer);
    loop_free(loop);
}

static void a_full_reader_is_not_waited_for(void **state)
{
    struct seen seen;
    look(*state, 0, false, &seen);
    check_int("times", seen.times, 1);
    assert_true(seen.served && !seen.looked);
    check_int("commits", seen.writers_commits, 1);
    assert_non_null(strstr(seen.text, "\"lastSeq\":null,\"bytes\":null"));
    assert_non_null(strstr(seen.text, "\"freeBytes\":null"));
    assert_non_null(strstr(seen.text, "\"started\":null"));
}

static void nor_is_one_that_stops(void **state)
{
    struct seen seen;
    look(*state, 10, true, &seen);
    check_int("times", seen.times, 1);
    assert_true(seen.served && !seen.looked);
}

/* Whether the reader came to it before it was stopped, or not. */
static void an_answer_comes_once(void **state)
{
    struct seen seen;
    look(*state, 10, false, &seen);
    check_int("times", seen.times, 1);
    assert_true(seen.served);
    check_int("newest event", seen.last_seq, seen.looked ? 1 : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(a_full_reader_is_not_waited_for),
        SHELF_TEST(nor_is_one_that_stops),
        SHELF_TEST(an_answer_comes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

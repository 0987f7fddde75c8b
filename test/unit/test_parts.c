/* Jobs of several parts, what a key and a head add to a job, when secrets proved, and older files. */
#include "shelf.h"

#define FAULTS "[\"Missing practiceId\"]"

/* The first of the jobs, with the others as its parts, in one transaction. */
static void write_parts(struct store *store, struct store_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i].err = ERR_INTERNAL; /* the first one's is to be overwritten */
        jobs[i].part = i + 1 < count ? &jobs[i + 1] : NULL;
    }
    jobs[0].mail.next = NULL;
    store_write(store, jobs);
}

static struct store_job clear_job(struct shelf *shelf, const char *origin, const char *body)
{
    struct store_job job = event_job(shelf, origin, body, 0);
    job.kind = STORE_CLEAR;
    job.event.detail = NULL;
    job.event.received_at = job.event.detail_len = 0;
    return job;
}

static void parts_are_kept_together(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job jobs[] = {event_job(shelf, "north", "a", 1), quarantine_job(shelf, "north", "b", 2),
                               event_job(shelf, "north", "a", 3), event_job(shelf, "north", "c", 4)};
    write_parts(store, jobs, 4);
    assert_int_equal(jobs[0].err, ERR_OK);
    for (size_t i = 0; i < 4; i++)
        check_int("duplicate", jobs[i].duplicate, i == 2);
    store_close(store);
    check_events(shelf, "north 1 a; north 4 c");
    check_quarantine(shelf, "", "north 2-2 x1 " FAULTS " b");
}

/* The row that finds no room takes those before it along, and those behind it are not tried. */
static void a_full_quarantine_in_the_middle_keeps_no_part(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 1000);
    check_written(store, quarantine_job(shelf, "north", "old", 1), ERR_OK, false);
    struct store_job jobs[] = {event_job(shelf, "north", "a", 2), quarantine_job(shelf, "north", "b", 3),
                               quarantine_job(shelf, "north", "c", 4), event_job(shelf, "north", "d", 5)};
    write_parts(store, jobs, 4);
    assert_int_equal(jobs[0].err, ERR_QUARANTINE_FULL);
    check_events(shelf, "");
    check_quarantine(shelf, "", "north 1-1 x1 " FAULTS " old");
    check_written(store, quarantine_job(shelf, "north", "e", 6), ERR_OK, false); /* there is room for one */
    check_written(store, quarantine_job(shelf, "north", "f", 7), ERR_QUARANTINE_FULL, false);
    store_close(store);
    check_quarantine(shelf, "", "north 1-1 x1 " FAULTS " old; north 6-6 x1 " FAULTS " e");
}

static void bytes_are_counted_anew_after_a_rollback(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1000, 10);
    check_written(store, quarantine_job(shelf, "north", "123", 1), ERR_OK, false);
    struct store_job jobs[] = {quarantine_job(shelf, "north", "1234", 2),
                               quarantine_job(shelf, "north", "12345", 3)};
    write_parts(store, jobs, 2);
    assert_int_equal(jobs[0].err, ERR_QUARANTINE_FULL);
    check_written(store, quarantine_job(shelf, "north", "12345678", 4), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "north", "1234567", 5), ERR_OK, false);
    store_close(store);
    check_quarantine(shelf, "", "north 1-1 x1 " FAULTS " 123; north 5-5 x1 " FAULTS " 1234567");
}

/* Rows that had left quarantine for an event are back, and fill it again. */
static void what_left_quarantine_comes_back(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 1000);
    check_written(store, quarantine_job(shelf, "north", "a", 1), ERR_OK, false);
    struct store_job jobs[] = {event_job(shelf, "north", "a", 2), quarantine_job(shelf, "north", "b", 3),
                               quarantine_job(shelf, "north", "c", 4),
                               quarantine_job(shelf, "north", "d", 5)};
    write_parts(store, jobs, 4);
    assert_int_equal(jobs[0].err, ERR_QUARANTINE_FULL);
    check_events(shelf, "");
    check_quarantine(shelf, "", "north 1-1 x1 " FAULTS " a");
    check_written(store, quarantine_job(shelf, "north", "b", 6), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "north", "c", 7), ERR_QUARANTINE_FULL, false);
    check_written(store, event_job(shelf, "north", "a", 8), ERR_OK, false);
    store_close(store);
    check_events(shelf, "north 1 a");
}

static void jobs_beside_one_that_fails_are_kept(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job parts[] = {quarantine_job(shelf, "north", "b", 2),
                                quarantine_job(shelf, "north", "c", 3)};
    struct store_job jobs[] = {event_job(shelf, "north", "a", 1), parts[0], event_job(shelf, "north", "d", 4),
                               quarantine_job(shelf, "north", "e", 5)};
    jobs[1].part = &parts[1];
    write_batch(store, jobs, 4);
    for (size_t i = 0; i < 4; i++)
        check_int("err", jobs[i].err, i == 1 ? ERR_QUARANTINE_FULL : ERR_OK);
    store_close(store);
    check_events(shelf, "north 1 a; north 4 d");
    check_quarantine(shelf, "", "north 5-5 x1 " FAULTS " e");
}

/* What SQLite refuses ends the whole transaction, as with a job of one part. */
static void a_part_that_cannot_be_written_keeps_nothing(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 1000);
    struct store_job parts[] = {quarantine_job(shelf, "north", "b", 2),
                                quarantine_job(shelf, "north", "c", 3)};
    struct store_job jobs[] = {event_job(shelf, "north", "a", 1), parts[0],
                               event_job(shelf, "north", "d", 4)};
    parts[1].faults = (struct span){NULL, 0}; /* the table says NOT NULL */
    jobs[1].part = &parts[1];
    write_batch(store, jobs, 3);
    for (size_t i = 0; i < 3; i++)
        check_int("err", jobs[i].err, ERR_STORE);
    check_events(shelf, "");
    check_quarantine(shelf, "", "");
    parts[1].faults = SPAN(FAULTS);
    write_batch(store, jobs, 3);
    for (size_t i = 0; i < 3; i++)
        check_int("err", jobs[i].err, ERR_OK);
    store_close(store);
    check_events(shelf, "north 1 a; north 4 d");
    check_quarantine(shelf, "", "north 2-2 x1 " FAULTS " b; north 3-3 x1 " FAULTS " c");
}

static void a_row_can_be_cleared(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 10);
    check_written(store, quarantine_job(shelf, "north", "12345", 1), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "north", "abcde", 2), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "south", "12345", 3), ERR_OK, false);
    check_written(store, clear_job(shelf, "north", "12345"), ERR_OK, false);
    check_written(store, clear_job(shelf, "north", "12345"), ERR_OK, false); /* gone already */
    check_written(store, clear_job(shelf, "east", "12345"), ERR_OK, false);  /* never there */
    check_quarantine(shelf, "", "north 2-2 x1 " FAULTS " abcde; south 3-3 x1 " FAULTS " 12345");
    check_written(store, quarantine_job(shelf, "north", "123456", 4), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "north", "vwxyz", 5), ERR_OK, false);
    store_close(store);
    check_events(shelf, "");
}

/* As a retry does it: what a row has become is kept in the transaction in which the row leaves. */
static void a_row_leaves_with_what_it_has_become(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    check_written(store, quarantine_job(shelf, "north", "whole", 1), ERR_OK, false);
    struct store_job jobs[] = {clear_job(shelf, "north", "whole"), event_job(shelf, "north", "a", 1),
                               quarantine_job(shelf, "north", "b", 1)};
    write_parts(store, jobs, 3);
    assert_int_equal(jobs[0].err, ERR_OK);
    struct store_job late[] = {clear_job(shelf, "north", "b"), quarantine_job(shelf, "north", "c", 1),
                               quarantine_job(shelf, "north", "d", 1)};
    write_parts(store, late, 3);
    assert_int_equal(late[0].err, ERR_QUARANTINE_FULL);
    store_close(store);
    check_events(shelf, "north 1 a");
    check_quarantine(shelf, "", "north 1-1 x1 " FAULTS " b");
}

static void a_known_key_with_other_bytes_is_told(void **state)
{
    static const uint8_t one[32] = {1}, two[32] = {2};
    static const struct {
        const char *name, *body;
        const uint8_t *content;
        bool duplicate, changed;
    } rows[] = {
        {"first", "a", one, false, false},           {"the same", "a", one, true, false},
        {"another", "a", two, true, true},           {"the first still counts", "a", two, true, true},
        {"none to compare", "a", NULL, true, false}, {"without", "b", NULL, false, false},
        {"without again", "b", NULL, true, false},   {"with", "b", one, true, true},
    };
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_job job = event_job(shelf, "north", rows[i].body, (int64_t)i);
        job.event.content = rows[i].content;
        write_batch(store, &job, 1);
        check_int(rows[i].name, job.err, ERR_OK);
        check_int(rows[i].name, job.duplicate, rows[i].duplicate);
        check_int(rows[i].name, job.changed, rows[i].changed);
    }
    store_close(store);
    check_events(shelf, "north 0 a; north 5 b");
}

static void note_head(void *arg, const struct view_quarantine *row)
{
    separate(arg);
    buf_printf(arg, "%.*s: %.*s", (int)row->body.len, row->body.at, (int)row->head.len, row->head.at);
}

static void check_head(struct shelf *shelf, const struct store_job *job, const char *want)
{
    struct buf seen = {.arena = &shelf->arena};
    struct view *view = open_view(shelf);
    assert_int_equal(view_quarantine_one(view, &job->event.id, note_head, &seen), ERR_OK);
    view_close(view);
    check_text("head", buf_span(&seen), want);
}

/* The head of the first arrival, as the body. */
static void a_head_is_kept_beside_the_body(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job job = quarantine_job(shelf, "north", "a", 1);
    struct store_job bare = quarantine_job(shelf, "north", "b", 2);
    job.head = SPAN("{\"header\":{\"x\":\"\xc3\xbc\"}}");
    check_written(store, job, ERR_OK, false);
    check_written(store, bare, ERR_OK, false);
    job.head = SPAN("{}");
    check_written(store, job, ERR_OK, true);
    store_close(store);
    check_head(shelf, &job, "a: {\"header\":{\"x\":\"\xc3\xbc\"}}");
    check_head(shelf, &bare, "b: ");
}

static void note_match(void *arg, const struct view_match *row)
{
    separate(arg);
    buf_printf(arg, "%.*s/%.*s %lld", (int)row->origin.len, row->origin.at, (int)row->secret.len,
               row->secret.at, (long long)row->time);
}

static void check_matches(struct shelf *shelf, const char *want)
{
    struct buf seen = {.arena = &shelf->arena};
    struct view *view = open_view(shelf);
    assert_int_equal(view_matches(view, note_match, &seen), ERR_OK);
    view_close(view);
    check_text("matches", buf_span(&seen), want);
}

static void the_last_match_of_each_secret_is_kept(void **state)
{
    static const struct store_match first[] = {{SPAN("south"), SPAN("current"), 30},
                                               {SPAN("north"), SPAN("next"), 20},
                                               {SPAN("north"), SPAN("current"), 10}};
    static const struct store_match second[] = {{SPAN("north"), SPAN("current"), 11},
                                                {SPAN("north"), SPAN("next"), 19}}; /* the clock was set */
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    check_matches(shelf, "");
    check_written(store, (struct store_job){.kind = STORE_MATCHES}, ERR_OK, false);
    check_written(store, (struct store_job){.kind = STORE_MATCHES, .matches = first, .match_count = 3},
                  ERR_OK, false);
    check_matches(shelf, "north/current 10; north/next 20; south/current 30");
    check_written(store, (struct store_job){.kind = STORE_MATCHES, .matches = second, .match_count = 2},
                  ERR_OK, false);
    store_close(store);
    check_matches(shelf, "north/current 11; north/next 19; south/current 30");
    check_events(shelf, "");
}

static void a_fence_keeps_nothing(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    check_written(store, (struct store_job){.kind = STORE_FENCE}, ERR_OK, false);
    store_close(store);
    check_events(shelf, "");
    check_quarantine(shelf, "", "");
    check_matches(shelf, "");
}

/* A file as version 1 made it, to the letter, with an event and a row of quarantine. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE events ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
    " origin TEXT NOT NULL, source TEXT NOT NULL, detail_type TEXT NOT NULL, org TEXT NOT NULL,"
    " time INTEGER NOT NULL, detail TEXT) STRICT;"
    "CREATE TABLE quarantine ("
    " id BLOB PRIMARY KEY CHECK (length(id) = 16), origin TEXT NOT NULL, org TEXT NOT NULL,"
    " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, count INTEGER NOT NULL,"
    " faults TEXT NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), time INTEGER NOT NULL) STRICT;"
    "INSERT INTO events (id, origin, source, detail_type, org, time, detail)"
    " VALUES (x'%s', 'north', 'ehr.north', 'PickupRequested', 'default', 5, '{\"of\":\"a\"}');"
    "INSERT INTO quarantine VALUES (x'%s', 'north', 'default', 6, 7, 2, '[\"Missing practiceId\"]', x'62');"
    "PRAGMA application_id = 1886090608; PRAGMA user_version = 1;";

static void make_version_1(struct shelf *shelf)
{
    struct buf sql = {.arena = &shelf->arena};
    struct store_job event = event_job(shelf, "north", "a", 5);
    struct store_job row = quarantine_job(shelf, "north", "b", 6);
    char ids[2][EVENT_ID_TEXT];
    event_id_write(ids[0], &event.event.id);
    event_id_write(ids[1], &row.event.id);
    const char *from = version_1;
    for (int i = 0; i < 2; i++) {
        const char *gap = strstr(from, "%s");
        buf_add(&sql, (struct span){from, (size_t)(gap - from)});
        buf_add(&sql, span_of(ids[i]));
        from = gap + 2;
    }
    buf_add(&sql, span_of(from));
    change(shelf, buf_text(&sql));
}

static void a_view_leaves_an_older_file_to_the_writer(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct buf want = {.arena = &shelf->arena};
    make_version_1(shelf);
    assert_null(view_open(shelf->path, &why));
    buf_printf(&want, "%s: has file version 1, and this pickupd reads %d; its serve brings it up to date",
               shelf->path, store_version());
    check_text("why", buf_span(&why), buf_text(&want));
    store_close(open_store(shelf));
    check_events(shelf, "north 5 a");
}

/* It has all that this one reads; but what it means by that is not known. */
static void a_view_leaves_a_later_file_alone(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct buf sql = {.arena = &shelf->arena};
    store_close(open_store(shelf));
    buf_printf(&sql, "PRAGMA user_version = %d", store_version() + 1);
    change(shelf, buf_text(&sql));
    assert_null(view_open(shelf->path, &why));
    CHECK(buf_text(&why), strstr(buf_text(&why), ": has file version ") != NULL);
}

static void an_older_file_is_brought_up_to_date(void **state)
{
    struct shelf *shelf = *state;
    static const uint8_t content[32] = {1};
    static const struct store_match match = {SPAN("north"), SPAN("current"), 9};
    make_version_1(shelf);
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job again = event_job(shelf, "north", "a", 8);
    again.event.content = content;
    check_written(store, again, ERR_OK, true);
    check_written(store, quarantine_job(shelf, "north", "c", 8), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "north", "b", 8), ERR_OK, true);
    check_written(store, (struct store_job){.kind = STORE_MATCHES, .matches = &match, .match_count = 1},
                  ERR_OK, false);
    store_close(store);
    struct store_job row = quarantine_job(shelf, "north", "b", 6);
    check_events(shelf, "north 5 a");
    check_quarantine(shelf, "", "north 6-8 x3 " FAULTS " b");
    check_head(shelf, &row, "b: ");
    check_matches(shelf, "north/current 9");
    store = open_store(shelf);
    check_written(store, event_job(shelf, "north", "b", 10), ERR_OK, false);
    store_close(store);
    check_events(shelf, "north 5 a; north 6 b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(parts_are_kept_together),
        SHELF_TEST(a_full_quarantine_in_the_middle_keeps_no_part),
        SHELF_TEST(bytes_are_counted_anew_after_a_rollback),
        SHELF_TEST(what_left_quarantine_comes_back),
        SHELF_TEST(jobs_beside_one_that_fails_are_kept),
        SHELF_TEST(a_part_that_cannot_be_written_keeps_nothing),
        SHELF_TEST(a_row_can_be_cleared),
        SHELF_TEST(a_row_leaves_with_what_it_has_become),
        SHELF_TEST(a_known_key_with_other_bytes_is_told),
        SHELF_TEST(a_head_is_kept_beside_the_body),
        SHELF_TEST(the_last_match_of_each_secret_is_kept),
        SHELF_TEST(a_fence_keeps_nothing),
        SHELF_TEST(a_view_leaves_an_older_file_to_the_writer),
        SHELF_TEST(a_view_leaves_a_later_file_alone),
        SHELF_TEST(an_older_file_is_brought_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lags: what is told of all consumers, and that a look has an end however much there is. */
#include "store/lags.h"

#include "shelf.h"
#include "store/notices.h"

#define EVENTS(from, to, type)                                                                               \
    "WITH RECURSIVE n(i) AS (VALUES (" #from ") UNION ALL SELECT i + 1 FROM n WHERE i < " #to                \
    ") INSERT INTO events (seq, id, origin, source, detail_type, org, time, detail)"                         \
    " SELECT i, CAST(printf('%016d', i) AS BLOB), 'north', 'lab.test', '" type                               \
    "', 'default', i * 1000, '{}' FROM n;"
#define CONSUMER(id, name, types, cursor)                                                                    \
    "INSERT INTO consumers (id, org, name, detail_types, sources, origins, cursor, max_attempts, lease_ms,"  \
    " paused, created, seen, missed) VALUES (" #id ", 'default', '" name "', '" types                        \
    "', '[]', '[]', " #cursor ", 10, 60000, 0, 1, 77, 5);"
#define CLAIMS(consumer, from, to, state)                                                                    \
    "WITH RECURSIVE n(i) AS (VALUES (" #from ") UNION ALL SELECT i + 1 FROM n WHERE i < " #to                \
    ") INSERT INTO claims SELECT " #consumer ", i, " #state ", 1, 10, i, 1, 'w', '[]', '' FROM n;"

/* A file with these rows. */
static struct view *filled(struct shelf *shelf, const char *sql)
{
    struct buf why = {.arena = &shelf->arena};
    store_close(open_store(shelf));
    struct db *db = db_open(shelf->path, DB_WRITE, &why);
    assert_non_null(db);
    assert_int_equal(db_exec(db, sql), ERR_OK);
    db_close(db);
    struct view *view = view_open(shelf->path, &why);
    assert_non_null(view);
    return view;
}

static void note(void *arg, const struct lag *lag)
{
    struct buf *seen = arg;
    buf_printf(seen, "%s%.*s/%.*s behind %lld open %lld dead %lld oldest %lld", seen->len > 0 ? "; " : "",
               (int)lag->org.len, lag->org.at, (int)lag->name.len, lag->name.at, (long long)lag->behind,
               (long long)lag->open, (long long)lag->dead, (long long)lag->oldest);
}

static void check_lags(struct shelf *shelf, const char *sql, int64_t want_last, const char *want)
{
    struct lags all;
    struct buf seen = {.arena = &shelf->arena};
    struct view *view = filled(shelf, sql);
    assert_int_equal(lags_each(view, &all, note, &seen), ERR_OK);
    view_close(view);
    check_int("last", all.last, want_last);
    check_text("lags", buf_span(&seen), want);
}

#define FLOWS "/flows behind 9 open 0 dead 0 oldest "

static void each_is_told_of(void **state)
{
    check_lags(*state,
               EVENTS(1, 9, "Told") CONSUMER(2, "a", "[]", 9) CONSUMER(3, "b", "[\"Told\"]", 4)
                   CONSUMER(4, "c", "[\"Other\"]", 0) CONSUMER(5, "d", "[]", 7) CLAIMS(5, 3, 4, 1)
                       CLAIMS(5, 1, 2, 2) CLAIMS(5, 6, 6, 0),
               9,
               FLOWS
               "0; default/a behind 0 open 0 dead 0 oldest 0; default/b behind 5 open 0 dead 0 oldest 5000; "
               "default/c behind 9 open 0 dead 0 oldest 0; default/d behind 2 open 3 dead 2 oldest 3000");
}

/* What lies too far behind the cursor is not found; the consumer's lag tells all the same. */
static void a_look_at_the_log_has_an_end(void **state)
{
    check_lags(*state,
               EVENTS(1, 10001, "Other") EVENTS(10002, 10003, "Told") CONSUMER(2, "a", "[\"Told\"]", 0)
                   CONSUMER(3, "b", "[\"Told\"]", 2),
               10003,
               "/flows behind 10003 open 0 dead 0 oldest 0; "
               "default/a behind 10003 open 0 dead 0 oldest 0; "
               "default/b behind 10001 open 0 dead 0 oldest 10002000");
}

/* Eleven consumers want what is not there: the eleventh is not searched for any more. */
static void all_looks_together_have_one_too(void **state)
{
    struct shelf *shelf = *state;
    struct lags all;
    struct buf seen = {.arena = &shelf->arena}, sql = {.arena = &shelf->arena};
    buf_printf(&sql, "%s", EVENTS(1, 10000, "Other") "DELETE FROM consumers;");
    for (int i = 10; i < 20; i++)
        buf_printf(
            &sql,
            "INSERT INTO consumers (id, org, name, detail_types, sources, origins, cursor, max_attempts,"
            " lease_ms, paused, created) VALUES (%d, 'default', 'a%d', '[\"Told\"]', '[]', '[]', 0, 1, 1, 0, "
            "1);",
            i, i);
    buf_printf(&sql, "%s", CONSUMER(90, "z", "[\"Other\"]", 0));
    struct view *view = filled(shelf, buf_text(&sql));
    assert_int_equal(lags_each(view, &all, note, &seen), ERR_OK);
    view_close(view);
    check_int("the last one's place", (int64_t)seen.len > 0, 1);
    const char *found = strstr(buf_text(&seen), "default/z ");
    assert_non_null(found);
    assert_string_equal(found, "default/z behind 10000 open 0 dead 0 oldest 0");
}

static void count(void *arg, const struct lag *lag)
{
    (void)lag;
    ++*(int64_t *)arg;
}

/* With the flows there are 202: the last two are counted, but nothing else is told of them. */
static void not_all_are_told_of_but_counted(void **state)
{
    int64_t told = 0;
    struct lags all;
    struct view *view =
        filled(*state,
               "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 202)"
               " INSERT INTO consumers (id, org, name, detail_types, sources, origins, cursor, max_attempts,"
               " lease_ms, paused, created) SELECT i, 'default', i, '[]', '[]', '[]', 0, 1, 1, 0, 1 FROM n;");
    assert_int_equal(lags_each(view, &all, count, &told), ERR_OK);
    view_close(view);
    check_int("told of", told, LAGS_CONSUMERS);
    check_int("all", all.consumers, 202);
}

static void dead_letters_are_counted_up_to_a_number(void **state)
{
    check_lags(*state, CONSUMER(2, "a", "[]", 0) CLAIMS(2, 1, 100010, 2), 0,
               "/flows behind 0 open 0 dead 0 oldest 0; default/a behind 0 open 0 dead 100000 oldest 0");
}

static void notices_are_counted(void **state)
{
    struct notice_counts counts;
    struct view *view = filled(
        *state,
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10007)"
        " INSERT INTO notices (id, org, kind, key, time, detail, state, attempts, due, error)"
        " SELECT i, 'default', 'k', i, i, '{}', iif(i % 10 = 7, 2, iif(i % 10 = 0, 0, 1)), 1, 1, '' FROM n;");
    assert_int_equal(notice_count(view, 10000, &counts), ERR_OK);
    view_close(view);
    check_int("dead, of the newest 10,000", counts.dead, 1000);
    check_int("pending", counts.pending, 1000);
    check_int("of the last ones", counts.dead_since, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(each_is_told_of),
        SHELF_TEST(a_look_at_the_log_has_an_end),
        SHELF_TEST(all_looks_together_have_one_too),
        SHELF_TEST(not_all_are_told_of_but_counted),
        SHELF_TEST(dead_letters_are_counted_up_to_a_number),
        SHELF_TEST(notices_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pages of the log, what they cost at most, and the way of an event past all consumers. */
#include "store/journal.h"

#include "shelf.h"

#define ALL INT64_MAX

/* Five events: 1, 3 and 5 of dentrix, 2 and 4 of eaglesoft; the fourth is another org's, the third purged. */
static struct view *five_events(struct shelf *shelf)
{
    const char *origins[] = {"dentrix", "eaglesoft", "dentrix", "eaglesoft", "dentrix"};
    struct store *store = open_store(shelf);
    struct store_job jobs[5];
    for (int i = 0; i < 5; i++) {
        char body[20];
        snprintf(body, sizeof body, "%d", i + 1);
        jobs[i] = event_job(shelf, origins[i], body, 100 + i);
    }
    jobs[3].event.org = SPAN("other");
    write_batch(store, jobs, 5);
    store_close(store);
    change(shelf, "UPDATE events SET detail = NULL WHERE seq = 3");
    return open_view(shelf);
}

static const struct consumer everything = {
    .org = SPAN("default"), .types = SPAN("[]"), .sources = SPAN("[]"), .origins = SPAN("[]")};

static struct journal_order order_of(struct shelf *shelf, const struct consumer *filter)
{
    return (struct journal_order){.filter = consumer_filter_new(&shelf->arena, filter),
                                  .since = INT64_MIN,
                                  .until = ALL,
                                  .limit = 100,
                                  .bytes = 1 << 20};
}

/* The seqs; a purged one in brackets, and "..." if there may be more. */
static struct journal_page check_page(struct shelf *shelf, struct view *view,
                                      const struct journal_order *order, const char *want)
{
    struct buf seen = {.arena = &shelf->arena};
    struct journal_page page;
    assert_int_equal(journal_read(view, &shelf->arena, order, &page), ERR_OK);
    for (const struct journal_entry *entry = page.first; entry != NULL; entry = entry->next)
        buf_printf(&seen, entry->event.detail != NULL ? "%lld " : "(%lld) ", (long long)entry->seq);
    if (page.more)
        buf_add(&seen, SPAN("..."));
    check_text("page", buf_span(&seen), want);
    return page;
}

static void test_both_ways(void **state)
{
    struct shelf *shelf = *state;
    struct view *view = five_events(shelf);
    struct journal_order order = order_of(shelf, &everything);
    order.limit = 2;
    order.after = check_page(shelf, view, &order, "1 2 ...").position;
    order.after = check_page(shelf, view, &order, "(3) 5 ").position;
    check_int("position", order.after, 5);
    order.after = check_page(shelf, view, &order, "").position;
    check_int("position", order.after, 5);
    order.newest = true;
    order.after = INT64_MAX;
    order.after = check_page(shelf, view, &order, "5 (3) ...").position;
    order.after = check_page(shelf, view, &order, "2 1 ").position;
    check_int("position", order.after, 1);
    view_close(view);
}

static void test_filters(void **state)
{
    struct shelf *shelf = *state;
    struct view *view = five_events(shelf);
    struct consumer filter = everything;
    filter.org = SPAN("other");
    struct journal_order order = order_of(shelf, &filter);
    check_page(shelf, view, &order, "4 ");
    filter = everything;
    filter.origins = SPAN("[\"eaglesoft\"]");
    order = order_of(shelf, &filter);
    check_page(shelf, view, &order, "2 ");
    filter = everything;
    filter.types = SPAN("[\"Other\"]");
    order = order_of(shelf, &filter);
    check_page(shelf, view, &order, "");
    order = order_of(shelf, &everything);
    order.since = 101;
    order.until = 104;
    check_page(shelf, view, &order, "2 (3) ");
    view_close(view);
}

static void test_bytes_bound_a_page(void **state)
{
    struct shelf *shelf = *state;
    struct view *view = five_events(shelf);
    struct journal_order order = order_of(shelf, &everything);
    order.bytes = 1;
    struct journal_page page = check_page(shelf, view, &order, "1 ..."); /* one alone may be larger */
    check_int("position", page.position, 1);
    order.bytes = 2 * page.bytes;
    check_page(shelf, view, &order, "1 2 (3) ...");
    view_close(view);
}

/* What is not wanted costs no more than that many looks. */
static void test_a_page_ends(void **state)
{
    struct shelf *shelf = *state;
    struct buf sql CLEANUP(buf_free) = {0};
    view_close(five_events(shelf));
    buf_printf(&sql,
               "WITH RECURSIVE n (i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
               " INSERT INTO events (seq, id, origin, source, detail_type, org, time, detail)"
               " SELECT i, randomblob(16), 'a', 'a', 'a', 'other', 0, '{}' FROM n",
               JOURNAL_SCAN + 5);
    change(shelf, buf_text(&sql));
    struct view *view = open_view(shelf);
    struct journal_order order = order_of(shelf, &everything);
    order.after = 5;
    struct journal_page page = check_page(shelf, view, &order, "..."); /* just as many are left */
    check_int("position", page.position, JOURNAL_SCAN + 5);
    order.after = 4;
    page = check_page(shelf, view, &order, "5 ...");
    check_int("position", page.position, JOURNAL_SCAN + 4);
    order.newest = true;
    order.after = INT64_MAX;
    page = check_page(shelf, view, &order, "...");
    check_int("position", page.position, 6);
    view_close(view);
}

static void check_ends(struct shelf *shelf, int64_t want_first, int64_t want_last)
{
    int64_t first, last;
    struct view *view = open_view(shelf);
    assert_int_equal(journal_ends(view, &first, &last), ERR_OK);
    check_int("first", first, want_first);
    check_int("last", last, want_last);
    view_close(view);
}

static void test_ends(void **state)
{
    struct shelf *shelf = *state;
    store_close(open_store(shelf));
    check_ends(shelf, 0, 0);
    view_close(five_events(shelf));
    check_ends(shelf, 1, 5);
    change(shelf, "DELETE FROM events WHERE seq IN (1, 2, 5)");
    check_ends(shelf, 3, 5);
    change(shelf, "DELETE FROM events");
    check_ends(shelf, 0, 5);
}

/* The way. */

#define CONSUMER(id, org, name, types, cursor)                                                               \
    "INSERT INTO consumers (id, org, name, detail_types, sources, origins, cursor, max_attempts, lease_ms, " \
    "paused,"                                                                                                \
    " created) VALUES (" #id ",'" org "','" name "','" types "','[]','[]'," #cursor ",10,60000,0,0);"
#define CLAIM(consumer, seq, state, due)                                                                     \
    "INSERT INTO claims VALUES (" #consumer "," #seq "," #state ",3,10," #due ",7,'w1','[1]','');"

static struct view *with_consumers(struct shelf *shelf)
{
    view_close(five_events(shelf));
    change(shelf, "UPDATE consumers SET cursor = 2 WHERE id = 1;" /* the flows */
           CONSUMER(2, "default", "b-behind", "[]", 1) CONSUMER(3, "default", "c-other-types", "[\"Thing\"]",
                                                                5) CONSUMER(4, "default", "d-leased", "[]", 5)
               CLAIM(4, 2, 0, 1001) CONSUMER(5, "default", "e-expired", "[]", 5) CLAIM(5, 2, 0, 1000)
                   CONSUMER(6, "default", "f-waiting", "[]", 5) CLAIM(6, 2, 1, 9000)
                       CONSUMER(7, "default", "g-dead", "[\"Thing\"]", 5) CLAIM(7, 2, 2, 900)
                           CONSUMER(8, "default", "h-done", "[\"PickupRequested\"]", 2)
                               CONSUMER(9, "other", "a-hidden", "[]", 5) CLAIM(9, 2, 2, 900));
    return open_view(shelf);
}

static void test_way(void **state)
{
    struct shelf *shelf = *state;
    struct view *view = with_consumers(shelf);
    struct event_id id = event_id(SPAN("eaglesoft"), SPAN("body"), SPAN("2"));
    struct journal_entry entry;
    struct journal_step *steps;
    struct buf seen = {.arena = &shelf->arena};
    assert_int_equal(journal_way(view, &shelf->arena, SPAN("default"), &id, 1000, &entry, &steps), ERR_OK);
    check_int("seq", entry.seq, 2);
    check_text("origin", entry.event.origin, "eaglesoft");
    for (const struct journal_step *step = steps; step != NULL; step = step->next) {
        buf_printf(&seen, "%.*s %s", (int)step->consumer.len, step->consumer.at,
                   journal_state_names[step->state]);
        if (step->claim.known)
            buf_printf(&seen, " %lld %lld %.*s %.*s", (long long)step->claim.attempts,
                       (long long)step->claim.due, (int)step->claim.worker.len, step->claim.worker.at,
                       (int)step->claim.history.len, step->claim.history.at);
        buf_add(&seen, SPAN("; "));
    }
    check_text("way", buf_span(&seen),
               "b-behind notReached; c-other-types notWanted; d-leased leased 3 1001 w1 [1]; "
               "e-expired waiting 3 1000 w1 [1]; f-waiting waiting 3 9000 w1 [1]; "
               "g-dead dead 3 900 w1 [1]; h-done done; flows done; ");
    view_close(view);
}

static void test_way_of_what_is_not_there(void **state)
{
    struct shelf *shelf = *state;
    struct view *view = with_consumers(shelf);
    struct journal_entry entry;
    struct journal_step *steps;
    struct event_id id = event_id(SPAN("eaglesoft"), SPAN("body"), SPAN("4")); /* of the other org */
    assert_int_equal(journal_way(view, &shelf->arena, SPAN("default"), &id, 0, &entry, &steps),
                     ERR_NOT_FOUND);
    assert_int_equal(journal_way(view, &shelf->arena, SPAN("other"), &id, 0, &entry, &steps), ERR_OK);
    id.bytes[0] ^= 1;
    assert_int_equal(journal_way(view, &shelf->arena, SPAN("other"), &id, 0, &entry, &steps), ERR_NOT_FOUND);
    view_close(view);
}

/* Quarantine. */

static void note_origin(void *arg, const struct view_quarantine *row)
{
    buf_printf(arg, "%.*s %lld; ", (int)row->origin.len, row->origin.at, (long long)row->first_seen);
}

static void check_quarantine_page(struct view *view, const char *source, int64_t *position, const char *want)
{
    struct buf seen CLEANUP(buf_free) = {0};
    assert_int_equal(
        view_quarantine_page(view, SPAN("default"), span_of(source), position, 2, note_origin, &seen),
        ERR_OK);
    check_text("rows", buf_span(&seen), want);
}

static void test_quarantine_in_pages(void **state)
{
    struct shelf *shelf = *state;
    int64_t position = 0;
    struct store *store = open_store(shelf);
    struct store_job jobs[] = {
        quarantine_job(shelf, "dentrix", "1", 9), quarantine_job(shelf, "dentrix", "2", 8),
        quarantine_job(shelf, "eaglesoft", "3", 7), quarantine_job(shelf, "dentrix", "4", 6)};
    jobs[1].event.org = SPAN("other");
    write_batch(store, jobs, 4);
    store_close(store);
    struct view *view = open_view(shelf);
    check_quarantine_page(view, "", &position, "dentrix 9; eaglesoft 7; ");
    check_quarantine_page(view, "", &position, "dentrix 6; ");
    check_quarantine_page(view, "", &position, "");
    position = 0;
    check_quarantine_page(view, "dentrix", &position, "dentrix 9; dentrix 6; ");
    view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(test_both_ways),
        SHELF_TEST(test_filters),
        SHELF_TEST(test_bytes_bound_a_page),
        SHELF_TEST(test_a_page_ends),
        SHELF_TEST(test_ends),
        SHELF_TEST(test_way),
        SHELF_TEST(test_way_of_what_is_not_there),
        SHELF_TEST(test_quarantine_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Local times on both sides of daylight-saving changes, in the gap and in the overlap. */
#include "base/zone.h"

#include <pthread.h>

#include "base/time.h"
#include "unit.h"

/*
 * From Python: datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), whose fold=0 is
 * the rule of the door. Lord Howe moves its clocks by half an hour.
 */
static const struct {
    const char *zone, *wall, *utc;
} rows[] = {
    {"America/New_York", "2024-03-10T01:59:59", "2024-03-10T06:59:59Z"},
    {"America/New_York", "2024-03-10T02:30:00", "2024-03-10T07:30:00Z"}, /* in the gap */
    {"America/New_York", "2024-03-10T03:00:00", "2024-03-10T07:00:00Z"},
    {"America/New_York", "2024-11-03T00:59:59", "2024-11-03T04:59:59Z"},
    {"America/New_York", "2024-11-03T01:00:00", "2024-11-03T05:00:00Z"}, /* in the overlap */
    {"America/New_York", "2024-11-03T01:59:59", "2024-11-03T05:59:59Z"}, /* in the overlap */
    {"America/New_York", "2024-11-03T02:00:00", "2024-11-03T07:00:00Z"},
    {"America/New_York", "2050-03-13T01:59:59", "2050-03-13T06:59:59Z"},
    {"America/New_York", "2050-03-13T02:30:00", "2050-03-13T07:30:00Z"}, /* in the gap */
    {"America/New_York", "2050-03-13T03:00:00", "2050-03-13T07:00:00Z"},
    {"America/New_York", "2050-11-06T00:59:59", "2050-11-06T04:59:59Z"},
    {"America/New_York", "2050-11-06T01:00:00", "2050-11-06T05:00:00Z"}, /* in the overlap */
    {"America/New_York", "2050-11-06T01:59:59", "2050-11-06T05:59:59Z"}, /* in the overlap */
    {"America/New_York", "2050-11-06T02:00:00", "2050-11-06T07:00:00Z"},
    {"America/New_York", "2031-01-15T12:00:00", "2031-01-15T17:00:00Z"},
    {"America/New_York", "2031-07-15T12:00:00", "2031-07-15T16:00:00Z"},
    {"Europe/Berlin", "2024-03-31T01:59:59", "2024-03-31T00:59:59Z"},
    {"Europe/Berlin", "2024-03-31T02:30:00", "2024-03-31T01:30:00Z"}, /* in the gap */
    {"Europe/Berlin", "2024-03-31T03:00:00", "2024-03-31T01:00:00Z"},
    {"Europe/Berlin", "2024-10-27T01:59:59", "2024-10-26T23:59:59Z"},
    {"Europe/Berlin", "2024-10-27T02:00:00", "2024-10-27T00:00:00Z"}, /* in the overlap */
    {"Europe/Berlin", "2024-10-27T02:59:59", "2024-10-27T00:59:59Z"}, /* in the overlap */
    {"Europe/Berlin", "2024-10-27T03:00:00", "2024-10-27T02:00:00Z"},
    {"Europe/Berlin", "2050-03-27T01:59:59", "2050-03-27T00:59:59Z"},
    {"Europe/Berlin", "2050-03-27T02:30:00", "2050-03-27T01:30:00Z"}, /* in the gap */
    {"Europe/Berlin", "2050-03-27T03:00:00", "2050-03-27T01:00:00Z"},
    {"Europe/Berlin", "2050-10-30T01:59:59", "2050-10-29T23:59:59Z"},
    {"Europe/Berlin", "2050-10-30T02:00:00", "2050-10-30T00:00:00Z"}, /* in the overlap */
    {"Europe/Berlin", "2050-10-30T02:59:59", "2050-10-30T00:59:59Z"}, /* in the overlap */
    {"Europe/Berlin", "2050-10-30T03:00:00", "2050-10-30T02:00:00Z"},
    {"Europe/Berlin", "2031-01-15T12:00:00", "2031-01-15T11:00:00Z"},
    {"Europe/Berlin", "2031-07-15T12:00:00", "2031-07-15T10:00:00Z"},
    {"Australia/Sydney", "2024-04-07T01:59:59", "2024-04-06T14:59:59Z"},
    {"Australia/Sydney", "2024-04-07T02:00:00", "2024-04-06T15:00:00Z"}, /* in the overlap */
    {"Australia/Sydney", "2024-04-07T02:59:59", "2024-04-06T15:59:59Z"}, /* in the overlap */
    {"Australia/Sydney", "2024-04-07T03:00:00", "2024-04-06T17:00:00Z"},
    {"Australia/Sydney", "2024-10-06T01:59:59", "2024-10-05T15:59:59Z"},
    {"Australia/Sydney", "2024-10-06T02:30:00", "2024-10-05T16:30:00Z"}, /* in the gap */
    {"Australia/Sydney", "2024-10-06T03:00:00", "2024-10-05T16:00:00Z"},
    {"Australia/Sydney", "2050-04-03T01:59:59", "2050-04-02T14:59:59Z"},
    {"Australia/Sydney", "2050-04-03T02:00:00", "2050-04-02T15:00:00Z"}, /* in the overlap */
    {"Australia/Sydney", "2050-04-03T02:59:59", "2050-04-02T15:59:59Z"}, /* in the overlap */
    {"Australia/Sydney", "2050-04-03T03:00:00", "2050-04-02T17:00:00Z"},
    {"Australia/Sydney", "2050-10-02T01:59:59", "2050-10-01T15:59:59Z"},
    {"Australia/Sydney", "2050-10-02T02:30:00", "2050-10-01T16:30:00Z"}, /* in the gap */
    {"Australia/Sydney", "2050-10-02T03:00:00", "2050-10-01T16:00:00Z"},
    {"Australia/Sydney", "2031-01-15T12:00:00", "2031-01-15T01:00:00Z"},
    {"Australia/Sydney", "2031-07-15T12:00:00", "2031-07-15T02:00:00Z"},
    {"Australia/Lord_Howe", "2024-04-07T01:29:59", "2024-04-06T14:29:59Z"},
    {"Australia/Lord_Howe", "2024-04-07T01:30:00", "2024-04-06T14:30:00Z"}, /* in the overlap */
    {"Australia/Lord_Howe", "2024-04-07T01:59:59", "2024-04-06T14:59:59Z"}, /* in the overlap */
    {"Australia/Lord_Howe", "2024-04-07T02:00:00", "2024-04-06T15:30:00Z"},
    {"Australia/Lord_Howe", "2024-10-06T01:59:59", "2024-10-05T15:29:59Z"},
    {"Australia/Lord_Howe", "2024-10-06T02:15:00", "2024-10-05T15:45:00Z"}, /* in the gap */
    {"Australia/Lord_Howe", "2024-10-06T02:30:00", "2024-10-05T15:30:00Z"},
    {"Australia/Lord_Howe", "2037-04-05T01:29:59", "2037-04-04T14:29:59Z"},
    {"Australia/Lord_Howe", "2037-04-05T01:30:00", "2037-04-04T14:30:00Z"}, /* in the overlap */
    {"Australia/Lord_Howe", "2037-04-05T01:59:59", "2037-04-04T14:59:59Z"}, /* in the overlap */
    {"Australia/Lord_Howe", "2037-04-05T02:00:00", "2037-04-04T15:30:00Z"},
    {"Australia/Lord_Howe", "2037-10-04T01:59:59", "2037-10-03T15:29:59Z"},
    {"Australia/Lord_Howe", "2037-10-04T02:15:00", "2037-10-03T15:45:00Z"}, /* in the gap */
    {"Australia/Lord_Howe", "2037-10-04T02:30:00", "2037-10-03T15:30:00Z"},
    {"UTC", "2024-02-29T23:59:59", "2024-02-29T23:59:59Z"},
    {"UTC", "2050-12-31T23:59:59", "2050-12-31T23:59:59Z"},
};

static void agrees_with_zoneinfo(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char row[80], text[TIME_TEXT];
        int64_t ms = -1;
        const struct zone *zone = zone_find(span_of(rows[i].zone));
        snprintf(row, sizeof row, "%s %s", rows[i].zone, rows[i].wall);
        CHECK(row, zone != NULL);
        CHECK(row, time_parse(span_of(rows[i].wall), zone, &ms));
        time_write(text, ms);
        check_text(row, span_of(text), rows[i].utc);
    }
}

/* From Python: datetime.fromisoformat(utc).astimezone(ZoneInfo(zone)). */
static const struct {
    const char *zone, *utc, *wall;
} walls[] = {
    {"America/New_York", "2024-03-10T06:59:59Z", "2024-03-10T01:59:59Z"},
    {"America/New_York", "2024-03-10T07:00:00Z", "2024-03-10T03:00:00Z"},
    {"America/New_York", "2024-11-03T05:30:00Z", "2024-11-03T01:30:00Z"},
    {"America/New_York", "2024-11-03T06:30:00Z", "2024-11-03T01:30:00Z"},
    {"Europe/Berlin", "2025-01-20T14:00:00Z", "2025-01-20T15:00:00Z"},
    {"Europe/Berlin", "2025-07-20T23:30:00Z", "2025-07-21T01:30:00Z"},
    {"Australia/Lord_Howe", "2024-10-05T15:29:59Z", "2024-10-06T01:59:59Z"},
    {"Australia/Lord_Howe", "2024-10-05T15:30:00Z", "2024-10-06T02:30:00Z"},
    {"Asia/Kolkata", "1999-12-31T18:30:00Z", "2000-01-01T00:00:00Z"},
    {"UTC", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"},
    {"America/Recife", "2000-10-12T12:00:00Z", "2000-10-12T10:00:00Z"},
    {"Africa/Casablanca", "2024-03-20T12:00:00Z", "2024-03-20T12:00:00Z"},
};

static void shows_the_clock_on_the_wall(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
        char text[TIME_TEXT];
        int64_t ms;
        CHECK(walls[i].utc, time_parse(span_of(walls[i].utc), NULL, &ms));
        time_write(text, zone_to_wall(zone_find(span_of(walls[i].zone)), ms / 1000) * 1000);
        check_text(walls[i].zone, span_of(text), walls[i].wall);
    }
}

/* Several threads that ask at once get the same zones. */
static void *find_many(void *arg)
{
    static const char *const names[] = {"Asia/Tokyo", "America/Chicago", "Europe/London", "Asia/Kathmandu"};
    const struct zone **zones = arg;
    for (size_t i = 0; i < 4; i++)
        zones[i] = zone_find(span_of(names[i]));
    return NULL;
}

static void any_thread_may_ask(void **state)
{
    (void)state;
    const struct zone *zones[4][4] = {0};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_many, zones[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            assert_non_null(zones[i][j]);
            assert_ptr_equal(zones[i][j], zones[0][j]);
        }
    }
}

/* A time that says its own zone means that one, wherever the source is. */
static void a_zone_in_the_text_counts_first(void **state)
{
    (void)state;
    const struct zone *zone = zone_find(SPAN("America/New_York"));
    int64_t bare, utc, offset;
    assert_true(time_parse(SPAN("2025-01-20T14:00:00"), zone, &bare));
    assert_true(time_parse(SPAN("2025-01-20T19:00:00Z"), zone, &utc));
    assert_true(time_parse(SPAN("2025-01-20T20:00:00+01:00"), zone, &offset));
    assert_true(bare == utc);
    assert_true(offset == utc);
}

static void local_times_keep_their_milliseconds(void **state)
{
    (void)state;
    const struct zone *zone = zone_find(SPAN("America/New_York"));
    int64_t ms;
    assert_true(time_parse(SPAN("2025-01-20 14:00:00.987"), zone, &ms));
    assert_true(ms == INT64_C(1737399600987));
}

static void works_at_both_ends_of_its_years(void **state)
{
    (void)state;
    const struct zone *zone = zone_find(SPAN("Australia/Sydney"));
    char text[TIME_TEXT];
    int64_t ms;
    assert_true(time_parse(SPAN("1970-01-01T00:00:00"), zone, &ms));
    time_write(text, ms);
    assert_string_equal(text, "1969-12-31T14:00:00Z");
    assert_true(time_parse(SPAN("2099-12-31T23:59:59"), zone, &ms));
    time_write(text, ms);
    assert_string_equal(text, "2099-12-31T12:59:59Z");
}

static void a_zone_is_loaded_once(void **state)
{
    (void)state;
    const struct zone *berlin = zone_find(SPAN("Europe/Berlin"));
    assert_non_null(berlin);
    assert_ptr_equal(berlin, zone_find(SPAN("Europe/Berlin")));
    assert_ptr_not_equal(berlin, zone_find(SPAN("America/New_York")));
}

static void knows_no_other_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",    "Mars/Olympus", "America",          "America/",       "america/new_york",
        "EDT", "+01:00",       "../../etc/passwd", "/etc/localtime",
    };
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK(names[i], zone_find(span_of(names[i])) == NULL);
    assert_null(zone_find(repeat(&arena, 'A', 5000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_zoneinfo),
        cmocka_unit_test(shows_the_clock_on_the_wall),
        cmocka_unit_test(any_thread_may_ask),
        cmocka_unit_test(a_zone_in_the_text_counts_first),
        cmocka_unit_test(local_times_keep_their_milliseconds),
        cmocka_unit_test(works_at_both_ends_of_its_years),
        cmocka_unit_test(a_zone_is_loaded_once),
        cmocka_unit_test(knows_no_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

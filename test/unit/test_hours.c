/* Times of being open: what lies within them, what is cut, and what comes next. */
#include "model/hours.h"

#include "base/json.h"
#include "base/time.h"
#include "model/clinic.h"
#include "unit.h"

/* Hours by name, as clinics describe them, with ' for ". */
static const struct {
    const char *name, *json;
} kinds[] = {
    {"usual", "{'monday':[{'open':'13:00','close':'17:00'},{'open':'08:00','close':'12:00'}],"
              "'tuesday':[{'open':'08:00','close':'12:00'},{'open':'13:00','close':'17:00'}],"
              "'wednesday':[{'open':'08:00','close':'12:00'},{'open':'13:00','close':'17:00'}],"
              "'thursday':[{'open':'08:00','close':'12:00'},{'open':'13:00','close':'17:00'}],"
              "'friday':[{'open':'08:00','close':'12:00'},{'open':'13:00','close':'17:00'}],"
              "'saturday':null,'sunday':[]}"},
    {"night", "{'sunday':[{'open':'20:00','close':'24:00'}],'monday':[{'open':'00:00','close':'03:00'}]}"},
    {"gapday", "{'sunday':[{'open':'01:00','close':'04:00'}]}"},
    {"short", "{'tuesday':[{'open':'09:00','close':'09:30'}]}"},
    {"evening", "{'sunday':[{'open':'20:00','close':'24:00'}]}"},
    {"touching", "{'monday':[{'open':'08:00','close':'12:00'},{'open':'12:00','close':'17:00'}]}"},
    {"in the gap", "{'sunday':[{'open':'02:10','close':'02:40'},{'open':'02:50','close':'03:20'}]}"},
    {"closed", "{}"},
    {"unknown", "null"},
};

static struct hours hours_of(const char *kind, const char *zone)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf text = {.arena = &arena};
    struct faults faults = {.arena = &arena};
    struct json_fault fault;
    struct clinic clinic = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            buf_printf(&text, "{'clinicId':'C','name':'N','timezone':'%s','operatingHours':%s}", zone,
                       kinds[i].json);
    struct json *json = json_parse(quoted(&arena, buf_text(&text)), &fault);
    CHECK(kind, clinic_read(json, &clinic, &faults));
    json_free(json);
    return clinic.hours;
}

static int64_t at(const char *time)
{
    int64_t ms;
    CHECK(time, time_parse(span_of(time), NULL, &ms));
    return ms;
}

static void check_window(const char *row, const struct window *window, const char *want)
{
    char start[TIME_TEXT], end[TIME_TEXT], got[50];
    time_write(start, window->start);
    time_write(end, window->end);
    snprintf(got, sizeof got, "%s %s", start, end);
    check_text(row, span_of(got), want);
}

/*
 * From a program in Python that goes minute by minute through the time, and asks zoneinfo what the wall
 * shows.
 */
static const struct {
    const char *hours, *zone, *from;
    int minutes;
    const char *want;
} nexts[] = {
    {"usual", "America/New_York", "2025-01-20T14:30:00Z", 120, "2025-01-20T14:30:00Z 2025-01-20T16:30:00Z"},
    {"usual", "America/New_York", "2025-01-20T15:30:00Z", 120, "2025-01-20T18:00:00Z 2025-01-20T20:00:00Z"},
    {"usual", "America/New_York", "2025-01-20T21:00:00Z", 120, "2025-01-21T13:00:00Z 2025-01-21T15:00:00Z"},
    {"usual", "America/New_York", "2025-01-24T21:00:00Z", 120, "2025-01-27T13:00:00Z 2025-01-27T15:00:00Z"},
    {"usual", "America/New_York", "2024-03-08T21:00:00Z", 240, "2024-03-11T12:00:00Z 2024-03-11T16:00:00Z"},
    {"usual", "America/New_York", "2024-11-01T20:30:00Z", 240, "2024-11-04T13:00:00Z 2024-11-04T17:00:00Z"},
    {"usual", "America/New_York", "2025-01-20T14:30:00Z", 300, "2025-01-20T14:30:00Z 2025-01-20T17:00:00Z"},
    {"night", "America/New_York", "2025-01-20T14:30:00Z", 420, "2025-01-27T01:00:00Z 2025-01-27T08:00:00Z"},
    {"night", "America/New_York", "2024-03-09T14:30:00Z", 360, "2024-03-11T00:00:00Z 2024-03-11T06:00:00Z"},
    {"night", "America/New_York", "2024-11-02T14:30:00Z", 420, "2024-11-04T01:00:00Z 2024-11-04T08:00:00Z"},
    {"gapday", "America/New_York", "2024-03-09T14:30:00Z", 120, "2024-03-10T06:00:00Z 2024-03-10T08:00:00Z"},
    {"gapday", "America/New_York", "2024-03-09T14:30:00Z", 180, "2024-03-17T05:00:00Z 2024-03-17T08:00:00Z"},
    {"gapday", "America/New_York", "2024-11-02T14:30:00Z", 240, "2024-11-03T05:00:00Z 2024-11-03T09:00:00Z"},
    {"gapday", "America/New_York", "2024-10-20T05:00:00Z", 240, "2024-11-03T05:00:00Z 2024-11-03T09:00:00Z"},
    {"gapday", "America/New_York", "2024-10-20T04:59:00Z", 240, "2024-10-20T05:00:00Z 2024-10-20T08:00:00Z"},
    {"gapday", "America/New_York", "2024-11-04T14:30:00Z", 240, "2024-11-10T06:00:00Z 2024-11-10T09:00:00Z"},
    {"short", "Australia/Lord_Howe", "2024-10-01T14:30:00Z", 60, "2024-10-07T22:00:00Z 2024-10-07T22:30:00Z"},
    {"short", "Australia/Lord_Howe", "2024-09-30T23:00:00Z", 30, "2024-10-07T22:00:00Z 2024-10-07T22:30:00Z"},
    {"usual", "Pacific/Auckland", "2025-01-20T20:15:00Z", 60, "2025-01-20T20:15:00Z 2025-01-20T21:15:00Z"},
    {"usual", "Asia/Kolkata", "2025-01-20T11:29:00Z", 1, "2025-01-20T11:29:00Z 2025-01-20T11:30:00Z"},
};

static void finds_the_next_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nexts / sizeof nexts[0]; i++) {
        char row[100];
        struct window window;
        struct hours hours = hours_of(nexts[i].hours, nexts[i].zone);
        snprintf(row, sizeof row, "%s %s %d", nexts[i].hours, nexts[i].from, nexts[i].minutes);
        CHECK(row, hours_next(&hours, at(nexts[i].from), nexts[i].minutes * INT64_C(60000), &window));
        check_window(row, &window, nexts[i].want);
    }
}

static void looks_fourteen_days_ahead(void **state)
{
    (void)state;
    struct window window;
    struct hours hours = hours_of("closed", "Europe/Berlin");
    assert_false(hours_next(&hours, at("2025-01-20T10:00:00Z"), 1, &window));
    /* Open for two weeks' last moment, and not for what begins after it. */
    hours = hours_of("short", "UTC");
    hours.days[2] = (struct hours_day){0};
    hours.days[2].ranges[hours.days[2].count++] = (struct hours_range){540, 570};
    assert_true(hours_next(&hours, at("2025-01-21T09:30:00Z"), 60000, &window));
    check_window("a week later", &window, "2025-01-28T09:00:00Z 2025-01-28T09:01:00Z");
    assert_true(hours_next(&hours, at("2025-01-21T09:00:30Z"), 30 * 60000, &window));
    check_window("from a whole minute", &window, "2025-01-28T09:00:00Z 2025-01-28T09:30:00Z");
    assert_true(hours_next(&hours, at("2025-01-21T09:00:30Z"), 29 * 60000, &window));
    check_window("cut at a whole minute", &window, "2025-01-21T09:01:00Z 2025-01-21T09:30:00Z");
}

/* A moment is a window of no length. */
static bool holds(const struct hours *hours, int64_t time)
{
    return hours_fit(hours, &(struct window){time, time});
}

static void unknown_hours_restrict_nothing(void **state)
{
    (void)state;
    struct hours hours = hours_of("unknown", "Europe/Berlin");
    struct window window = {at("2025-01-19T03:00:00Z"), at("2025-01-22T03:00:00Z")};
    assert_true(holds(&hours, window.start));
    assert_true(hours_fit(&hours, &window));
    assert_true(hours_clip(&hours, window.start, &window));
    check_window("clipped", &window, "2025-01-19T03:00:00Z 2025-01-22T03:00:00Z");
    assert_true(hours_next(&hours, window.start, 60000, &window));
    check_window("next", &window, "2025-01-19T03:00:00Z 2025-01-19T03:01:00Z");
}

/* Mondays in New York; the moments of opening and closing are within. */
static const struct {
    const char *time;
    bool held;
} moments[] = {
    {"2025-01-20T12:59:59Z", false}, {"2025-01-20T13:00:00Z", true},  {"2025-01-20T17:00:00Z", true},
    {"2025-01-20T17:00:01Z", false}, {"2025-01-20T17:59:59Z", false}, {"2025-01-20T18:00:00Z", true},
    {"2025-01-20T22:00:00Z", true},  {"2025-01-20T22:00:01Z", false}, {"2025-01-19T15:00:00Z", false},
    {"2024-07-15T12:00:00Z", true},  {"2024-07-15T11:59:59Z", false}, {"2024-03-08T13:00:00Z", true},
    {"2024-03-11T12:00:00Z", true},  {"2024-11-01T12:00:00Z", true},  {"2024-11-04T12:00:00Z", false},
    {"2024-11-04T13:00:00Z", true},
};

static void holds_what_is_within(void **state)
{
    (void)state;
    struct hours hours = hours_of("usual", "America/New_York");
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        CHECK(moments[i].time, holds(&hours, at(moments[i].time)) == moments[i].held);
    hours = hours_of("evening", "America/New_York");
    assert_true(holds(&hours, at("2025-01-20T05:00:00Z"))); /* closes as the next day begins */
    assert_false(holds(&hours, at("2025-01-20T05:00:01Z")));
}

static const struct {
    const char *hours, *start, *end;
    bool fits;
} windows[] = {
    {"usual", "2025-01-20T13:00:00Z", "2025-01-20T17:00:00Z", true},
    {"usual", "2025-01-20T12:59:59Z", "2025-01-20T17:00:00Z", false},
    {"usual", "2025-01-20T13:00:00Z", "2025-01-20T17:00:01Z", false},
    {"usual", "2025-01-20T16:00:00Z", "2025-01-20T19:00:00Z", false}, /* over the break */
    {"usual", "2025-01-20T14:00:00Z", "2025-01-21T14:00:00Z", false}, /* open at both ends */
    {"touching", "2025-01-20T16:00:00Z", "2025-01-20T18:00:00Z", true},
    {"night", "2025-01-20T02:00:00Z", "2025-01-20T07:00:00Z", true}, /* over midnight */
    {"night", "2025-01-20T01:00:00Z", "2025-01-20T08:00:00Z", true},
    {"night", "2025-01-20T01:00:00Z", "2025-01-20T08:00:01Z", false},
    {"gapday", "2024-03-10T06:00:00Z", "2024-03-10T08:00:00Z", true}, /* two hours in spring, */
    {"gapday", "2024-03-10T06:00:00Z", "2024-03-10T08:00:01Z", false},
    {"gapday", "2024-11-03T05:00:00Z", "2024-11-03T09:00:00Z", true}, /* and four in autumn */
    {"gapday", "2024-11-03T05:00:00Z", "2024-11-03T09:00:01Z", false},
    {"closed", "2025-01-20T16:00:00Z", "2025-01-20T18:00:00Z", false},
};

static void fits_windows_in_one_time_of_being_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct hours hours = hours_of(windows[i].hours, "America/New_York");
        struct window window = {at(windows[i].start), at(windows[i].end)};
        char row[80];
        snprintf(row, sizeof row, "%s %s", windows[i].hours, windows[i].end);
        CHECK(row, hours_fit(&hours, &window) == windows[i].fits);
    }
}

/* An hour before and after a time. */
static const struct {
    const char *hours, *time, *want;
} clips[] = {
    {"usual", "2025-01-20T15:00:00Z", "2025-01-20T14:00:00Z 2025-01-20T16:00:00Z"},
    {"usual", "2025-01-20T13:30:00Z", "2025-01-20T13:00:00Z 2025-01-20T14:30:00Z"},
    {"usual", "2025-01-20T13:00:00Z", "2025-01-20T13:00:00Z 2025-01-20T14:00:00Z"},
    {"usual", "2025-01-20T16:30:00Z",
     "2025-01-20T15:30:00Z 2025-01-20T17:00:00Z"}, /* the break is not bridged */
    {"usual", "2025-01-20T17:00:00Z", "2025-01-20T16:00:00Z 2025-01-20T17:00:00Z"},
    {"usual", "2025-01-20T18:00:00Z", "2025-01-20T18:00:00Z 2025-01-20T19:00:00Z"},
    {"usual", "2025-01-20T22:00:00Z", "2025-01-20T21:00:00Z 2025-01-20T22:00:00Z"},
    {"usual", "2025-01-20T17:30:00Z", ""},
    {"usual", "2025-01-20T22:30:00Z", ""}, /* its window would reach into open time */
    {"usual", "2025-01-19T16:00:00Z", ""},
    {"touching", "2025-01-20T17:00:00Z", "2025-01-20T16:00:00Z 2025-01-20T18:00:00Z"},
    {"night", "2025-01-20T05:00:00Z", "2025-01-20T04:00:00Z 2025-01-20T06:00:00Z"},
    {"short", "2025-01-21T14:15:00Z", "2025-01-21T14:00:00Z 2025-01-21T14:30:00Z"},
    {"gapday", "2024-03-10T07:00:00Z", "2024-03-10T06:00:00Z 2024-03-10T08:00:00Z"},
    /* What opens in the gap does so by the offset before it; what begins later than it ends is none. */
    {"in the gap", "2024-03-10T07:10:00Z", "2024-03-10T07:10:00Z 2024-03-10T07:40:00Z"},
    {"in the gap", "2024-03-10T07:45:00Z", ""},
};

static void clips_to_the_time_of_being_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++) {
        struct hours hours = hours_of(clips[i].hours, "America/New_York");
        int64_t time = at(clips[i].time);
        struct window window = {time - 3600000, time + 3600000};
        bool is_open = hours_clip(&hours, time, &window);
        CHECK(clips[i].time, is_open == (*clips[i].want != '\0'));
        if (is_open)
            check_window(clips[i].time, &window, clips[i].want);
    }
}

static void refuses_ranges_that_are_none(void **state)
{
    (void)state;
    struct hours_day day = {0};
    static const struct hours_range bad[] = {{-1, 10}, {10, 10}, {11, 10}, {0, 1441}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(hours_add(&day, bad[i]));
    assert_true(hours_add(&day, (struct hours_range){600, 700}));
    assert_true(hours_add(&day, (struct hours_range){700, 1440}));
    assert_true(hours_add(&day, (struct hours_range){0, 600}));
    assert_false(hours_add(&day, (struct hours_range){650, 660}));
    assert_false(hours_add(&day, (struct hours_range){1439, 1440}));
    assert_int_equal(day.count, 3);
    assert_int_equal(day.ranges[0].open, 0);
    assert_int_equal(day.ranges[1].open, 600);
    assert_int_equal(day.ranges[2].open, 700);
    day = (struct hours_day){0};
    for (int i = 0; i < HOURS_RANGES_MAX; i++)
        assert_true(hours_add(&day, (struct hours_range){2 * i, 2 * i + 1}));
    assert_false(hours_add(&day, (struct hours_range){1000, 1001}));
}

static void knows_local_dates(void **state)
{
    (void)state;
    struct hours hours = hours_of("usual", "America/New_York");
    assert_int_equal(hours_local_date(hours.zone, at("2025-01-21T04:59:59Z")), 20108);
    assert_int_equal(hours_local_date(hours.zone, at("2025-01-21T05:00:00Z")), 20109);
    assert_int_equal(hours_local_date(hours.zone, -1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_next_window),
        cmocka_unit_test(looks_fourteen_days_ahead),
        cmocka_unit_test(unknown_hours_restrict_nothing),
        cmocka_unit_test(holds_what_is_within),
        cmocka_unit_test(fits_windows_in_one_time_of_being_open),
        cmocka_unit_test(clips_to_the_time_of_being_open),
        cmocka_unit_test(refuses_ranges_that_are_none),
        cmocka_unit_test(knows_local_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

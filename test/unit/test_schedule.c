/* Schedules: what is wrong with them, and their dates, across changes of the clock. */
#include "model/schedule.h"

#include "base/date.h"
#include "base/recur.h"
#include "base/time.h"
#include "unit.h"

/*
 * From a program in Python that goes through all days, counts weeks from their Sundays, and places the clock
 * with zoneinfo, fold=0.
 */
static const struct row {
    const char *zone, *frequency;
    unsigned weekdays;
    const char *start, *end, *window_start, *from, *to, *want;
} rows[] = {
    {"America/New_York", "DAILY", 0x7fu, "09:00", "11:00", "2024-03-08T15:00:00Z", "2024-03-08", "2024-03-12",
     "20240308 03-08T14:00 03-08T16:00; 20240309 03-09T14:00 03-09T16:00; "
     "20240310 03-10T13:00 03-10T15:00; 20240311 03-11T13:00 03-11T15:00; "
     "20240312 03-12T13:00 03-12T15:00"},
    {"America/New_York", "DAILY", 0x7fu, "09:00", "11:00", "2024-11-01T15:00:00Z", "2024-11-01", "2024-11-05",
     "20241101 11-01T13:00 11-01T15:00; 20241102 11-02T13:00 11-02T15:00; "
     "20241103 11-03T14:00 11-03T16:00; 20241104 11-04T14:00 11-04T16:00; "
     "20241105 11-05T14:00 11-05T16:00"},
    {"America/New_York", "DAILY", 0x1u, "02:15", "03:30", "2024-03-08T15:00:00Z", "2024-03-08", "2024-03-17",
     "20240310 03-10T07:15 03-10T07:30; 20240317 03-17T06:15 03-17T07:30"},
    {"America/New_York", "DAILY", 0x1u, "01:15", "01:45", "2024-11-01T15:00:00Z", "2024-11-01", "2024-11-10",
     "20241103 11-03T05:15 11-03T05:45; 20241110 11-10T06:15 11-10T06:45"},
    {"America/New_York", "DAILY", 0x3eu, "17:00", "24:00", "2025-01-17T15:00:00Z", "2025-01-17", "2025-01-23",
     "20250117 01-17T22:00 01-18T05:00; 20250120 01-20T22:00 01-21T05:00; "
     "20250121 01-21T22:00 01-22T05:00; 20250122 01-22T22:00 01-23T05:00; "
     "20250123 01-23T22:00 01-24T05:00"},
    {"America/New_York", "WEEKLY", 0x12u, "09:00", "11:00", "2025-01-22T15:00:00Z", "2025-01-20",
     "2025-02-06",
     "20250123 01-23T14:00 01-23T16:00; 20250127 01-27T14:00 01-27T16:00; "
     "20250130 01-30T14:00 01-30T16:00; 20250203 02-03T14:00 02-03T16:00; "
     "20250206 02-06T14:00 02-06T16:00"},
    {"America/New_York", "BIWEEKLY", 0x2au, "09:00", "11:00", "2025-01-22T15:00:00Z", "2025-01-20",
     "2025-02-25",
     "20250122 01-22T14:00 01-22T16:00; 20250124 01-24T14:00 01-24T16:00; "
     "20250203 02-03T14:00 02-03T16:00; 20250205 02-05T14:00 02-05T16:00; "
     "20250207 02-07T14:00 02-07T16:00; 20250217 02-17T14:00 02-17T16:00; "
     "20250219 02-19T14:00 02-19T16:00; 20250221 02-21T14:00 02-21T16:00"},
    {"America/New_York", "BIWEEKLY", 0x41u, "09:00", "11:00", "2025-01-25T15:00:00Z", "2025-01-20",
     "2025-03-01",
     "20250125 01-25T14:00 01-25T16:00; 20250202 02-02T14:00 02-02T16:00; "
     "20250208 02-08T14:00 02-08T16:00; 20250216 02-16T14:00 02-16T16:00; "
     "20250222 02-22T14:00 02-22T16:00"},
    {"America/New_York", "BIWEEKLY", 0x2u, "09:00", "11:00", "2025-01-25T15:00:00Z", "2025-01-20",
     "2025-03-01",
     "20250127 01-27T14:00 01-27T16:00; 20250210 02-10T14:00 02-10T16:00; "
     "20250224 02-24T14:00 02-24T16:00"},
    {"Pacific/Auckland", "WEEKLY", 0x4u, "08:00", "09:00", "2025-01-20T20:00:00Z", "2025-01-20", "2025-02-06",
     "20250121 01-20T19:00 01-20T20:00; 20250128 01-27T19:00 01-27T20:00; "
     "20250204 02-03T19:00 02-03T20:00"},
    {"Europe/Berlin", "BIWEEKLY", 0x4u, "08:00", "09:00", "2020-01-07T09:00:00Z", "2026-03-10", "2026-04-30",
     "20260310 03-10T07:00 03-10T08:00; 20260324 03-24T07:00 03-24T08:00; "
     "20260407 04-07T06:00 04-07T07:00; 20260421 04-21T06:00 04-21T07:00"},
    {"Australia/Lord_Howe", "WEEKLY", 0x1u, "02:15", "02:45", "2024-09-29T00:00:00Z", "2024-09-29",
     "2024-10-13", "20240929 09-28T15:45 09-28T16:15; 20241013 10-12T15:15 10-12T15:45"},
    {"America/New_York", "WEEKLY", 0x2u, "09:00", "11:00", "2025-01-22T15:00:00Z", "2025-01-20", "2025-01-26",
     ""},
};

static const char *describe(struct arena *arena, const struct row *row)
{
    struct buf out = {.arena = arena};
    static const char *const names[] = {"DAILY", "WEEKLY", "BIWEEKLY"};
    const struct zone *zone = zone_find(span_of(row->zone));
    struct schedule schedule = {.weekdays = row->weekdays};
    struct schedule_date *dates;
    int64_t from, to, asked;
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], row->frequency) == 0)
            schedule.frequency = (enum frequency)i;
    CHECK(row->want, time_parse_clock(span_of(row->start), &schedule.start));
    CHECK(row->want, time_parse_clock(span_of(row->end), &schedule.end));
    CHECK(row->want, date_parse(span_of(row->from), &from) && date_parse(span_of(row->to), &to));
    CHECK(row->want, time_parse(span_of(row->window_start), NULL, &asked));
    int64_t first = schedule_first(&schedule, zone, asked);
    size_t count = schedule_list(&schedule, zone, first, from, to, arena, &dates);
    for (size_t i = 0; i < count; i++) {
        char date[DATE_COMPACT], start[TIME_TEXT], end[TIME_TEXT];
        date_write_compact(date, dates[i].date);
        time_write(start, dates[i].window.start);
        time_write(end, dates[i].window.end);
        buf_printf(&out, "%s%s %.11s %.11s", i > 0 ? "; " : "", date, start + 5, end + 5);
    }
    return buf_text(&out);
}

static void agrees_with_zoneinfo(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[20];
        snprintf(name, sizeof name, "row %zu", i);
        check_text(name, span_of(describe(&arena, &rows[i])), rows[i].want);
    }
}

/* What is made today and what is made tomorrow must be the same dates: a list does not depend on its span. */
static void a_part_of_a_list_is_what_the_whole_says(void **state)
{
    (void)state;
    for (unsigned weekdays = 1; weekdays <= RECUR_ALL_DAYS; weekdays += 11) {
        for (int kind = 0; kind < 3; kind++) {
            int64_t all[120], part[120];
            int64_t first = 20000;
            while ((weekdays & 1u << date_weekday(first)) == 0)
                first++;
            struct recur recur = {kind > 0, kind == 2 ? 2 : 1, weekdays, first};
            size_t count = recur_list(&recur, first, first + 100, all, 120);
            size_t at = 0;
            assert_int_equal(all[0], first);
            for (int64_t day = first - 3; day <= first + 100; day++) {
                size_t found = recur_list(&recur, day, day, part, 120);
                bool listed = at < count && all[at] == day;
                assert_int_equal(found, listed);
                at += listed;
            }
            assert_int_equal(at, count);
        }
    }
}

static const struct {
    const char *json, *faults;
} documents[] = {
    {"{'frequency':'DAILY','timeWindow':{'start':'09:00','end':'11:00'}}", ""},
    {"{'frequency':'DAILY','daysOfWeek':[],'timeWindow':{'start':'00:00','end':'24:00'}}", ""},
    {"{'frequency':'WEEKLY','daysOfWeek':[0,6,6],'timeWindow':{'start':'09:00','end':'09:01'}}", ""},
    {"{'frequency':'BIWEEKLY','daysOfWeek':[3],'timeWindow':{'start':'09:00','end':'11:00'}}", ""},
    {"{}", "Missing recurringSchedule.frequency; Missing recurringSchedule.timeWindow"},
    {"[]", "Invalid recurringSchedule"},
    {"{'frequency':'daily','timeWindow':{}}",
     "Invalid recurringSchedule.frequency; Missing recurringSchedule.timeWindow.start; "
     "Missing recurringSchedule.timeWindow.end"},
    {"{'frequency':'WEEKLY','timeWindow':{'start':'9:00','end':'25:00'}}",
     "Missing recurringSchedule.daysOfWeek; Invalid recurringSchedule.timeWindow.start; "
     "Invalid recurringSchedule.timeWindow.end"},
    {"{'frequency':'BIWEEKLY','daysOfWeek':[],'timeWindow':{'start':'09:00','end':'11:00'}}",
     "Missing recurringSchedule.daysOfWeek"},
    {"{'frequency':'WEEKLY','daysOfWeek':[1,7],'timeWindow':{'start':'11:00','end':'09:00'}}",
     "Invalid recurringSchedule.daysOfWeek; Invalid recurringSchedule.timeWindow"},
    {"{'frequency':'WEEKLY','daysOfWeek':[-1],'timeWindow':{'start':'09:00','end':'09:00'}}",
     "Invalid recurringSchedule.daysOfWeek; Invalid recurringSchedule.timeWindow"},
    {"{'frequency':7,'daysOfWeek':1,'timeWindow':[]}",
     "Invalid recurringSchedule.frequency; Invalid recurringSchedule.daysOfWeek; "
     "Invalid recurringSchedule.timeWindow"},
    {"{'frequency':'DAILY','daysOfWeek':['1'],'timeWindow':{'start':9,'end':'24:01'}}",
     "Invalid recurringSchedule.daysOfWeek; Invalid recurringSchedule.timeWindow.start; "
     "Invalid recurringSchedule.timeWindow.end"},
};

static void tells_all_that_is_wrong(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct json_fault fault;
        struct schedule schedule;
        struct faults faults = {.arena = &arena};
        struct json *json = json_parse(quoted(&arena, documents[i].json), &fault);
        bool is_right = schedule_read(json, &schedule, &faults);
        check_faults(documents[i].json, &faults, documents[i].faults);
        CHECK(documents[i].json, is_right == (faults.count == 0));
        json_free(json);
    }
}

static void reads_what_is_right(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault;
    struct faults faults = {.arena = &arena};
    struct schedule schedule;
    struct json *json = json_parse(
        quoted(&arena,
               "{'frequency':'BIWEEKLY','daysOfWeek':[5,1],'timeWindow':{'start':'09:30','end':'24:00'}}"),
        &fault);
    assert_true(schedule_read(json, &schedule, &faults));
    assert_int_equal(schedule.frequency, FREQUENCY_BIWEEKLY);
    assert_int_equal(schedule.weekdays, 1u << 1 | 1u << 5);
    assert_int_equal(schedule.start, 570);
    assert_int_equal(schedule.end, 1440);
    json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_zoneinfo),
        cmocka_unit_test(a_part_of_a_list_is_what_the_whole_says),
        cmocka_unit_test(tells_all_that_is_wrong),
        cmocka_unit_test(reads_what_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

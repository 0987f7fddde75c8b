/* Dates as numbers, as texts, and their weekdays. */
#include "base/date.h"

#include "unit.h"

/* From Python: (date - date(1970, 1, 1)).days, and isoweekday() % 7. */
static const struct {
    const char *text, *compact;
    int64_t days;
    int weekday;
} rows[] = {
    {"1970-01-01", "19700101", 0, 4},     {"1970-12-31", "19701231", 364, 4},
    {"2000-02-29", "20000229", 11016, 2}, {"2024-02-29", "20240229", 19782, 4},
    {"2025-03-01", "20250301", 20148, 6}, {"2026-11-28", "20261128", 20785, 6},
    {"2099-12-31", "20991231", 47481, 4},
};

static void agrees_with_another_calendar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[DATE_TEXT], compact[DATE_COMPACT];
        int64_t days = -1;
        CHECK(rows[i].text, date_parse(span_of(rows[i].text), &days));
        check_int(rows[i].text, days, rows[i].days);
        CHECK(rows[i].compact, date_parse_compact(span_of(rows[i].compact), &days));
        check_int(rows[i].compact, days, rows[i].days);
        check_int(rows[i].text, date_weekday(days), rows[i].weekday);
        date_write(text, days);
        check_text("written", span_of(text), rows[i].text);
        date_write_compact(compact, days);
        check_text("written compactly", span_of(compact), rows[i].compact);
    }
    assert_int_equal(DATE_LAST, rows[6].days);
}

static void every_day_follows_the_one_before(void **state)
{
    (void)state;
    struct date before = date_of(-800);
    for (int64_t days = -799; days < 60000; days++) {
        struct date date = date_of(days);
        bool is_next = date.day == before.day + 1 && date.month == before.month && date.year == before.year;
        bool is_first = date.day == 1 && before.day == date_month_days(before.year, before.month) &&
                        12 * date.year + date.month == 12 * before.year + before.month + 1;
        assert_true(is_next || is_first);
        assert_int_equal(date_days(date), days);
        assert_int_equal(date_weekday(days), (date_weekday(days - 1) + 1) % 7);
        before = date;
    }
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "2025-02-29",  "1900-02-29", "2025-00-01", "2025-13-01",           "2025-01-00",
        "2025-01-32", "2025-04-31",  "2025-1-01",  "2025-01-1",  "2025/01/01",           "20250101",
        "1969-12-31", "2100-01-01",  "0000-01-01", "-025-01-01", "2025-01-01T00:00:00Z", " 2025-01-01",
        "2025-01-0x", "2025-01-01 ", "2025-01:01",
    };
    static const char *const bad_compact[] = {"", "2025010", "202501011", "20250229", "2025-1-1", "2025010x"};
    int64_t days;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(bad[i], !date_parse(span_of(bad[i]), &days));
    for (size_t i = 0; i < sizeof bad_compact / sizeof bad_compact[0]; i++)
        CHECK(bad_compact[i], !date_parse_compact(span_of(bad_compact[i]), &days));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_another_calendar),
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(what_is_no_date_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

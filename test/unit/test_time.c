/* Reading and writing ISO 8601; the numbers are from Python's datetime. */
#include "base/time.h"

#include "base/json.h"
#include "unit.h"

static const struct {
    const char *text;
    int64_t ms;
} good[] = {
    {"1970-01-01T00:00:00Z", INT64_C(0)},
    {"1970-01-01T00:00:00+14:00", INT64_C(-50400000)},
    {"2025-01-20T14:00:00Z", INT64_C(1737381600000)},
    {"2025-01-20t14:00:00z", INT64_C(1737381600000)}, /* RFC 3339 allows these too */
    {"2025-01-20 14:00:00Z", INT64_C(1737381600000)},
    {"2025-01-20T14:00Z", INT64_C(1737381600000)},
    {"2025-01-20T14:00:00.5Z", INT64_C(1737381600500)},
    {"2025-01-20T14:00:00.123Z", INT64_C(1737381600123)},
    {"2025-01-20T14:00:00.123999999Z", INT64_C(1737381600123)},
    {"2025-01-20T14:00:00.000000001Z", INT64_C(1737381600000)},
    {"2025-01-20T14:00:00+00:00", INT64_C(1737381600000)},
    {"2025-01-20T14:00:00-00:00", INT64_C(1737381600000)},
    {"2025-01-20T14:00:00-05:00", INT64_C(1737399600000)},
    {"2025-01-20T14:00:00-0500", INT64_C(1737399600000)},
    {"2025-01-20T14:00:00+05:45", INT64_C(1737360900000)},
    {"2025-01-20T14:00:00+23:59", INT64_C(1737295260000)},
    {"2025-01-20T14:00:00-23:59", INT64_C(1737467940000)},
    {"2025-01-20 14:00-05:00", INT64_C(1737399600000)},
    {"2024-02-29T12:00:00Z", INT64_C(1709208000000)},
    {"2000-02-29T12:00:00Z", INT64_C(951825600000)},
    {"2096-02-29T23:59:59Z", INT64_C(3981398399000)},
    {"2025-12-31T23:59:59Z", INT64_C(1767225599000)},
    {"2099-12-31T23:59:59.999Z", INT64_C(4102444799999)},
    {"2099-12-31T23:59:59-23:59", INT64_C(4102531139000)},
};

static void reads_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms = -1;
        CHECK(good[i].text, time_parse(span_of(good[i].text), NULL, &ms));
        check_int(good[i].text, ms, good[i].ms);
    }
}

static const char *const bad[] = {
    "",
    "2025-01-20",
    "2025-01-20T",
    "2025-01-20T14",
    "2025-01-20T14Z",
    "2025-01-20T14:00:00", /* no zone, and none given */
    "2025-01-20T14:00:0Z",
    "2025-01-20T14:00:Z",
    "2025-01-20T14:00:00.Z",
    "2025-01-20T14:00:00.1234567890Z",
    "2025-01-20T14:00:00,5Z",
    "2025-01-20T14:00.5Z",
    "2025-01-20T24:00:00Z",
    "2025-01-20T23:60:00Z",
    "2025-01-20T23:59:60Z", /* a leap second has no number of its own */
    "2025-01-20T-1:00:00Z",
    "2025-01-20T14:00:00 Z",
    "2025-01-20  14:00:00Z",
    "2025-01-20_14:00:00Z",
    " 2025-01-20T14:00:00Z",
    "2025-01-20T14:00:00Z ",
    "2025-01-20T14:00:00ZZ",
    "2025-01-20T14:00:00+",
    "2025-01-20T14:00:00+05",
    "2025-01-20T14:00:00+05:",
    "2025-01-20T14:00:00+5:00",
    "2025-01-20T14:00:00+05:000",
    "2025-01-20T14:00:00+24:00",
    "2025-01-20T14:00:00+05:60",
    "2025-01-20T14:00:00+-5:00",
    "2025-01-20T14:00:00-05:00Z",
    "2025-01-20T14:00:00 EST",
    "2025-1-20T14:00:00Z",
    "2025-01-2T14:00:00Z",
    "25-01-20T14:00:00Z",
    "02025-01-20T14:00:00Z",
    "+2025-01-20T14:00:00Z",
    "2025/01/20T14:00:00Z",
    "20250120T140000Z",
    "01/20/2025 14:00",
    "2025-W04-1T14:00:00Z",
    "1737381600",
    "2025-00-20T14:00:00Z",
    "2025-13-20T14:00:00Z",
    "2025-01-00T14:00:00Z",
    "2025-01-32T14:00:00Z",
    "2025-04-31T14:00:00Z",
    "2025-02-29T14:00:00Z",
    "2024-02-30T14:00:00Z",
    "2023-02-29T14:00:00Z",
    "1969-12-31T23:59:59Z",
    "2100-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "tomorrow",
};

static void refuses_everything_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        CHECK(bad[i], !time_parse(span_of(bad[i]), NULL, &ms));
    }
}

/* Every shorter text must be refused without reading past its end, which the sanitizers would tell. */
static void refuses_what_is_cut_short(void **state)
{
    (void)state;
    static const char whole[] = "2025-01-20T14:00:00.123+05:45";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        int64_t ms;
        char *cut CLEANUP(mem_drop) = mem_resize(NULL, len);
        memcpy(cut, whole, len);
        assert_false(time_parse((struct span){cut, len}, NULL, &ms));
    }
}

/* Counts through every day of the years that can be read, by the rule every child learns. */
static void knows_every_day_of_130_years(void **state)
{
    (void)state;
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = 43200000;
    for (int year = 1970; year <= 2099; year++) {
        for (int month = 1; month <= 12; month++) {
            int last = days[month - 1] + (month == 2 && year % 4 == 0); /* 2000 is one of the leap years */
            for (int day = 1; day <= last; day++) {
                char text[40], written[TIME_TEXT];
                int64_t ms = -1;
                snprintf(text, sizeof text, "%04d-%02d-%02dT12:00:00Z", year, month, day);
                CHECK(text, time_parse(span_of(text), NULL, &ms));
                check_int(text, ms, expected);
                time_write(written, ms);
                check_text(text, span_of(written), text);
                expected += 86400000;
            }
        }
    }
}

static const struct {
    int64_t ms;
    const char *text;
} written[] = {
    {INT64_C(-62135596800000), "0001-01-01T00:00:00Z"},
    {INT64_C(-11670953104000), "1600-02-29T12:34:56Z"},
    {INT64_C(-2203891201000), "1900-02-28T23:59:59Z"},
    {INT64_C(-1000), "1969-12-31T23:59:59Z"},
    {INT64_C(-1), "1969-12-31T23:59:59Z"}, /* whole seconds are cut, also before 1970 */
    {INT64_C(0), "1970-01-01T00:00:00Z"},
    {INT64_C(999), "1970-01-01T00:00:00Z"},
    {INT64_C(951782400000), "2000-02-29T00:00:00Z"},
    {INT64_C(1735689599999), "2024-12-31T23:59:59Z"},
    {INT64_C(1737378000000), "2025-01-20T13:00:00Z"},
    {INT64_C(4107542399000), "2100-02-28T23:59:59Z"},
    {INT64_C(4107542400000), "2100-03-01T00:00:00Z"},
    {INT64_C(253402300799000), "9999-12-31T23:59:59Z"},
};

static void writes_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        char text[TIME_TEXT];
        time_write(text, written[i].ms);
        check_text(written[i].text, span_of(text), written[i].text);
    }
}

static void as_a_member(void **state)
{
    struct buf out CLEANUP(buf_free) = {0};
    (void)state;
    json_open(&out, '{');
    time_add(&out, "never", 0);
    time_add(&out, "then", 1);
    json_close(&out, '}');
    check_text("members", buf_span(&out), "{\"never\":null,\"then\":\"1970-01-01T00:00:00Z\"}");
}

static void now_is_in_this_century(void **state)
{
    (void)state;
    int64_t ms = time_now();
    assert_true(ms > INT64_C(1767225600000) - INT64_C(31536000000));
    assert_true(ms < INT64_C(4102444800000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_times),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(knows_every_day_of_130_years),
        cmocka_unit_test(writes_times),
        cmocka_unit_test(as_a_member),
        cmocka_unit_test(now_is_in_this_century),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reading times by a pattern; the numbers are from Python's datetime.strptime. */
#include "base/time.h"

#include <time.h>

#include "unit.h"

static const struct {
    const char *pattern, *text;
    int64_t ms;
} good[] = {
    {"%Y-%m-%dT%H:%M:%S%z", "2025-01-20T14:00:00-05:00", INT64_C(1737399600000)},
    {"%Y-%m-%dT%H:%M:%S%z", "2025-01-20T14:00:00-0500", INT64_C(1737399600000)},
    {"%Y-%m-%dT%H:%M:%S%z", "2025-01-20T14:00:00Z", INT64_C(1737381600000)},
    {"%Y-%m-%dT%H:%M:%S%z", "2025-01-20T14:00:00z", INT64_C(1737381600000)},
    {"%H:%M %z %d/%m/%Y", "14:00 +0545 20/01/2025", INT64_C(1737360900000)},
    {"%Y-%m-%d", "2025-01-20", INT64_C(1737331200000)},
    {"%Y%m%d%H%M%S", "20250120140000", INT64_C(1737381600000)},
    {"%m/%d/%Y %I:%M %p", "01/20/2025 02:05 PM", INT64_C(1737381900000)},
    {"%m/%d/%Y %I:%M %p", "01/20/2025 02:05 pm", INT64_C(1737381900000)},
    {"%m/%d/%Y %p %I:%M", "01/20/2025 Pm 02:05", INT64_C(1737381900000)},
    {"%m/%d/%Y %I:%M %p", "12/31/2099 12:00 AM", INT64_C(4102358400000)},
    {"%m/%d/%Y %I:%M %p", "06/01/2025 12:30 PM", INT64_C(1748781000000)},
    {"%-m/%-d/%Y %-I:%M %p", "1/20/2025 2:05 PM", INT64_C(1737381900000)},
    {"%-m/%-d/%Y %-I:%M %p", "01/20/2025 02:05 PM", INT64_C(1737381900000)},
    {"%-m/%-d/%Y %-I:%M %p", "6/1/2025 12:30 PM", INT64_C(1748781000000)},
    {"%-d.%-m.%Y %-H:%M", "20.1.2025 0:00", INT64_C(1737331200000)},
    {"%-d.%-m.%Y %-H:%M", "20.1.2025 14:00", INT64_C(1737381600000)},
    {"%d %b %Y", "29 Feb 2024", INT64_C(1709164800000)},
    {"%d %b %Y", "29 fEB 2024", INT64_C(1709164800000)},
    {"%B %d, %Y", "December 31, 2025", INT64_C(1767139200000)},
    {"%B %d, %Y", "DECEMBER 31, 2025", INT64_C(1767139200000)},
    {"%B%d%Y", "May202025", INT64_C(1747699200000)},
    {"%d.%m.%Y %H:%M:%S.%f", "01.09.2025 23:59:59.123999", INT64_C(1756771199123)},
    {"%d.%m.%Y %H:%M:%S.%f", "01.09.2025 23:59:59.1", INT64_C(1756771199100)},
    {"%d.%m.%Y %H:%M:%S,%f", "01.09.2025 23:59:59,123456789", INT64_C(1756771199123)},
    {"%Y-%m-%d %%%H%%", "2025-01-20 %14%", INT64_C(1737381600000)},
    {"Day %d of %m in %Y\xc3\xbc", "Day 20 of 01 in 2025\xc3\xbc", INT64_C(1737331200000)},
};

static void reads_times_by_a_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms = -1;
        CHECK(good[i].pattern, time_is_pattern(span_of(good[i].pattern)));
        CHECK(good[i].text,
              time_parse_as(span_of(good[i].pattern), span_of(good[i].text), zone_find(SPAN("UTC")), &ms));
        check_int(good[i].text, ms, good[i].ms);
    }
}

static const struct {
    const char *text;
    int64_t ms;
} local[] = {
    {"2025-07-04 09:05", INT64_C(1751634300000)},
    {"2025-03-09 02:30", INT64_C(1741505400000)}, /* in the gap */
    {"2025-11-02 01:30", INT64_C(1762061400000)}, /* in the overlap */
};

static void the_zone_counts_without_an_offset(void **state)
{
    (void)state;
    const struct zone *zone = zone_find(SPAN("America/New_York"));
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        int64_t ms = -1;
        CHECK(local[i].text, time_parse_as(SPAN("%Y-%m-%d %H:%M"), span_of(local[i].text), zone, &ms));
        check_int(local[i].text, ms, local[i].ms);
        CHECK(local[i].text, !time_parse_as(SPAN("%Y-%m-%d %H:%M"), span_of(local[i].text), NULL, &ms));
    }
    int64_t ms = -1;
    assert_true(time_parse_as(SPAN("%Y-%m-%d%z"), SPAN("1970-01-01+14:00"), zone, &ms));
    check_int("offset", ms, INT64_C(-50400000));
    assert_true(time_parse_as(SPAN("%Y-%m-%d%z"), SPAN("1970-01-01Z"), NULL, &ms));
    check_int("no zone needed", ms, 0);
}

static const struct {
    const char *pattern, *text;
} bad[] = {
    {"%Y-%m-%d", ""},
    {"%Y-%m-%d", "2025-01-2"},
    {"%Y-%m-%d", "2025-01-200"},
    {"%Y-%m-%d", "2025-01-20 "},
    {"%Y-%m-%d", " 2025-01-20"},
    {"%Y-%m-%d", "2025/01/20"},
    {"%Y-%m-%d", "2025-1-20"},
    {"%Y-%m-%d", "25-01-20"},
    {"%Y-%m-%d", "1969-12-31"},
    {"%Y-%m-%d", "2100-01-01"},
    {"%Y-%m-%d", "2025-00-20"},
    {"%Y-%m-%d", "2025-13-20"},
    {"%Y-%m-%d", "2025-01-00"},
    {"%Y-%m-%d", "2025-01-32"},
    {"%Y-%m-%d", "2025-04-31"},
    {"%d-%m-%Y", "29-02-2025"}, /* the year comes last */
    {"%d-%m-%Y", "30-02-2024"},
    {"%Y %-m %d", "2025  1 20"},
    {"%Y %-m %d", "2025 +1 20"},
    {"%Y %-m %d", "2025 001 20"},
    {"%Y %-m %d", "2025 13 20"},
    {"%Y%-m%d", "2025120"}, /* reads the month 12 */
    {"%Y %-m %-d", "2025 1 "},
    {"%Y %-m %-d", "2025 0 1"},
    {"T%Y-%m-%d", "t2025-01-20"},
    {"%d %b %Y", "20 January 2025"},
    {"%d %b %Y", "20 Ja 2025"},
    {"%d %b %Y", "20 Jab 2025"},
    {"%d %b %Y", "20 J\xc3\xa4n 2025"},
    {"%d %b %Y", "31 Jun 2025"},
    {"%d %B %Y", "20 Jan 2025"},
    {"%d %B %Y", "20 Januar 2025"},
    {"%Y-%m-%d %H", "2025-01-20 24"},
    {"%Y-%m-%d %H:%M", "2025-01-20 23:60"},
    {"%Y-%m-%d %H:%M:%S", "2025-01-20 23:59:60"},
    {"%Y-%m-%d %H:%M:%S", "2025-01-20 23:59:1"},
    {"%Y-%m-%d %H:%M:%S.%f", "2025-01-20 23:59:11."},
    {"%Y-%m-%d %H:%M:%S.%f", "2025-01-20 23:59:11.1234567890"},
    {"%Y-%m-%d %I %p", "2025-01-20 00 AM"},
    {"%Y-%m-%d %I %p", "2025-01-20 13 PM"},
    {"%Y-%m-%d %I %p", "2025-01-20 1 PM"},
    {"%Y-%m-%d %I %p", "2025-01-20 01 P"},
    {"%Y-%m-%d %I %p", "2025-01-20 01 P.M."},
    {"%Y-%m-%d %I %p", "2025-01-20 01"},
    {"%Y-%m-%d%z", "2025-01-20"},
    {"%Y-%m-%d%z", "2025-01-20+05"},
    {"%Y-%m-%d%z", "2025-01-20+24:00"},
    {"%Y-%m-%d%z", "2025-01-20+05:60"},
    {"%Y-%m-%d%z", "2025-01-20+05:000"},
    {"%Y-%m-%d%z", "2025-01-20 EST"},
    {"%Y-%m-%d%%", "2025-01-20"},
    {"%Y-%m-%d", "%Y-%m-%d"},
};

static void refuses_what_differs_from_the_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        CHECK(bad[i].pattern, time_is_pattern(span_of(bad[i].pattern)));
        CHECK(bad[i].text,
              !time_parse_as(span_of(bad[i].pattern), span_of(bad[i].text), zone_find(SPAN("UTC")), &ms));
    }
}

/* The texts fit, so that it is the pattern that is refused. */
static const struct {
    const char *pattern, *text;
} mistaken[] = {
    {"", ""},
    {"%", "%"},
    {"%Y-%m", "2025-01"},
    {"%Y-%d", "2025-20"},
    {"%m-%d", "01-20"},
    {"%H:%M:%S%z", "14:00:00Z"},
    {"%Y-%m-%d%", "2025-01-20%"},
    {"%Y-%m-%d%-", "2025-01-20%-"},
    {"%Y-%m-%d %q", "2025-01-20 q"},
    {"%Y-%m-%d %T", "2025-01-20 14:00:00"},
    {"%y-%m-%d", "25-01-20"},
    {"%-Y-%m-%d", "2025-01-20"},
    {"%Y-%m-%d %H:%-M", "2025-01-20 14:0"},
    {"%Y-%m-%d %H:%M:%-S", "2025-01-20 14:00:0"},
    {"%Y-%m-%d %-%", "2025-01-20 %"},
    {"%Y-%m-%d %--H", "2025-01-20 14"},
    {"%Y-%-b-%d", "2025-Jan-20"},
    {"%Y-%m-%d %Y", "2025-01-20 2025"},
    {"%Y-%m-%d %-d", "2025-01-20 20"},
    {"%Y-%m-%d %b", "2025-01-20 Jan"},
    {"%Y-%b-%d %B", "2025-Jan-20 January"},
    {"%Y-%m-%d %z%z", "2025-01-20 ZZ"},
    {"%Y-%m-%d %H %-H", "2025-01-20 14 14"},
    {"%Y-%m-%d %I", "2025-01-20 02"},
    {"%Y-%m-%d %p", "2025-01-20 PM"},
    {"%Y-%m-%d %H %p", "2025-01-20 14 PM"},
    {"%Y-%m-%d %H %I", "2025-01-20 14 02"},
    {"%Y-%m-%d %H %I %p", "2025-01-20 14 02 PM"},
    {"%Y-%m-%d %I %-I %p", "2025-01-20 02 2 PM"},
};

static void refuses_mistaken_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistaken / sizeof mistaken[0]; i++) {
        int64_t ms;
        struct span pattern = span_of(mistaken[i].pattern);
        CHECK(mistaken[i].pattern, !time_is_pattern(pattern));
        CHECK(mistaken[i].pattern,
              !time_parse_as(pattern, span_of(mistaken[i].text), zone_find(SPAN("UTC")), &ms));
    }
}

static void refuses_what_is_cut_short(void **state)
{
    (void)state;
    struct span pattern = SPAN("%B %-d, %Y %-I:%M:%S.%f %p %% %z");
    struct span text = SPAN("September 1, 2025 2:05:59.123 PM % +05:45");
    int64_t ms;
    assert_true(time_parse_as(pattern, text, NULL, &ms));
    for (size_t len = 0; len < text.len; len++) {
        char *cut CLEANUP(mem_drop) = exact((struct span){text.at, len});
        assert_false(time_parse_as(pattern, (struct span){cut, len}, NULL, &ms));
    }
    for (size_t len = 0; len < pattern.len; len++) {
        char *cut CLEANUP(mem_drop) = exact((struct span){pattern.at, len});
        assert_false(time_parse_as((struct span){cut, len}, text, NULL, &ms));
        time_is_pattern((struct span){cut, len});
    }
}

/* What the C library writes by a pattern is read by it again. */
static void reads_what_strftime_writes(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        int64_t unit; /* seconds that the pattern can tell apart */
    } rows[] = {
        {"%Y-%m-%dT%H:%M:%S%z", 1}, {"%d.%m.%Y, %-H:%M:%S Z%z", 1}, {"%B %-d, %Y %-I:%M %p %z", 60},
        {"%b%d%Y%I%M%S%p%z", 1},    {"%z %-m/%-d/%Y", 86400},       {"%H h %d %b %Y%z", 3600},
    };
    uint64_t seed = 20250120;
    for (int i = 0; i < 60000; i++) {
        const char *pattern = rows[i % 6].pattern;
        time_t seconds = (time_t)roll(&seed, 4102444800);
        struct tm tm;
        char text[80];
        size_t len = strftime(text, sizeof text, pattern, gmtime_r(&seconds, &tm));
        int64_t ms = -1;
        CHECK(text, time_parse_as(span_of(pattern), (struct span){text, len}, NULL, &ms));
        check_int(text, ms, (seconds - seconds % rows[i % 6].unit) * 1000);
    }
}

/* Whether a list of conversions is a pattern is seen from its read-back: what is one reads its own text. */
static void random_patterns_read_their_text_or_nothing(void **state)
{
    (void)state;
    static const char *const pieces[] = {"%Y",  "%m", "%-m", "%b", "%B", "%d", "%-d", "%H", "%-H", "%I",
                                         "%-I", "%p", "%M",  "%S", "%f", "%z", "%%",  "T",  "%q",  "%"};
    uint64_t seed = 7;
    int reads = 0;
    for (int i = 0; i < 400000; i++) {
        struct buf pattern CLEANUP(buf_free) = {0};
        size_t count = 3 + roll(&seed, 5);
        for (size_t n = 0; n < count; n++)
            buf_printf(&pattern, "%s|", pieces[roll(&seed, n < 3 && i % 2 ? 7 : 20)]);
        time_t seconds = (time_t)roll(&seed, 4102444800);
        struct tm tm;
        char text[200];
        size_t len = strftime(text, sizeof text, buf_text(&pattern), gmtime_r(&seconds, &tm));
        struct buf sent CLEANUP(buf_free) = {0};
        struct span rest = {text, len};
        while (rest.len > 0) { /* the C library knows no %f, and leaves it */
            struct span part = span_cut(&rest, '|');
            buf_add(&sent, span_is(part, SPAN("%f")) ? SPAN("123456") : part);
            buf_add_char(&sent, '|');
        }
        int64_t ms = -1;
        bool is_read = time_parse_as(buf_span(&pattern), buf_span(&sent), zone_find(SPAN("UTC")), &ms);
        CHECK(buf_text(&pattern), is_read == time_is_pattern(buf_span(&pattern)));
        reads += is_read;
        if (is_read)
            CHECK(buf_text(&sent), ms / 86400000 == seconds / 86400);
    }
    assert_in_range(reads, 1000, 200000);
}

/* Texts and patterns that are right but for a few bytes, and cut anywhere. */
static void survives_any_bytes(void **state)
{
    (void)state;
    static const char letters[] = "%-YmdHIMSfpbBz%Z+:. 0123456789AaPpMmNOV\n\xff";
    uint64_t seed = 99;
    for (int i = 0; i < 200000; i++) {
        size_t row = roll(&seed, sizeof good / sizeof good[0]);
        struct span parts[] = {span_of(good[row].pattern), span_of(good[row].text)};
        char *copies[2];
        for (size_t n = 0; n < 2; n++) {
            copies[n] = exact(parts[n]);
            for (size_t changes = roll(&seed, 3); changes > 0; changes--)
                copies[n][roll(&seed, parts[n].len)] = letters[roll(&seed, sizeof letters)];
            char *cut = exact((struct span){copies[n], parts[n].len -= roll(&seed, 8) / 6});
            free(copies[n]);
            copies[n] = cut;
            parts[n].at = cut;
        }
        int64_t ms;
        bool is_pattern = time_is_pattern(parts[0]);
        bool is_read = time_parse_as(parts[0], parts[1], zone_find(SPAN("UTC")), &ms);
        assert_true(is_pattern || !is_read);
        free(copies[0]);
        free(copies[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_times_by_a_pattern),
        cmocka_unit_test(the_zone_counts_without_an_offset),
        cmocka_unit_test(refuses_what_differs_from_the_pattern),
        cmocka_unit_test(refuses_mistaken_patterns),
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(reads_what_strftime_writes),
        cmocka_unit_test(random_patterns_read_their_text_or_nothing),
        cmocka_unit_test(survives_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

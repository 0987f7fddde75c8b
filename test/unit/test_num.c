/* The strict parser of numbers, with and without units. */
#include "base/num.h"

#include "unit.h"

typedef bool parser(struct span text, int64_t *number);

static const struct good {
    parser *parse;
    const char *text;
    int64_t number;
} good[] = {
    {num_parse, "0", 0},
    {num_parse, "-0", 0},
    {num_parse, "007", 7},
    {num_parse, "-1", -1},
    {num_parse, "9223372036854775807", INT64_MAX},
    {num_parse, "-9223372036854775808", INT64_MIN},
    {num_parse_size, "0", 0},
    {num_parse_size, "1048576", 1048576},
    {num_parse_size, "1KiB", 1024},
    {num_parse_size, "1MiB", 1048576},
    {num_parse_size, "1GiB", 1073741824},
    {num_parse_size, "16kib", 16384},
    {num_parse_size, "9223372036854775807", INT64_MAX},
    {num_parse_size, "8589934591GiB", INT64_C(9223372035781033984)},
    {num_parse_duration, "0s", 0},
    {num_parse_duration, "90", 90},
    {num_parse_duration, "30s", 30},
    {num_parse_duration, "2m", 120},
    {num_parse_duration, "3h", 10800},
    {num_parse_duration, "1d", 86400},
    {num_parse_duration, "106751991167300d", INT64_C(9223372036854720000)},
};

static void reads_whole_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t number = -7;
        CHECK(good[i].text, good[i].parse(span_of(good[i].text), &number));
        check_int(good[i].text, number, good[i].number);
    }
}

static const struct bad {
    parser *parse;
    const char *text;
} bad[] = {
    {num_parse, ""},
    {num_parse, "-"},
    {num_parse, "--1"},
    {num_parse, "+1"},
    {num_parse, " 1"},
    {num_parse, "1 "},
    {num_parse, "1\n"},
    {num_parse, "1.0"},
    {num_parse, "1e3"},
    {num_parse, "0x10"},
    {num_parse, "1_000"},
    {num_parse, "1-"},
    {num_parse, "one"},
    {num_parse, "\xd9\xa1"}, /* an Arabic one */
    {num_parse, "9223372036854775808"},
    {num_parse, "-9223372036854775809"},
    {num_parse, "9999999999999999999"},
    {num_parse, "00000000000000000001"}, /* 20 digits */
    {num_parse_size, ""},
    {num_parse_size, "KiB"},
    {num_parse_size, "-1"},
    {num_parse_size, "-1KiB"},
    {num_parse_size, "1 KiB"},
    {num_parse_size, "1KB"},
    {num_parse_size, "1K"},
    {num_parse_size, "1.5MiB"},
    {num_parse_size, "1KiBKiB"},
    {num_parse_size, "30s"},
    {num_parse_size, "8589934592GiB"}, /* 2^63 */
    {num_parse_duration, ""},
    {num_parse_duration, "s"},
    {num_parse_duration, "-1s"},
    {num_parse_duration, "1 s"},
    {num_parse_duration, "1ms"},
    {num_parse_duration, "1h30m"},
    {num_parse_duration, "1w"},
    {num_parse_duration, "1KiB"},
    {num_parse_duration, "106751991167301d"},
};

static void refuses_everything_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t number;
        CHECK(bad[i].text, !bad[i].parse(span_of(bad[i].text), &number));
    }
}

static void a_nul_is_no_end(void **state)
{
    (void)state;
    int64_t number;
    assert_false(num_parse((struct span){"1\0", 2}, &number));
    assert_false(num_parse((struct span){"1\0002", 3}, &number));
}

static void takes_digits_from_the_start(void **state)
{
    (void)state;
    int number;
    assert_true(num_digits(SPAN("2026-01"), 4, &number));
    assert_int_equal(number, 2026);
    assert_true(num_digits(SPAN("999999999"), 9, &number));
    assert_int_equal(number, 999999999);
    assert_false(num_digits(SPAN("9999999999"), 10, &number));
    assert_false(num_digits(SPAN("20"), 4, &number));
    assert_false(num_digits(SPAN("2 26"), 4, &number));
    assert_false(num_digits(SPAN("-123"), 4, &number));
    assert_false(num_digits(SPAN("/000"), 4, &number));
    assert_false(num_digits(SPAN("000:"), 4, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(takes_digits_from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

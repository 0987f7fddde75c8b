/* Runs of bytes. */
#include "base/span.h"

#include "unit.h"

static void a_missing_string_is_empty(void **state)
{
    (void)state;
    struct span none = span_of(NULL);
    assert_int_equal(none.len, 0);
    assert_non_null(none.at);
    assert_int_equal(span_of("abc").len, 3);
}

static void equality_is_of_bytes(void **state)
{
    (void)state;
    assert_true(span_is(SPAN("abc"), SPAN("abc")));
    assert_false(span_is(SPAN("abc"), SPAN("abC")));
    assert_false(span_is(SPAN("abc"), SPAN("abcd")));
    assert_false(span_is((struct span){"a\0b", 3}, (struct span){"a\0c", 3}));
    assert_true(span_is((struct span){NULL, 0}, SPAN("")));
}

static void case_matters_only_where_asked(void **state)
{
    (void)state;
    assert_true(span_is_nocase(SPAN("Content-Type"), SPAN("content-TYPE")));
    assert_false(span_is_nocase(SPAN("abc"), SPAN("ab")));
    assert_false(span_is_nocase(SPAN("@"), SPAN("`"))); /* these differ in the bit that letters differ in */
    assert_true(span_is_nocase((struct span){NULL, 0}, SPAN("")));
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(span_starts(SPAN("unix:/run"), SPAN("unix:")));
    assert_true(span_starts(SPAN("unix:"), SPAN("")));
    assert_false(span_starts(SPAN("uni"), SPAN("unix:")));
    assert_false(span_starts((struct span){"unix:/run", 3}, SPAN("unix:"))); /* what follows is not its own */
    assert_false(span_starts(SPAN("Unix:/run"), SPAN("unix:")));
    assert_true(span_starts_nocase(SPAN("Application/JSON"), SPAN("application/")));
    assert_false(span_starts_nocase(SPAN("APPL"), SPAN("application/")));
    assert_false(span_starts_nocase(SPAN("text/plain"), SPAN("application/")));
    assert_true(span_ends_nocase(SPAN("application/HAL+JSON"), SPAN("+json")));
    assert_false(span_ends_nocase(SPAN("json"), SPAN("+json")));
    assert_false(span_ends_nocase(SPAN("+json "), SPAN("+json")));
}

static void trims_both_ends(void **state)
{
    (void)state;
    check_text("both ends", span_trim(SPAN(" \t\r\n a b \n")), "a b");
    check_text("nothing to trim", span_trim(SPAN("ab")), "ab");
    check_text("white space alone", span_trim(SPAN(" \t ")), "");
    check_text("nothing", span_trim((struct span){NULL, 0}), "");
}

static void cuts_at_the_first(void **state)
{
    (void)state;
    struct span rest = SPAN("a,,b");
    check_text("first", span_cut(&rest, ','), "a");
    check_text("rest", rest, ",b");
    check_text("empty", span_cut(&rest, ','), "");
    check_text("last", span_cut(&rest, ','), "b");
    assert_int_equal(rest.len, 0);
    check_text("after the end", span_cut(&rest, ','), "");
    rest = (struct span){NULL, 0};
    check_text("of nothing", span_cut(&rest, ','), "");
    check_text("what is left of nothing", rest, "");
}

/* Wherever the byte is that ends it, which those behind it do not change. */
static void a_run_ends_at_the_first(void **state)
{
    (void)state;
    static const bool ends[256] = {['.'] = true, [0xff] = true};
    for (size_t length = 0; length <= 13; length++) {
        char text[16];
        memset(text, 'a', sizeof text);
        assert_int_equal(span_run((struct span){text, length}, ends), length);
        for (size_t place = length; place-- > 0;) {
            text[place] = place % 2 ? '.' : '\xff';
            assert_int_equal(span_run((struct span){text, length}, ends), place);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_string_is_empty),
        cmocka_unit_test(equality_is_of_bytes),
        cmocka_unit_test(case_matters_only_where_asked),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(trims_both_ends),
        cmocka_unit_test(cuts_at_the_first),
        cmocka_unit_test(a_run_ends_at_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

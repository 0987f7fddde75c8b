/* Growing runs of bytes, on the heap and in an arena. */
#include "base/buf.h"

#include "unit.h"

/* Everything that can be added, so often that the buffer grows many times. */
static void fill(struct buf *buf)
{
    for (int i = 0; i < 500; i++) {
        buf_add(buf, SPAN("ab"));
        buf_add_char(buf, '-');
        buf_add_int(buf, i);
        buf_printf(buf, "%s%d;", "x", i);
    }
}

static void check_filled(struct buf *buf)
{
    struct span rest = buf_span(buf);
    for (int i = 0; i < 500; i++) {
        char want[40];
        snprintf(want, sizeof want, "ab-%dx%d", i, i);
        check_text("piece", span_cut(&rest, ';'), want);
    }
    assert_int_equal(rest.len, 0);
}

static void grows_on_the_heap(void **state)
{
    (void)state;
    struct buf buf = {0};
    fill(&buf);
    check_filled(&buf);
    buf_free(&buf);
    assert_int_equal(buf.len, 0);
    assert_null(buf.at);
}

static void grows_in_an_arena(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf buf = {.arena = &arena};
    struct buf other = {.arena = &arena};
    buf_add(&other, SPAN("untouched"));
    fill(&buf);
    check_filled(&buf);
    check_text("neighbour", buf_span(&other), "untouched");
    buf_free(&buf);
    assert_ptr_equal(buf.arena, &arena);
    assert_int_equal(buf.len, 0);
}

static void takes_more_than_double_at_once(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf buf CLEANUP(buf_free) = {0};
    buf_add(&buf, SPAN("start"));
    buf_add(&buf, repeat(&arena, 'x', 1000000));
    assert_int_equal(buf.len, 1000005);
    assert_memory_equal(buf.at, "startx", 6);
    assert_int_equal(buf.at[1000004], 'x');
}

static void writes_the_edges_of_64_bits(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-1, "-1"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf buf CLEANUP(buf_free) = {0};
        buf_add_int(&buf, rows[i].number);
        check_text(rows[i].text, buf_span(&buf), rows[i].text);
    }
}

static void an_empty_buffer_has_a_span_and_a_text(void **state)
{
    (void)state;
    struct buf buf CLEANUP(buf_free) = {0};
    assert_non_null(buf_span(&buf).at);
    assert_int_equal(buf_span(&buf).len, 0);
    assert_string_equal(buf_text(&buf), "");
    buf_add(&buf, (struct span){NULL, 0});
    assert_int_equal(buf.len, 0);
}

/* 256 is the room of a new buffer: there the NUL needs a byte that is not there yet. */
static void the_nul_is_not_counted(void **state)
{
    (void)state;
    struct buf buf CLEANUP(buf_free) = {0};
    for (size_t len = 1; len <= 600; len++) {
        buf_add_char(&buf, 'a');
        assert_int_equal(strlen(buf_text(&buf)), len);
        assert_int_equal(buf.len, len);
    }
}

/* Every length, so that the one at which a piece of room is just full is among them. */
static void formats_texts_of_any_length(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t len = 0; len <= 600; len++) {
        struct buf buf CLEANUP(buf_free) = {0};
        struct span text = repeat(&arena, 'x', len);
        buf_printf(&buf, "%s%s", text.at, "");
        check_text("formatted", buf_span(&buf), text.at);
        buf_printf(&buf, "%d", 7);
        assert_int_equal(buf.len, len + 1);
        assert_int_equal(buf.at[len], '7');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_on_the_heap),
        cmocka_unit_test(grows_in_an_arena),
        cmocka_unit_test(takes_more_than_double_at_once),
        cmocka_unit_test(writes_the_edges_of_64_bits),
        cmocka_unit_test(an_empty_buffer_has_a_span_and_a_text),
        cmocka_unit_test(the_nul_is_not_counted),
        cmocka_unit_test(formats_texts_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

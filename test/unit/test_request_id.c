/* What a request is called: text from anybody on the network that ends up in the log. */
#include "base/request_id.h"

#include <ctype.h>

#include "unit.h"

static const char *take(struct arena *arena, const char *given, size_t count)
{
    uint64_t state = 7;
    struct header headers[2] = {{SPAN("x-request-id"), span_of(given)}, {SPAN("X-Request-Id"), SPAN("b")}};
    struct request request = {.headers = headers, .header_count = count};
    return request_id_take(&request, arena, &state);
}

static void a_harmless_one_is_taken(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_string_equal(take(&arena, "req_1.A-z", 1), "req_1.A-z");
    assert_string_equal(take(&arena, "7", 1), "7");
    assert_string_equal(take(&arena, longest, 1), longest);
}

static void any_other_is_not(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b', '\0'};
        bool harmless = isalnum(byte) || strchr("-_.", byte) != NULL;
        assert_int_equal(strcmp(take(&arena, text, 1), text) == 0, harmless);
    }
    assert_int_equal(strlen(take(&arena, "", 1)), 16);
    assert_int_equal(
        strlen(take(&arena, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", 1)), 16);
    assert_int_equal(strlen(take(&arena, "a", 2)), 16); /* which of the two? */
    assert_int_equal(strlen(take(&arena, "", 0)), 16);
}

static void made_ones_differ(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct request request = {0};
    uint64_t ids = 7;
    const char *first = request_id_take(&request, &arena, &ids);
    const char *second = request_id_take(&request, &arena, &ids);
    assert_string_not_equal(first, second);
    assert_int_equal(strspn(second, "0123456789abcdef"), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_harmless_one_is_taken),
        cmocka_unit_test(any_other_is_not),
        cmocka_unit_test(made_ones_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

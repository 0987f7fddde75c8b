/* Secrets in variables, and the memory they are kept in. */
#include "base/variable.h"

#include "base/locked.h"
#include "unit.h"

static void a_variable_is_taken_once_and_stays_known(void **state)
{
    (void)state;
    setenv("PICKUPD_TEST_VARIABLE", "not-a-real-secret", 1);
    const char *place = getenv("PICKUPD_TEST_VARIABLE");
    check_text("first", variable_take("PICKUPD_TEST_VARIABLE"), "not-a-real-secret");
    for (size_t i = 0; i < strlen("not-a-real-secret"); i++)
        assert_int_equal(place[i], 0);
    check_text("again", variable_take("PICKUPD_TEST_VARIABLE"), "not-a-real-secret");
    check_text("none", variable_take("PICKUPD_TEST_NO_VARIABLE"), "");
    variables_forget();
    check_text("forgotten", variable_take("PICKUPD_TEST_VARIABLE"), "");
}

static void only_a_name_is_one(void **state)
{
    (void)state;
    static const char *const names[] = {"A", "_", "DENTRIX_WEBHOOK_SECRET", "A1", "_9"};
    static const char *const others[] = {"", "1A", "a", "Ab", "A-B", "A B", "A=", "\xc3\x84", "deadbeef0123"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(variable_is_name(span_of(names[i])));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(variable_is_name(span_of(others[i])));
}

/* What finds no room is refused before, and what is given back finds room again. */
static void locked_memory_ends(void **state)
{
    (void)state;
    assert_true(locked_has_room(1 << 30)); /* not started yet: plain memory */
    locked_start();
    assert_false(locked_has_room(1 << 30));
    void *pieces[4096];
    size_t count = 0;
    while (count < 4096 && locked_has_room(1024))
        pieces[count++] = locked_alloc(1024);
    assert_in_range(count, 100, 4095);
    locked_free(pieces[--count], 1024);
    assert_true(locked_has_room(1024));
    while (count > 0)
        locked_free(pieces[--count], 1024);
    locked_free(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_taken_once_and_stays_known),
        cmocka_unit_test(only_a_name_is_one),
        cmocka_unit_test(locked_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

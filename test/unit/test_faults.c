/* Lists of what is wrong. */
#include "base/faults.h"

#include "unit.h"

static void each_is_said_once_in_order(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults lists[] = {{0}, {.arena = &arena}};
    for (size_t i = 0; i < 2; i++) {
        faults_add(&lists[i], "Missing %s", "practiceId");
        faults_add(&lists[i], "Invalid %s", "priority");
        faults_add(&lists[i], "Missing %s", "practiceId");
        check_faults(i == 0 ? "heap" : "arena", &lists[i], "Missing practiceId; Invalid priority");
        faults_free(&lists[i]);
        assert_int_equal(lists[i].count, 0);
    }
    assert_ptr_equal(lists[1].arena, &arena);
}

static void a_percent_sign_in_a_name_is_a_percent_sign(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    faults_add(&faults, "%s: unknown key", "%s%n");
    check_faults("percent", &faults, "%s%n: unknown key");
}

static void a_very_long_text_is_cut(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults = {.arena = &arena};
    faults_add(&faults, "%s", repeat(&arena, 'x', 5000).at);
    assert_int_equal(faults.count, 1);
    assert_int_equal(strlen(faults.texts[0]), 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_said_once_in_order),
        cmocka_unit_test(a_percent_sign_in_a_name_is_a_percent_sign),
        cmocka_unit_test(a_very_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

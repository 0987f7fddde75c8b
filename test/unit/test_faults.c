/* Lists of what is wrong. */
#include "base/faults.h"

#include "base/json.h"
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

/* What is cut off in UTF-8 is still UTF-8: it becomes part of an answer in JSON. */
static void no_character_is_cut_in_two(void **state)
{
    (void)state;
    static const char *const letters[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < 12; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct faults faults = {.arena = &arena};
        struct buf text = {.arena = &arena};
        buf_add(&text, repeat(&arena, 'x', i / 3));
        for (size_t k = 0; k < 300; k++)
            buf_add(&text, span_of(letters[i % 3]));
        faults_add(&faults, "%s", buf_text(&text));
        CHECK(letters[i % 3], json_is_utf8(span_of(faults.texts[0])));
        CHECK(letters[i % 3], strlen(faults.texts[0]) >= 511 - 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_said_once_in_order),
        cmocka_unit_test(a_percent_sign_in_a_name_is_a_percent_sign),
        cmocka_unit_test(a_very_long_text_is_cut),
        cmocka_unit_test(no_character_is_cut_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

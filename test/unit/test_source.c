/* Finding sources: a disabled one is as if it were not there. */
#include "model/source.h"

#include "unit.h"

static char alpha[] = "alpha", beta[] = "beta", reason[] = "no secret";
static struct source all[] = {{.name = alpha}, {.name = beta, .disabled = reason}};
static const struct sources sources = {.all = all, .count = 2};

static void finds_enabled_sources_by_their_whole_name(void **state)
{
    (void)state;
    static const char *const names[] = {"", "alph", "alphas", "Alpha", "alpha/", "beta"};
    assert_ptr_equal(sources_find(&sources, SPAN("alpha")), &all[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK(names[i], sources_find(&sources, span_of(names[i])) == NULL);
}

static void counts_what_is_enabled(void **state)
{
    (void)state;
    struct sources none = {0};
    assert_int_equal(sources_enabled(&sources), 1);
    assert_int_equal(sources_enabled(&none), 0);
    assert_null(sources_find(&none, SPAN("alpha")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_enabled_sources_by_their_whole_name),
        cmocka_unit_test(counts_what_is_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

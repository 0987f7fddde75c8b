/* Histograms: every value is counted once, in the smallest bucket that holds it. */
#include "base/histogram.h"

#include "unit.h"

static void a_bound_belongs_to_its_bucket(void **state)
{
    (void)state;
    for (enum histogram_scale scale = 0; scale < HISTOGRAM_SCALES; scale++) {
        const int64_t *bounds = histogram_bounds(scale);
        for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
            struct histogram histogram = {0};
            struct histogram_values values;
            histogram_add(&histogram, scale, bounds[i]);
            histogram_add(&histogram, scale, bounds[i] + 1);
            histogram_read(&histogram, &values);
            check_int("at the bound", (int64_t)values.counts[i], 1);
            check_int("behind it", (int64_t)values.counts[i + 1], 1);
            check_int("sum", (int64_t)values.sum, 2 * bounds[i] + 1);
            assert_true(i == 0 || bounds[i] > bounds[i - 1]);
        }
    }
}

static void what_is_beyond_all_bounds_counts(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    struct histogram_values values;
    histogram_add(&histogram, HISTOGRAM_COUNT, INT64_MAX);
    histogram_add(&histogram, HISTOGRAM_COUNT, 0);
    histogram_add(&histogram, HISTOGRAM_COUNT, -7);
    histogram_read(&histogram, &values);
    check_int("last", (int64_t)values.counts[HISTOGRAM_BOUNDS], 1);
    check_int("first", (int64_t)values.counts[0], 2);
    check_int("count", (int64_t)values.count, 3);
    check_int("sum", (int64_t)values.sum, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_bucket),
        cmocka_unit_test(what_is_beyond_all_bounds_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

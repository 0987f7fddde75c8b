/* Rates: bursts, waiting, and threads that take at once. */
#include "base/rate.h"

#include "sys/thread.h" /* as ThreadSanitizer does not know C's own threads */
#include "unit.h"

#define SECOND INT64_C(1000000)

static void a_burst_goes_through_and_no_more(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 10, .burst = 3};
    struct rate_meter meter = {0};
    int64_t seconds = 0;
    for (int i = 0; i < 3; i++)
        assert_true(rate_take(&rate, &meter, 100 * SECOND, &seconds));
    assert_false(rate_take(&rate, &meter, 100 * SECOND, &seconds));
    assert_int_equal(seconds, 1);
    assert_false(rate_take(&rate, &meter, 100 * SECOND + SECOND / 10 - 1, &seconds));
    assert_true(rate_take(&rate, &meter, 100 * SECOND + SECOND / 10, &seconds));
    assert_false(rate_take(&rate, &meter, 100 * SECOND + SECOND / 10, &seconds));
}

static void what_is_refused_uses_up_nothing(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 1, .burst = 1};
    struct rate_meter meter = {0};
    int64_t seconds = 0;
    assert_true(rate_take(&rate, &meter, SECOND, &seconds));
    for (int i = 0; i < 1000; i++)
        assert_false(rate_take(&rate, &meter, SECOND, &seconds));
    assert_int_equal(seconds, 1);
    assert_true(rate_take(&rate, &meter, 2 * SECOND, &seconds));
}

static void the_wait_is_true(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 1, .burst = 1};
    struct rate_meter meter = {.due = 10 * SECOND};
    int64_t seconds = 0;
    assert_false(rate_take(&rate, &meter, 7 * SECOND, &seconds));
    assert_int_equal(seconds, 3);
    assert_false(rate_take(&rate, &meter, 7 * SECOND - 1, &seconds));
    assert_int_equal(seconds, 4);
    assert_false(rate_take(&rate, &meter, 10 * SECOND - 1, &seconds));
    assert_int_equal(seconds, 1);
    assert_true(rate_take(&rate, &meter, 10 * SECOND, &seconds));
}

/* A long silence saves up a burst, and no more than that. */
static void nothing_is_saved_up_beyond_a_burst(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 100, .burst = 2};
    struct rate_meter meter = {0};
    int64_t seconds = 0;
    assert_true(rate_take(&rate, &meter, SECOND, &seconds));
    for (int i = 0; i < 2; i++)
        assert_true(rate_take(&rate, &meter, 3600 * SECOND, &seconds));
    assert_false(rate_take(&rate, &meter, 3600 * SECOND, &seconds));
    rate_clear(&meter);
    assert_true(rate_take(&rate, &meter, 3600 * SECOND, &seconds));
}

static void no_rate_is_no_limit(void **state)
{
    (void)state;
    struct rate none = {0};
    struct rate_meter meter = {0};
    int64_t seconds = 0;
    for (int i = 0; i < 1000; i++)
        assert_true(rate_take(&none, &meter, 0, &seconds));
}

struct taker {
    struct rate_meter *meter;
    int taken;
};

static void take_many(void *arg)
{
    struct taker *taker = arg;
    struct rate rate = {.per_second = 1, .burst = 1000};
    int64_t seconds = 0;
    for (int i = 0; i < 1000; i++)
        taker->taken += rate_take(&rate, taker->meter, SECOND, &seconds);
}

static void threads_share_one_allowance(void **state)
{
    (void)state;
    struct rate_meter meter = {0};
    struct taker takers[4];
    struct thread *threads[4];
    int taken = 0;
    for (size_t i = 0; i < 4; i++) {
        takers[i] = (struct taker){.meter = &meter};
        threads[i] = thread_start("taker", take_many, &takers[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        thread_join(threads[i]);
        taken += takers[i].taken;
    }
    assert_int_equal(taken, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_goes_through_and_no_more),
        cmocka_unit_test(what_is_refused_uses_up_nothing),
        cmocka_unit_test(the_wait_is_true),
        cmocka_unit_test(nothing_is_saved_up_beyond_a_burst),
        cmocka_unit_test(no_rate_is_no_limit),
        cmocka_unit_test(threads_share_one_allowance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

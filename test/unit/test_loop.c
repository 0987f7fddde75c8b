/* The loop's timers: never before their time, which others take for granted. */
#include "sys/loop.h"

#include "base/time.h"
#include "unit.h"

#define WORK_US 30000 /* of what goes before in the same turn */
#define WAIT_MS 20    /* a whole number of the ticks of most kernels */

struct clock {
    struct loop *loop;
    struct loop_timer *timer;
    int64_t due; /* us, as whoever set the timer reckons it */
    int64_t rang;
    int rings;
    struct mail mail;
};

static void on_ring(void *arg)
{
    struct clock *clock = arg;
    clock->rang = time_monotonic();
    clock->rings++;
    loop_stop(clock->loop);
}

static void set(struct clock *clock)
{
    clock->due = time_monotonic() + WAIT_MS * 1000;
    loop_timer_set(clock->timer, WAIT_MS);
}

static void pass(int64_t us)
{
    int64_t end = time_monotonic() + us;
    while (time_monotonic() < end)
        ;
}

static void ignore(struct mail *mail)
{
    (void)mail;
}

/* A long turn: the loop's own time is that of its beginning, and the next turn comes at once. */
static void work(void *arg)
{
    struct clock *clock = arg;
    pass(WORK_US);
    set(clock);
    clock->mail = (struct mail){.deliver = ignore};
    loop_post(clock->loop, &clock->mail);
}

static void check_rings(struct clock *clock, int rings)
{
    loop_run(clock->loop);
    check_int("rings", clock->rings, rings);
    check_int("us too early", clock->rang < clock->due ? clock->due - clock->rang : 0, 0);
}

static struct clock open_clock(void)
{
    struct clock clock = {.loop = loop_new()};
    return clock;
}

static void close_clock(struct clock *clock)
{
    loop_timer_free(clock->timer);
    loop_free(clock->loop);
}

static void set_at_the_end_of_a_long_turn(void **state)
{
    (void)state;
    struct clock clock = open_clock();
    clock.timer = loop_timer_new(clock.loop, on_ring, &clock);
    loop_after(clock.loop, 0, work, &clock);
    check_rings(&clock, 1);
    close_clock(&clock);
}

/* At whatever moment between two ticks of the kernel's clock. */
static void set_at_any_moment(void **state)
{
    (void)state;
    struct clock clock = open_clock();
    clock.timer = loop_timer_new(clock.loop, on_ring, &clock);
    for (int i = 1; i <= 40; i++) {
        set(&clock);
        pass(i * 100); /* as where others have the processor */
        check_rings(&clock, i);
    }
    close_clock(&clock);
}

/* What was set last counts; what was cleared is over. */
static void set_again(void **state)
{
    (void)state;
    struct clock clock = open_clock(), other = open_clock();
    clock.timer = loop_timer_new(clock.loop, on_ring, &clock);
    other.timer = loop_timer_new(clock.loop, on_ring, &other);
    loop_timer_set(clock.timer, 3600000);
    loop_timer_set(other.timer, 1);
    loop_timer_clear(other.timer);
    set(&clock);
    check_rings(&clock, 1);
    check_int("cleared", other.rings, 0);
    set(&clock);
    clock.due = 0;
    loop_timer_set(clock.timer, 0);
    check_rings(&clock, 2);
    loop_timer_free(other.timer);
    loop_free(other.loop);
    close_clock(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_at_the_end_of_a_long_turn),
        cmocka_unit_test(set_at_any_moment),
        cmocka_unit_test(set_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

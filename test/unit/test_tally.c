/* Tallies: found by name, kept when the sources are made anew, and right however many threads count. */
#include "model/tally.h"

#include "sys/thread.h"
#include "unit.h"

#define THREADS 4
#define COUNTS  1000000

static char north[] = "north", south[] = "south", current[] = "current", next[] = "next";

static unsigned long long count_of(const struct source *source, enum outcome outcome)
{
    return atomic_load(&source->tally->outcomes[outcome]);
}

static void every_source_and_secret_gets_its_own(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct secret of_north[] = {{.name = current}, {.name = next}};
    struct secret of_south[] = {{.name = current}};
    struct source all[] = {{.name = north, .secrets = of_north, .secret_count = 2},
                           {.name = south, .secrets = of_south, .secret_count = 1}};
    struct sources sources = {.all = all, .count = 2};
    tallies_attach(&tallies, &sources);
    assert_ptr_not_equal(all[0].tally, all[1].tally);
    assert_ptr_not_equal(of_north[0].tally, of_north[1].tally);
    assert_ptr_not_equal(of_north[0].tally, of_south[0].tally);
    assert_string_equal(all[1].tally->source, "south");
    assert_string_equal(of_north[1].tally->secret, "next");
    tally_count(&all[0], OUTCOME_ACCEPTED);
    tally_count(&all[0], OUTCOME_ACCEPTED);
    tally_count(&all[0], OUTCOME_SHED);
    tally_match(&of_north[0], 1700000000123);
    tally_match(&of_north[0], 1700000000124);
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        check_int("north", (int64_t)count_of(&all[0], outcome),
                  outcome == OUTCOME_ACCEPTED ? 2 : outcome == OUTCOME_SHED);
        check_int("south", (int64_t)count_of(&all[1], outcome), 0);
    }
    check_int("current", atomic_load(&of_north[0].tally->last), 1700000000124);
    check_int("next", atomic_load(&of_north[1].tally->last), 0);
    check_int("the other current", atomic_load(&of_south[0].tally->last), 0);
    tallies_free(&tallies);
    assert_null(tallies.first);
}

/* A source that goes and comes again goes on where it was. */
static void they_survive_a_reload(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct secret before = {.name = current};
    struct source first = {.name = north, .secrets = &before, .secret_count = 1};
    tallies_attach(&tallies, &(struct sources){.all = &first, .count = 1});
    tally_count(&first, OUTCOME_REFUSED);
    tally_match(&before, 7);
    struct source other = {.name = south};
    tallies_attach(&tallies, &(struct sources){.all = &other, .count = 1});
    char same_name[] = "north", same_secret[] = "current";
    struct secret after[] = {{.name = next}, {.name = same_secret}};
    struct source again = {.name = same_name, .secrets = after, .secret_count = 2};
    tallies_attach(&tallies, &(struct sources){.all = &again, .count = 1});
    tally_count(&again, OUTCOME_REFUSED);
    assert_ptr_equal(again.tally, first.tally);
    assert_ptr_equal(after[1].tally, before.tally);
    check_int("refused", (int64_t)count_of(&again, OUTCOME_REFUSED), 2);
    check_int("current", atomic_load(&after[1].tally->last), 7);
    check_int("next", atomic_load(&after[0].tally->last), 0);
    tallies_free(&tallies);
}

/* What the store noted is there before any source is. */
static void a_match_is_found_by_its_names(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct match_tally *match = tallies_match(&tallies, SPAN("north"), SPAN("current"));
    assert_ptr_equal(tallies_match(&tallies, SPAN("north"), SPAN("current")), match);
    assert_ptr_not_equal(tallies_match(&tallies, SPAN("north"), SPAN("curren")), match);
    assert_ptr_not_equal(tallies_match(&tallies, SPAN("south"), SPAN("current")), match);
    atomic_store(&match->last, 5);
    struct secret secret = {.name = current};
    struct source source = {.name = north, .secrets = &secret, .secret_count = 1};
    tallies_attach(&tallies, &(struct sources){.all = &source, .count = 1});
    assert_ptr_equal(secret.tally, match);
    check_int("last", atomic_load(&secret.tally->last), 5);
    tallies_free(&tallies);
}

static void without_a_tally_nothing_is_counted(void **state)
{
    (void)state;
    struct source source = {.name = north};
    struct secret secret = {.name = current};
    tally_count(&source, OUTCOME_ACCEPTED);
    tally_match(&secret, 1);
    assert_null(source.tally);
    assert_null(secret.tally);
}

static atomic_int started;

/* All at once, or one thread would be done before the next begins. */
static void count_much(void *arg)
{
    const struct source *source = arg;
    atomic_fetch_add(&started, 1);
    while (atomic_load(&started) < THREADS)
        continue;
    for (int i = 0; i < COUNTS; i++) {
        tally_count(source, OUTCOME_DUPLICATE);
        tally_match(&source->secrets[0], i + 1);
    }
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct thread *threads[THREADS];
    struct secret secret = {.name = current};
    struct source source = {.name = north, .secrets = &secret, .secret_count = 1};
    tallies_attach(&tallies, &(struct sources){.all = &source, .count = 1});
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start("tally", count_much, &source);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    check_int("duplicates", (int64_t)count_of(&source, OUTCOME_DUPLICATE), (int64_t)THREADS * COUNTS);
    assert_true(atomic_load(&secret.tally->last) > 0);
    tallies_free(&tallies);
}

static void outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(outcome_label(OUTCOME_ACCEPTED), "accepted");
    assert_string_equal(outcome_label(OUTCOME_CHANGED), "changed");
    assert_string_equal(outcome_label(OUTCOME_SHED), "shed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_and_secret_gets_its_own),
        cmocka_unit_test(they_survive_a_reload),
        cmocka_unit_test(a_match_is_found_by_its_names),
        cmocka_unit_test(without_a_tally_nothing_is_counted),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(outcomes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

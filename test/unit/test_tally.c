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

static uint64_t refusals_of(const struct source *source, enum refusal refusal)
{
    return atomic_load(&source->tally->refusals[refusal]);
}

/* Each is of one outcome, or of none. */
static void a_refusal_is_an_outcome(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct source source = {.name = north};
    tallies_attach(&tallies, &(struct sources){.all = &source, .count = 1});
    for (enum refusal refusal = 0; refusal < REFUSAL_COUNT; refusal++) {
        tally_refuse(&source, refusal);
        check_int(refusal_label(refusal), (int64_t)refusals_of(&source, refusal), 1);
    }
    check_int("refused", (int64_t)count_of(&source, OUTCOME_REFUSED), 11);
    check_int("limited", (int64_t)count_of(&source, OUTCOME_LIMITED), 2);
    check_int("shed", (int64_t)count_of(&source, OUTCOME_SHED), 4);
    check_int("all", (int64_t)tally_total(source.tally), 17);
    check_int("wrong", refusal_of("wrong"), REFUSAL_WRONG);
    check_int("no handshake", refusal_of("no handshake"), REFUSAL_NO_HANDSHAKE);
    check_int("what nobody knows", refusal_of("public_url is not set"), REFUSAL_OTHER);
    tallies_free(&tallies);
}

/* Strangers and limits say nothing of the secret. */
static void signatures_refused_in_a_row(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct secret secrets[] = {{.name = current}, {.name = next}};
    struct source source = {.name = north, .secrets = secrets, .secret_count = 2};
    tallies_attach(&tallies, &(struct sources){.all = &source, .count = 1});
    check_int("never matched", tally_last_match(source.tally), 0);
    tally_match(&secrets[0], 7);
    tally_match(&secrets[1], 5);
    check_int("last match", tally_last_match(source.tally), 7);
    tally_refuse(&source, REFUSAL_WRONG);
    tally_refuse(&source, REFUSAL_NOT_ALLOWED);
    tally_refuse(&source, REFUSAL_SOURCE_LIMIT);
    tally_refuse(&source, REFUSAL_NO_HANDSHAKE);
    tally_refuse(&source, REFUSAL_BUSY);
    tally_refuse(&source, REFUSAL_OTHER);
    check_int("in a row", (int64_t)atomic_load(&source.tally->in_a_row), 2);
    tally_proven(&source);
    check_int("proven", (int64_t)atomic_load(&source.tally->in_a_row), 0);
    tally_refuse(&source, REFUSAL_MISSING);
    check_int("again", (int64_t)atomic_load(&source.tally->in_a_row), 1);
    tallies_free(&tallies);
}

static void what_came_lately(void **state)
{
    (void)state;
    struct tallies tallies = {0};
    struct source source = {.name = north}, other = {.name = south};
    tallies_attach(&tallies, &(struct sources){.all = &source, .count = 1});
    tally_count(&source, OUTCOME_ACCEPTED);
    for (int i = 0; i < TALLY_SAMPLES; i++) {
        check_int("all, as long as samples are few", (int64_t)tally_lately(&tallies, source.tally), 1 + i);
        tallies_sample(&tallies);
        tally_count(&source, OUTCOME_IGNORED);
    }
    check_int("since the first", (int64_t)tally_lately(&tallies, source.tally), TALLY_SAMPLES);
    tallies_attach(&tallies, &(struct sources){.all = &other, .count = 1});
    tally_count(&other, OUTCOME_ACCEPTED);
    check_int("one that came later", (int64_t)tally_lately(&tallies, other.tally), 1);
    tallies_sample(&tallies);
    check_int("since the second", (int64_t)tally_lately(&tallies, source.tally), TALLY_SAMPLES - 1);
    tallies_free(&tallies);
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
        cmocka_unit_test(a_refusal_is_an_outcome),
        cmocka_unit_test(signatures_refused_in_a_row),
        cmocka_unit_test(what_came_lately),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

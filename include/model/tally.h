/*
 * What is counted of a source and its secrets. Tallies outlive the sources they belong to: when the
 * configuration is read again, the new ones go on where the old ones were.
 */
#ifndef PICKUPD_MODEL_TALLY_H
#define PICKUPD_MODEL_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "model/source.h"

enum outcome {
#define OUTCOME(name, label) OUTCOME_##name,
#include "tbl/outcome.h"
    OUTCOME_COUNT,
    OUTCOME_NONE = OUTCOME_COUNT
};

enum refusal {
#define REFUSAL(name, label, outcome, word) REFUSAL_##name,
#include "tbl/refusal.h"
    REFUSAL_COUNT
};

/* The rate is told of the time since the oldest of so many samples. */
#define TALLY_SAMPLES   30
#define TALLY_SAMPLE_MS 10000

struct match_tally {
    struct match_tally *next;
    char *secret;
    atomic_llong last; /* when it last proved a webhook, ms since 1970; 0: never */
    int64_t noted;     /* what the store knows of that; for whoever notes it */
};

struct tally {
    struct tally *next;
    char *source;
    atomic_ullong outcomes[OUTCOME_COUNT];
    atomic_ullong refusals[REFUSAL_COUNT];
    atomic_ullong in_a_row;          /* signatures refused since the last webhook that was proven */
    uint64_t samples[TALLY_SAMPLES]; /* of how many there had been, for whoever samples */
    struct rate_meter meter;         /* what is used of the source's rate */
    struct match_tally *secrets;
};

/* Zero-initialised; one thread adds to it, any thread counts. */
struct tallies {
    struct tally *first;
    size_t sampled; /* times, by whoever samples */
};

/* Gives every source and secret its tally, made if there is none of that name. */
void tallies_attach(struct tallies *tallies, struct sources *sources);

/* The tally of a secret, made if there is none. */
struct match_tally *tallies_match(struct tallies *tallies, struct span source, struct span secret);

void tallies_free(struct tallies *tallies);

/* As if no source had used up anything of its rate. Any thread. */
void tallies_clear_rates(struct tallies *tallies);

/* Any thread. A source without a tally, as the commands have them, counts nothing. */
void tally_count(const struct source *source, enum outcome outcome);
void tally_refuse(const struct source *source, enum refusal refusal);

/* A webhook was proven: no signature is refused in a row any more. */
void tally_proven(const struct source *source);
void tally_match(const struct secret *secret, int64_t now);

const char *outcome_label(enum outcome outcome);
const char *refusal_label(enum refusal refusal);

/* Of the word that a verification ends with. */
enum refusal refusal_of(const char *word);

/* Of an error that is answered 503. */
enum refusal refusal_of_err(enum err err);

/* Webhooks of a source so far, whatever became of them; a batch counts its rows. */
uint64_t tally_total(const struct tally *tally);

/* When any secret of it last proved a webhook, ms since 1970; 0: never. */
int64_t tally_last_match(const struct tally *tally);

/*
 * To be called every TALLY_SAMPLE_MS by one thread; the same then knows how many webhooks have come since the
 * oldest sample, which is at most TALLY_SAMPLES times as long ago.
 */
void tallies_sample(struct tallies *tallies);
uint64_t tally_lately(const struct tallies *tallies, const struct tally *tally);

#endif

/*
 * What is counted of a source and its secrets. Tallies outlive the sources they belong to: when the
 * configuration is read again, the new ones go on where the old ones were.
 */
#ifndef PICKUPD_MODEL_TALLY_H
#define PICKUPD_MODEL_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "model/source.h"

enum outcome {
#define OUTCOME(name, label) OUTCOME_##name,
#include "tbl/outcome.h"
    OUTCOME_COUNT
};

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
    struct rate_meter meter; /* what is used of the source's rate */
    struct match_tally *secrets;
};

/* Zero-initialised; one thread adds to it, any thread counts. */
struct tallies {
    struct tally *first;
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
void tally_match(const struct secret *secret, int64_t now);

const char *outcome_label(enum outcome outcome);

#endif

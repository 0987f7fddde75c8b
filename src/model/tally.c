/* Counting. */
#include "model/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct tally *tally_of(struct tallies *tallies, struct span source)
{
    for (struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        if (span_is(span_of(tally->source), source))
            return tally;
    struct tally *tally = mem_alloc(sizeof *tally);
    tally->source = mem_copy(source);
    tally->next = tallies->first;
    tallies->first = tally;
    return tally;
}

static struct match_tally *match_of(struct tally *tally, struct span secret)
{
    for (struct match_tally *match = tally->secrets; match != NULL; match = match->next)
        if (span_is(span_of(match->secret), secret))
            return match;
    struct match_tally *match = mem_alloc(sizeof *match);
    match->secret = mem_copy(secret);
    match->next = tally->secrets;
    tally->secrets = match;
    return match;
}

struct match_tally *tallies_match(struct tallies *tallies, struct span source, struct span secret)
{
    return match_of(tally_of(tallies, source), secret);
}

void tallies_attach(struct tallies *tallies, struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->all[i];
        source->tally = tally_of(tallies, span_of(source->name));
        for (size_t k = 0; k < source->secret_count; k++)
            source->secrets[k].tally = match_of(source->tally, span_of(source->secrets[k].name));
    }
}

void tallies_free(struct tallies *tallies)
{
    while (tallies->first != NULL) {
        struct tally *tally = tallies->first;
        tallies->first = tally->next;
        while (tally->secrets != NULL) {
            struct match_tally *match = tally->secrets;
            tally->secrets = match->next;
            free(match->secret);
            free(match);
        }
        free(tally->source);
        free(tally);
    }
}

void tallies_clear_rates(struct tallies *tallies)
{
    for (struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        rate_clear(&tally->meter);
}

void tally_count(const struct source *source, enum outcome outcome)
{
    if (source->tally != NULL)
        atomic_fetch_add_explicit(&source->tally->outcomes[outcome], 1, memory_order_relaxed);
}

/* Who is not let in, or asks for what is not there, says nothing of the secret. */
static bool is_of_signature(enum refusal refusal)
{
    return refusal >= REFUSAL_MISSING && refusal <= REFUSAL_OTHER;
}

void tally_refuse(const struct source *source, enum refusal refusal)
{
    static const enum outcome outcomes[] = {
#define REFUSAL(name, label, outcome, word) [REFUSAL_##name] = OUTCOME_##outcome,
#include "tbl/refusal.h"
    };
    if (source->tally == NULL)
        return;
    atomic_fetch_add_explicit(&source->tally->refusals[refusal], 1, memory_order_relaxed);
    if (is_of_signature(refusal))
        atomic_fetch_add_explicit(&source->tally->in_a_row, 1, memory_order_relaxed);
    if (outcomes[refusal] != OUTCOME_NONE)
        tally_count(source, outcomes[refusal]);
}

void tally_proven(const struct source *source)
{
    if (source->tally != NULL && atomic_load_explicit(&source->tally->in_a_row, memory_order_relaxed) > 0)
        atomic_store_explicit(&source->tally->in_a_row, 0, memory_order_relaxed);
}

void tally_match(const struct secret *secret, int64_t now)
{
    if (secret->tally != NULL)
        atomic_store_explicit(&secret->tally->last, now, memory_order_relaxed);
}

const char *outcome_label(enum outcome outcome)
{
    static const char *const labels[] = {
#define OUTCOME(name, label) [OUTCOME_##name] = label,
#include "tbl/outcome.h"
    };
    return labels[outcome];
}

const char *refusal_label(enum refusal refusal)
{
    static const char *const labels[] = {
#define REFUSAL(name, label, outcome, word) [REFUSAL_##name] = label,
#include "tbl/refusal.h"
    };
    return labels[refusal];
}

enum refusal refusal_of(const char *word)
{
    static const char *const words[] = {
#define REFUSAL(name, label, outcome, word) [REFUSAL_##name] = word,
#include "tbl/refusal.h"
    };
    for (int i = 0; i < REFUSAL_COUNT; i++)
        if (words[i] != NULL && strcmp(words[i], word) == 0)
            return (enum refusal)i;
    return REFUSAL_OTHER;
}

enum refusal refusal_of_err(enum err err)
{
    return err == ERR_BUSY              ? REFUSAL_BUSY
           : err == ERR_FULL            ? REFUSAL_DISK_FULL
           : err == ERR_QUARANTINE_FULL ? REFUSAL_QUARANTINE_FULL
                                        : REFUSAL_DISK_FAILED;
}

uint64_t tally_total(const struct tally *tally)
{
    uint64_t total = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        total += atomic_load_explicit(&tally->outcomes[i], memory_order_relaxed);
    return total;
}

int64_t tally_last_match(const struct tally *tally)
{
    int64_t last = 0;
    for (const struct match_tally *match = tally->secrets; match != NULL; match = match->next) {
        int64_t time = atomic_load_explicit(&match->last, memory_order_relaxed);
        last = time > last ? time : last;
    }
    return last;
}

void tallies_sample(struct tallies *tallies)
{
    for (struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        tally->samples[tallies->sampled % TALLY_SAMPLES] = tally_total(tally);
    tallies->sampled++;
}

/* A tally that is younger than the samples has 0 where it was not there. */
uint64_t tally_lately(const struct tallies *tallies, const struct tally *tally)
{
    size_t oldest = tallies->sampled < TALLY_SAMPLES ? 0 : tallies->sampled % TALLY_SAMPLES;
    uint64_t before = tallies->sampled < TALLY_SAMPLES ? 0 : tally->samples[oldest];
    return tally_total(tally) - before;
}

/* Counting. */
#include "model/tally.h"

#include <stdlib.h>

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

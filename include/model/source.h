/*
 * A source: one configured sender. Built once at start, read by every thread, never changed while serving.
 */
#ifndef PICKUPD_MODEL_SOURCE_H
#define PICKUPD_MODEL_SOURCE_H

#include <stdint.h>

#include "base/network.h"
#include "base/rate.h"
#include "base/zone.h"
#include "model/token.h"

struct definition;
struct scheme_key;
struct tally;
struct match_tally;

struct secret {
    char *name;
    struct scheme_key *key;    /* see model/scheme.h */
    int64_t not_before;        /* ms since 1970; live from here */
    int64_t not_after;         /* ms since 1970; not live from here */
    struct match_tally *tally; /* see model/tally.h; NULL: nothing is counted */
};

struct source {
    char *name; /* the last part of its path, and its events' origin */
    char *org;
    char *lab;
    char *id_prefix;
    char *clinic_prefix;
    char *public_url;        /* as the sender knows it, for schemes that sign the URL; "" if not set */
    int64_t tolerance;       /* ms a signed time may be off; 0: what the definition says */
    const struct zone *zone; /* NULL: a time without a zone is a fault */
    const struct definition *definition;
    struct secret *secrets;
    size_t secret_count;
    struct tally *tally;
    struct rate rate;           /* of authentic webhooks; what is used of it is in the tally */
    struct networks allow_from; /* who may send; empty: anybody */
    char *disabled;             /* why it does not exist for the outside, or NULL */
    bool is_off;                /* somebody said so; else it is disabled for what it lacks */
};

/* And who may use the private API: both are swapped together when the configuration is loaded anew. */
struct sources {
    struct source *all;
    size_t count;
    struct tokens tokens;
};

/* The enabled source of that name, or NULL. */
const struct source *sources_find(const struct sources *sources, struct span name);

/* How many are enabled. */
size_t sources_enabled(const struct sources *sources);

bool secret_live(const struct secret *secret, int64_t now);

#endif

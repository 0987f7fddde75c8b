/*
 * A source: one configured sender. Built once at start, read by every thread, never changed while serving.
 */
#ifndef PICKUPD_MODEL_SOURCE_H
#define PICKUPD_MODEL_SOURCE_H

#include <stdint.h>

#include "base/hmac.h"
#include "base/zone.h"

struct definition;

struct secret {
    char *name;
    struct hmac_key *key;
    int64_t not_before; /* ms since 1970; live from here */
    int64_t not_after;  /* ms since 1970; not live from here */
};

struct source {
    char *name; /* the last part of its path, and its events' origin */
    char *org;
    char *lab;
    char *id_prefix;
    char *clinic_prefix;
    const struct zone *zone; /* NULL: a time without a zone is a fault */
    const struct definition *definition;
    struct secret *secrets;
    size_t secret_count;
    char *disabled; /* why it does not exist for the outside, or NULL */
};

struct sources {
    struct source *all;
    size_t count;
};

/* The enabled source of that name, or NULL. */
const struct source *sources_find(const struct sources *sources, struct span name);

/* How many are enabled. */
size_t sources_enabled(const struct sources *sources);

bool secret_live(const struct secret *secret, int64_t now);

#endif

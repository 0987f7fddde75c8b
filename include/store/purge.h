/*
 * The purge: what is older than it is to be kept goes, but no event that a consumer still wants. Whoever has
 * been silent for too long is not waited for, and what it missed is counted. For calls (see store/store.h),
 * in small steps.
 */
#ifndef PICKUPD_STORE_PURGE_H
#define PICKUPD_STORE_PURGE_H

#include "store/consumers.h"

/* What is counted of a run. */
enum purge_kind {
    PURGE_EVENTS, /* whose detail has gone; the row stays as the id's memory */
    PURGE_DEAD_LETTERS,
    PURGE_MISSED, /* events, once for each silent consumer that wanted them */
    PURGE_QUARANTINE,
    PURGE_NOTICES,
    PURGE_PICKUPS,
    PURGE_SCHEDULES,
    PURGE_DELIVERIES,
    PURGE_CASES,
    PURGE_PROOFS,
    PURGE_KINDS
};

extern const char *const purge_names[PURGE_KINDS];

/* One time through everything. Zero-initialise, and set the first three. */
struct purge_run {
    int64_t now;    /* ms since 1970 */
    int64_t kept;   /* ms that things are kept */
    bool flows_off; /* nobody reads for the flows: they are as good as silent */
    int stage;      /* where it is */
    int64_t at;     /* the seq it has come to in the present stage */
    int64_t counts[PURGE_KINDS];
};

/* Goes on a little; *more is false once it has come to the end. */
MUST enum err purge_some(struct store *store, struct purge_run *run, bool *more);

#endif

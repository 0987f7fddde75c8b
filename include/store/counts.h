/* What the store counts: the writer's thread adds, any thread reads. Lives as long as the store. */
#ifndef PICKUPD_STORE_COUNTS_H
#define PICKUPD_STORE_COUNTS_H

#include "base/buf.h"
#include "base/histogram.h"

/*
 * Types that are counted by their names: this program's own, then as they come. Whoever publishes may name
 * any number of them, so all further ones are counted together.
 */
#define COUNTS_TYPES 32
#define COUNTS_OTHER "other"

/* Only ever grows until it is freed: one thread adds to it, any thread may walk along it. */
struct use;
typedef struct use *_Atomic use_list;

struct store_counts {
    struct histogram commit_time; /* of transactions that were kept, with their syncs; HISTOGRAM_TIME */
    struct histogram commit_jobs; /* HISTOGRAM_COUNT */
    struct histogram checkpoint_time;
    atomic_ullong failures; /* transactions that the disk did not take */
    char *types[COUNTS_TYPES];
    atomic_size_t type_count;
    atomic_ullong events[COUNTS_TYPES + 1]; /* new ones on disk, by type; last: of all others */
    struct buf pending;                     /* the types of the transaction at hand, a byte each */
    const use_list *uses;                   /* of quarantine */
};

void counts_begin(struct store_counts *counts, const use_list *uses);
void counts_free(struct store_counts *counts);

/* The nth event, from 1, was added to the transaction at hand; it replaces an nth that was undone. */
void counts_add_event(struct store_counts *counts, int64_t nth, struct span type);

/* The transaction was kept with so many events and jobs, and took so many us. */
void counts_keep(struct store_counts *counts, int64_t events, int64_t jobs, int64_t us);

/* It was not. */
void counts_fail(struct store_counts *counts);

/* Any thread: what quarantine holds of each source of which it ever held anything. */
typedef void counts_use_fn(void *arg, struct span origin, int64_t rows, int64_t bytes);
void counts_each_use(const struct store_counts *counts, counts_use_fn *fn, void *arg);

#endif

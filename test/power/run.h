/* A store at work: all that webhooks and retries make it write, with the books kept. */
#ifndef PICKUPD_TEST_RUN_H
#define PICKUPD_TEST_RUN_H

#include "../unit/shelf.h"
#include "disk.h"
#include "ledger.h"

#define RUN_BATCH 8 /* jobs of a batch at most, parts included */

/* Zero-initialised but for the first four; released with run_free. */
struct run {
    struct shelf *shelf;
    const char *path;
    size_t filler;     /* bytes of a long body */
    int64_t log_pages; /* until a checkpoint */
    struct disk disk;
    struct ledger ledger;
    struct store *store;
    struct db *reader;
    struct store_job jobs[RUN_BATCH];
    size_t job_count;
};

/* Opens the store and a reader; false if it does not open, with the reason in *why. */
bool run_open(struct run *run, struct buf *why);
void run_close(struct run *run);

/* Gives the store the batch of a number, whose ids no other has; numbers that differ by less than 8 may
 * refer to one another. Returns whether it was acknowledged. */
bool run_batch(struct run *run, size_t number);

/* Opens, gives that many batches, and closes; once more in the middle, too. Every one must succeed. */
void run_whole(struct run *run, size_t batches);

/* Takes the files away. */
void run_free(struct run *run);

#endif

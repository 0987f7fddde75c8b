/*
 * The reader: the one thread for queries that may take long, on a connection of its own. One after the other.
 */
#ifndef PICKUPD_STORE_READER_H
#define PICKUPD_STORE_READER_H

#include "store/view.h"
#include "sys/loop.h"

struct reader_job {
    struct mail mail;                                       /* first: a job travels */
    void (*run)(struct view *view, struct reader_job *job); /* in the reader's thread */
    void (*done)(struct reader_job *job);                   /* in the loop's, afterwards */
    struct loop *loop;
    bool skipped; /* out: the reader was stopped before it was run */
};

struct reader;

/* Takes the view over; at most `limit` jobs wait. */
struct reader *reader_start(struct view *view, size_t limit);

/* Ends the thread once the job at hand is done: what waits comes back, skipped, and what is put from now on
 * is refused. */
void reader_stop(struct reader *reader);

/* Of one that was stopped. */
void reader_free(struct reader *reader);

/* Any thread: jobs that wait. */
size_t reader_depth(const struct reader *reader);

/*
 * Any thread. ERR_BUSY if too many wait, or it is stopping: the job stays the caller's. Otherwise it is the
 * reader's until its `done` is called.
 */
MUST enum err reader_put(struct reader *reader, struct reader_job *job);

#endif

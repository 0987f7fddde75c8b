/*
 * The writer: the one thread that writes the store. While one commit is being synced the next jobs pile up,
 * and go together: one sync for each batch, no timer.
 */
#ifndef PICKUPD_STORE_WRITER_H
#define PICKUPD_STORE_WRITER_H

#include "store/store.h"

struct writer_limits {
    size_t rows;  /* jobs that wait */
    size_t bytes; /* of all jobs that are not done, unless it is a single one */
    int64_t wait; /* us that the oldest job may have waited while webhooks are still taken */
};

struct writer;

/* Takes the store over. Once the disk has failed to sync, so that nothing more can be written, `failed` (or
 * NULL) is posted to the loop, which must outlive the writer. */
struct writer *writer_start(struct store *store, const struct writer_limits *limits, struct loop *loop,
                            struct mail *failed);

/*
 * From now on calls back, in the writer's loop, after commits that have added events: the newest is `seq`.
 * Several commits may be told as one. Once only, in that loop's thread.
 */
typedef void writer_news_fn(void *arg, int64_t seq);
void writer_tell(struct writer *writer, writer_news_fn *fn, void *arg);

/* Writes all that was put, then ends the thread; what is put from now on is refused. */
void writer_stop(struct writer *writer);

/* Closes the store and releases a writer that was stopped, once nobody can put any more. */
void writer_free(struct writer *writer);

/*
 * Any thread. ERR_BUSY if the queue is full or the writer is stopping: the job stays the caller's. Otherwise
 * it is the writer's until its `done` is called.
 */
MUST enum err writer_put(struct writer *writer, struct store_job *job);

/* Any thread: puts a STORE_FENCE, also when the queue is full. It does not come back once the writer is
 * stopping. */
void writer_fence(struct writer *writer, struct store_job *fence);

/* Any thread: whether one more job of that many bytes would be taken just now. */
bool writer_has_room(struct writer *writer, size_t bytes);

/* What waits for the disk. */
struct writer_load {
    int64_t depth; /* jobs that wait */
    int64_t bytes; /* of all that are not done */
    int64_t wait;  /* us for which the oldest has waited */
};

/* Any thread. */
void writer_look(const struct writer *writer, struct writer_load *load);

/* For what any thread may ask of it; it stays the writer's. */
const struct store *writer_store(const struct writer *writer);

/* Any thread: whether a webhook of that many bytes should be. ERR_BUSY: too much waits, or for too long; and
 * as store_state. */
MUST enum err writer_admits(struct writer *writer, size_t bytes);

/*
 * Any thread: when the writer's thread last came by, in us of time_monotonic; while it waits for jobs, when
 * that wait is over at the latest; INT64_MAX while the store has it, which may take as long as the disk does.
 */
int64_t writer_ran(struct writer *writer);

#endif

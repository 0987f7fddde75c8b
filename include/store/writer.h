/*
 * The writer: the one thread that writes the store. While one commit is being synced the next jobs pile up,
 * and go together: one sync for each batch, no timer.
 */
#ifndef PICKUPD_STORE_WRITER_H
#define PICKUPD_STORE_WRITER_H

#include "store/store.h"

struct writer;

/* Takes the store over. At most `rows` jobs wait, and at most `bytes` of them all, or a single one, are not
 * done. */
struct writer *writer_start(struct store *store, size_t rows, size_t bytes);

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

#endif

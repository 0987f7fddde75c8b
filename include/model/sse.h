/*
 * The event log as Server-Sent Events. An event's id is its seq, its data the envelope; it bears no name, so
 * that a browser gives it to `onmessage`. What is no longer there is told by one event named `gap`, with the
 * data {"after","next"}: what stood behind seq `after` and before seq `next` can't be given any more.
 */
#ifndef PICKUPD_MODEL_SSE_H
#define PICKUPD_MODEL_SSE_H

#include "base/buf.h"
#include "model/event.h"

#define SSE_TYPE "text/event-stream"
#define SSE_NOW  INT64_MIN /* a position: whatever the newest event's is */

/* Zero-initialised; `out` is set anew for each part of the stream. */
struct sse {
    struct buf *out;
    int64_t after, next; /* the gap that is not told yet; next 0: there is none */
};

/*
 * Where to go on for a reader that knows all up to `position`, where events from `first` to `last` are kept
 * (0: none): what lies between is a gap, and so is a position behind `last`, which this log never had.
 */
int64_t sse_resume(struct sse *sse, int64_t position, int64_t first, int64_t last);

/* The next event; a purged one makes a gap, or makes it larger. */
void sse_event(struct sse *sse, int64_t seq, const struct event *event);

/* Tells the gap if there is one: to be called where no event follows for now. */
void sse_pause(struct sse *sse);

/* Moves the reader's position on without an event, and shows that somebody is there. */
void sse_beat(struct buf *out, int64_t position);

#endif

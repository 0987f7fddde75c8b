/*
 * Live views of the log: answers that do not end, to which the reader adds what was committed. Each reads at
 * its own pace, from the log: one that lags costs nobody anything, and one that does not take what it was
 * sent is dropped. Belongs to the private face's loop.
 */
#ifndef PICKUPD_WEB_STREAMS_H
#define PICKUPD_WEB_STREAMS_H

#include "flow/news.h"
#include "store/consumers.h"
#include "store/reader.h"
#include "sys/http.h"

#define STREAMS_MAX        64      /* at once */
#define STREAM_UNSENT_MAX  1048576 /* bytes of one that it has not taken; then nothing is read for it */
#define STREAM_PAGE_BYTES  262144  /* of details that are read for it at once, unless it is a single one */
#define STREAM_PAGE_EVENTS 500
#define STREAM_BEAT_MS     15000 /* of silence, then a comment */

struct streams;

/* All must outlive it. A stream that has not taken what it was sent within `patience` seconds is dropped. */
struct streams *streams_new(struct news *news, struct reader *reader, struct loop *loop, int64_t patience);

/* Ends all of them: who may still read comes back, and misses nothing. */
void streams_end(struct streams *streams);

/* Ends all of them, and begins no more. */
void streams_stop(struct streams *streams);

/* Once the loop was drained; NULL is fine. */
void streams_free(struct streams *streams);

/* What a stream has given: how many events, and from which seq to which. Called in the loop's thread when it
 * has ended, before its call is gone. With an error it ended before its head was sent, and the call is still
 * to be answered. */
struct stream_given {
    int64_t count, first, last;
};
typedef void stream_ended_fn(void *arg, const struct stream_given *given, enum err err);

/*
 * Answers a call with a stream that begins behind `position` (see model/sse.h). The filter lives in the
 * call's arena. ERR_BUSY if there are too many: the call is still to be answered.
 */
MUST enum err streams_add(struct streams *streams, struct http_call *call,
                          const struct consumer_filter *filter, int64_t position, stream_ended_fn *ended,
                          void *arg);

#endif

/*
 * Who watches over the running server: takes the snapshots that /metrics and `pickupd status` ask for. What
 * is read from the store is read in the reader's thread, what is in memory when that is done, in the control
 * loop's.
 */
#ifndef PICKUPD_FLOW_WATCH_H
#define PICKUPD_FLOW_WATCH_H

#include "flow/snapshot.h"
#include "store/reader.h"
#include "sys/tls.h"

/* One of the faces. */
struct watch_face {
    const char *name;
    const struct tls *tls; /* NULL: in clear */
    const struct http_counts *counts;
};

/* All must outlive it. */
struct watch_parts {
    struct tallies *tallies;
    struct writer *writer;
    struct reader *reader;
    struct loop *loop; /* control */
    const char *database;
    int64_t disk_reserve; /* bytes */
    bool flows;           /* they are on */
    struct watch_face faces[SNAPSHOT_FACES];
};

struct watch;

struct watch *watch_start(const struct watch_parts *parts);

/* Once the loop was drained; NULL is fine. */
void watch_free(struct watch *watch);

/* Any thread: a webhook was answered, after so many us. */
void watch_answered(struct watch *watch, int status, int64_t us);

/* Any thread: a request asked for a source that is not there. */
void watch_unknown(struct watch *watch);

/* The control loop's thread: a request to the private face was answered 503. */
void watch_shed(struct watch *watch, enum err err);

/*
 * Takes a snapshot, calls back once in the control loop's thread, which is where this is called, and forgets
 * it. Without the store (`looked` is false) if too many wait for the reader, or the server is stopping.
 * `sources` is what is served, and may change until then.
 */
typedef void watch_fn(void *arg, const struct snapshot *snapshot);
void watch_look(struct watch *watch, const struct sources *const *sources, watch_fn *fn, void *arg);

#endif

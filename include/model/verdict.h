/*
 * What a request means for a source: whether it is authentic, and what becomes of it. No I/O, no clock: the
 * same request gives the same verdict, wherever it is asked for.
 */
#ifndef PICKUPD_MODEL_VERDICT_H
#define PICKUPD_MODEL_VERDICT_H

#include "base/faults.h"
#include "base/request.h"
#include "model/definition.h"
#include "model/event.h"
#include "model/mapping.h"

enum verdict_kind {
    VERDICT_REFUSED, /* not authentic */
    VERDICT_ANSWER,  /* a handshake: nothing to keep, `answer` to give */
    VERDICT_IGNORED, /* nothing of it is wanted */
    VERDICT_KEEP,    /* `pieces` to keep */
};

/* One row: an event, or if there are faults something for quarantine under the id that the event will have.
 */
struct piece {
    struct event event;
    struct mapped mapped;
    struct faults faults;
    struct span body; /* what to keep in quarantine: of a batch, as if it had held this row alone */
};

/* All of it lives in the arena that was given, or with the request. */
struct verdict {
    enum verdict_kind kind;
    struct proof proof;
    struct reply answer;
    bool is_batch;
    struct piece *pieces;
    size_t count;
    size_t ignored;   /* rows that are not among the pieces */
    struct span head; /* the request's head, to be kept beside a body in quarantine */
    struct event_id
        whole; /* the id of all the bytes: what a batch had in quarantine if it could not be read */
};

void verdict_reach(const struct source *source, const struct request *request, struct arena *arena,
                   struct verdict *verdict);

/*
 * The same for a body that was proven authentic before, with the head that was kept beside it (or "") and the
 * id under which it was kept, which counts wherever no key makes another; NULL: it is made from the body.
 */
void verdict_again(const struct source *source, const struct event_id *id, struct span body, struct span head,
                   int64_t received, struct arena *arena, struct verdict *verdict);

#endif

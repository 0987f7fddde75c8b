/*
 * For people: one captured request, walked through every step, with where it stops and what would make it
 * pass. Secrets and expected digests are never in it; values of the payload only with `show_values`.
 */
#ifndef PICKUPD_MODEL_EXPLAIN_H
#define PICKUPD_MODEL_EXPLAIN_H

#include "base/buf.h"
#include "base/request.h"
#include "model/source.h"

/* A secret as it is configured, to be tried in other forms; whoever fetched it wipes it. */
struct explain_secret {
    const char *name;
    struct span text;
};

/* All of it is borrowed. */
struct explain_case {
    const struct sources *sources; /* searched for whose secret it might be */
    const struct source *source;
    const struct request *request;
    const struct explain_secret *secrets; /* the source's own */
    size_t secret_count;
    bool show_values;
};

/* Whether the server would answer the request with a status of 200 to 299. */
bool explain_request(const struct explain_case *asked, struct buf *out);

/*
 * The same for a body that was proven authentic before, with the head that was kept beside it (or "");
 * whether it is without a fault now.
 */
bool explain_kept(const struct source *source, struct span body, struct span head, int64_t received,
                  bool show_values, struct buf *out);

#endif

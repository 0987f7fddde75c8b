/*
 * For people: one captured request, walked through every step, with where it stops and what would make it
 * pass. Secrets and expected digests are never in it; values of the payload only with `show_values`.
 */
#ifndef PICKUPD_MODEL_EXPLAIN_H
#define PICKUPD_MODEL_EXPLAIN_H

#include "base/buf.h"
#include "base/request.h"
#include "model/source.h"

/* `sources` are searched for whose secret it might be. Whether the request would be answered 200. */
bool explain_request(const struct sources *sources, const struct source *source,
                     const struct request *request, bool show_values, struct buf *out);

/* The same for a body that was proven authentic before, with the head that was kept beside it (or ""). */
bool explain_kept(const struct source *source, struct span body, struct span head, int64_t received,
                  bool show_values, struct buf *out);

#endif

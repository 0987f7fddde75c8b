/* How a vendor signs: checking a request against a source's secrets, and making the headers of one. */
#ifndef PICKUPD_MODEL_SCHEME_H
#define PICKUPD_MODEL_SCHEME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/request.h"
#include "model/source.h"

struct scheme {
    struct span header; /* where the signature stands */
};

/*
 * ERR_OK if one of the live secrets signed these bytes; else ERR_BAD_SIGNATURE, and *reason is a static word
 * for the log, never for the sender. Every live secret is tried, whichever matches.
 */
MUST enum err scheme_verify(const struct scheme *scheme, const struct source *source,
                            const struct request *request, const char **reason);

/* Adds the headers to send with `body`, one "Name: value" a line; ERR_NOT_FOUND without a live secret. */
MUST enum err scheme_sign(const struct scheme *scheme, const struct source *source, struct span body,
                          int64_t now, struct buf *headers);

#endif

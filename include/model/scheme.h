/* How a vendor signs: checking a request against a source's secrets, and making the headers of one. */
#ifndef PICKUPD_MODEL_SCHEME_H
#define PICKUPD_MODEL_SCHEME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/request.h"
#include "model/source.h"

#define SCHEME_SIGNATURES_MAX 16 /* that one request may carry */

struct scheme;

/*
 * A secret as the scheme uses it: a key for HMAC, the digest of a static one, or the sender's public key.
 * NULL if the text is no such secret; *why is then static and says nothing of it. Owned by the caller.
 */
struct scheme_key *scheme_key_new(const struct scheme *scheme, struct span secret, const char **why);
void scheme_key_free(struct scheme_key *key);

/* The name of what the signature stands in, for people: a header, a query's name, or a path in the body. */
struct span scheme_place(const struct scheme *scheme);

/* Whether a signature is worked out from the request; if not, the secret itself is sent along. */
bool scheme_signs(const struct scheme *scheme);

/*
 * ERR_OK if one of the live secrets signed these bytes; else ERR_BAD_SIGNATURE, and *reason is a static word
 * for the log, never for the sender. Every live secret is tried with every signature, whichever matches. What
 * is worked out on the way lives in the arena.
 */
MUST enum err scheme_verify(const struct scheme *scheme, const struct source *source,
                            const struct request *request, struct arena *arena, const char **reason);

/*
 * Adds the headers to send with a request, one "Name: value" a line. False with a static reason if it can't:
 * no live secret, a key that is not ours, a signature that stands in no header.
 */
bool scheme_sign(const struct scheme *scheme, const struct source *source, const struct request *request,
                 struct buf *headers, const char **why);

#endif

/* How a vendor signs: checking a request against a source's secrets, and making the headers of one. */
#ifndef PICKUPD_MODEL_SCHEME_H
#define PICKUPD_MODEL_SCHEME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/request.h"
#include "model/source.h"

#define SCHEME_SIGNATURES_MAX 16 /* that one request may carry */

struct scheme;

/* Without what the scheme strips from its front. */
struct span scheme_bare_secret(const struct scheme *scheme, struct span secret);

/*
 * A secret as the scheme uses it: a key for HMAC, the digest of a static one, or the sender's public key.
 * NULL if the text is no such secret; *why is then static and says nothing of it. Owned by the caller.
 */
struct scheme_key *scheme_key_new(const struct scheme *scheme, struct span secret, const char **why);
void scheme_key_free(struct scheme_key *key);

/* Whether a signature covers anything: static and basic schemes hold a secret instead. */
bool scheme_signs(const struct scheme *scheme);

/* The name of what the signature stands in, for people: a header, a query's name, or a path in the body. */
struct span scheme_place(const struct scheme *scheme);

/* Whether a header or a parameter of this name may hold a signature, or the secret itself. */
bool scheme_looks_in(const struct scheme *scheme, struct span name);

/* How a verification ended. */
struct proof {
    const char *reason; /* a static word for the log, never for the sender */
    struct span where;  /* the header, query's name or path that the reason is about, or "" */
    int64_t age;        /* of the signed time when the request was received, ms; 0 if there is none */
    uint64_t matched;   /* bit n: the source's secret n; of the first 64 */
    const struct secret *secret; /* the first that matched, or NULL */
    /*
     * What was signed, but for its time and id, where the same text may stand for several requests: a form's
     * fields have no order in it, and {url} no end. In the arena; else its `at` is NULL.
     */
    struct span text;
};

/*
 * ERR_OK if one of the live secrets signed these bytes; else ERR_BAD_SIGNATURE. Every live secret is tried
 * with every signature, whichever matches. What is worked out on the way lives in the arena.
 */
MUST enum err scheme_verify(const struct scheme *scheme, const struct source *source,
                            const struct request *request, struct arena *arena, struct proof *proof);

/* Adds the HMAC of a text with a key, in lower-case hex; false if the scheme has no HMAC. */
bool scheme_hmac(const struct scheme *scheme, const struct scheme_key *key, struct span text,
                 struct buf *out);

/*
 * Adds the headers to send with a request, one "Name: value" a line. False with a static reason if it can't:
 * no live secret, a key that is not ours, a signature that stands in no header.
 */
bool scheme_sign(const struct scheme *scheme, const struct source *source, const struct request *request,
                 struct buf *headers, const char **why);

#endif

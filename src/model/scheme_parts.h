/* The compiled form of a scheme: what the loader writes and verification reads. */
#ifndef PICKUPD_MODEL_SCHEME_PARTS_H
#define PICKUPD_MODEL_SCHEME_PARTS_H

#include "base/hash.h"
#include "base/hmac.h"
#include "base/json.h"
#include "base/pubkey.h"
#include "model/scheme.h"

enum scheme_kind { SCHEME_HMAC, SCHEME_STATIC, SCHEME_BASIC, SCHEME_ED25519, SCHEME_ECDSA };

enum encoding { ENCODING_TEXT, ENCODING_HEX, ENCODING_BASE64, ENCODING_BASE64URL };

enum time_format { TIME_UNIX, TIME_UNIX_MS, TIME_ISO8601 };

enum place_kind { PLACE_NONE, PLACE_HEADER, PLACE_HEADER_PATTERN, PLACE_QUERY, PLACE_JSON, PLACE_KEY };

/* Where a value stands in a request. */
struct place {
    enum place_kind in;
    struct span name; /* a header, a query's name, a path, or a key beside the signature */
};

enum signed_kind {
    SIGNED_LITERAL,
    SIGNED_BODY,
    SIGNED_BODY_BASE64,
    SIGNED_TIMESTAMP,
    SIGNED_ID,
    SIGNED_URL,
    SIGNED_METHOD,
    SIGNED_PATH,
    SIGNED_FORM_SORTED,
    SIGNED_HEADER,
    SIGNED_JSON,
};

struct signed_part {
    enum signed_kind kind;
    struct span text; /* the literal, the header's name, the path */
};

struct scheme {
    enum scheme_kind kind;
    bool form; /* the body is one */
    enum hmac_hash hash;
    struct span strip; /* stands before the secret, and is no part of it */
    enum encoding secret_encoding;
    struct place signature;
    struct span prefix;
    enum encoding encoding;
    char list;         /* between signatures; 0: there is one */
    char pair;         /* between a key and its signature; 0: there are no keys */
    struct span *keys; /* those that count; others are passed over */
    size_t key_count;
    struct place timestamp;
    enum time_format format;
    int64_t past, future; /* how far off it may be, ms */
    struct place id;
    struct signed_part *parts;
    size_t part_count;
};

/* A secret, prepared for its kind. */
struct scheme_key {
    struct hmac_key *hmac;
    struct pubkey *pubkey;
    uint8_t digest[HASH_BYTES]; /* of a static secret */
    char *text;                 /* of a static secret, for signing */
    size_t text_len;
};

/* One request on its way through verification. `reason` says where it ended. */
struct checking {
    const struct scheme *scheme;
    const struct source *source;
    const struct request *request;
    struct arena *arena;
    const char *reason;
    struct span where;                             /* what it is about */
    struct json *json;                             /* the body, if the scheme looks into it */
    struct span signatures[SCHEME_SIGNATURES_MAX]; /* decoded */
    size_t signature_count;
    size_t looked_at;      /* signatures, with those that could not be decoded */
    struct span key_value; /* of the timestamp's key beside the signature */
    size_t key_values;
    struct span timestamp, id;
    int64_t age;
    uint64_t matched;
    const struct secret *secret; /* the first that matched */
    struct span text;            /* as in the proof */
};

/* Says why a request ends here; false, so that a check can return it. */
bool scheme_ends(struct checking *checking, const char *reason);

/* The value that stands at a place, once and not empty; else an end. */
bool scheme_value(struct checking *checking, const struct place *place, struct span *value);

/* A signed time in that format; false if it is none. */
bool scheme_read_time(enum time_format format, struct span text, int64_t *ms);

/* The parts of the signed text, scheme->part_count of them; the time and the id must be there already. */
bool scheme_text(struct checking *checking, struct span **parts);

/* What proof.text says of them. */
struct span scheme_text_kept(const struct checking *checking, const struct span *parts);

/* Whether the value may be any text, so that it needs an end. */
bool scheme_is_free(enum signed_kind kind);

/* Whether a part of that kind is signed. */
bool scheme_has(const struct scheme *scheme, enum signed_kind kind);

/* Adds what a text encodes; false if it is not encoded so. */
bool scheme_decode(enum encoding encoding, struct span text, struct buf *out);

#endif

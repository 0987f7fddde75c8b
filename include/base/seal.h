/*
 * Sealing values with AES-256-GCM, and the keys for it, each known by an id. A sealed value is
 *
 *     kind (1 byte: enum seal_kind), key id (16 bytes, padded with NUL), nonce (12, random), what is sealed,
 *     tag (16)
 *
 * and what is authenticated with it, beside its own head, is the place where it stands: moved to another, it
 * can't be opened. With random nonces a key is good for 2^32 values (NIST SP 800-38D, 8.3); the store counts.
 */
#ifndef PICKUPD_BASE_SEAL_H
#define PICKUPD_BASE_SEAL_H

#include "base/buf.h"
#include "base/faults.h"

#define SEAL_ID_MAX    16
#define SEAL_KEY_BYTES 32
#define SEAL_MORE      45 /* bytes that a sealed value is longer than what it holds */
#define SEAL_VALUES    (INT64_C(1) << 32)

enum seal_kind { SEAL_TEXT = 1, SEAL_BYTES = 2 };

/* The keys of a process: one of them, the current one, seals, and all open. Any thread may use them, and one
 * at a time change them. */
struct seal;
struct seal_key;

struct seal *seal_new(void);

/* Wipes all keys; nobody holds one any more. NULL is fine. */
void seal_free(struct seal *seal);

/*
 * Adds the keys of a file: a line "ID BASE64" each, of 32 bytes, the first of which becomes the current one;
 * empty lines and those that begin with # don't count. False with faults, which name lines and no keys.
 */
bool seal_read(struct seal *seal, struct span text, const char *file, struct faults *faults);

/* Has from now on the keys of another: those that it has not are wiped once nobody holds them. */
void seal_adopt(struct seal *seal, const struct seal *other);

/* The current key, or that of an id, held for the caller; NULL if there is none. NULL for `seal` is fine. */
struct seal_key *seal_current(struct seal *seal);
struct seal_key *seal_find(struct seal *seal, struct span id);

/* Lets go of it; NULL is fine. */
void seal_release(struct seal_key *key);

/* Of a key that is held. */
struct span seal_id(const struct seal_key *key);

/* The id of the key that a value was sealed with; empty for what can be no sealed value. */
struct span seal_id_of(struct span sealed);

/* Adds a value, sealed for a place, which is a list of parts. */
void seal_write(struct buf *out, struct seal_key *key, enum seal_kind kind, const struct span *place,
                size_t parts, struct span value);

/* Adds what a sealed value holds, and tells its kind. False, with nothing added, if it was changed, or
 * sealed for another place or with another key. */
bool seal_open(struct buf *out, struct seal_key *key, const struct span *place, size_t parts,
               struct span sealed, enum seal_kind *kind);

#endif

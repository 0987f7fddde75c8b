/* HMAC with keys prepared once, and the one comparison that secrets and signatures may go through. */
#ifndef PICKUPD_BASE_HMAC_H
#define PICKUPD_BASE_HMAC_H

#include <stdint.h>

#include "base/span.h"

enum hmac_hash { HMAC_SHA256, HMAC_SHA1, HMAC_SHA512 };

#define HMAC_BYTES_MAX 64

struct hmac_key;

/* A key; of the secret itself no copy is kept. Owned by the caller. */
struct hmac_key *hmac_key_new(enum hmac_hash hash, struct span secret);

/* Wipes and releases; NULL is fine. */
void hmac_key_free(struct hmac_key *key);

/* How long a digest is: 32, 20 or 64 bytes. */
size_t hmac_bytes(enum hmac_hash hash);

/* Over all parts, one behind the other. Any thread; a key may be used by several at once. */
void hmac_sign(struct hmac_key *key, const struct span *parts, size_t count, uint8_t digest[HMAC_BYTES_MAX]);

/* Compares in a time that depends on `count` alone. */
bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t count);

/* Overwrites bytes in a way the compiler may not leave out. */
void hmac_wipe(void *at, size_t count);

#endif

/* HMAC with keys prepared once, and the one comparison that secrets and signatures may go through. */
#ifndef PICKUPD_BASE_HMAC_H
#define PICKUPD_BASE_HMAC_H

#include <stdint.h>

#include "base/span.h"

#define HMAC_BYTES 32

struct hmac_key;

/* A key for HMAC-SHA256; the secret is copied inside libcrypto. Owned by the caller. */
struct hmac_key *hmac_key_new(struct span secret);

/* Wipes and releases; NULL is fine. */
void hmac_key_free(struct hmac_key *key);

/* Any thread; a key may be used by several at once. */
void hmac_sign(const struct hmac_key *key, struct span text, uint8_t digest[HMAC_BYTES]);

/* Compares in a time that depends on `count` alone. */
bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t count);

/* Overwrites bytes in a way the compiler may not leave out. */
void hmac_wipe(void *at, size_t count);

#endif

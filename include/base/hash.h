/* SHA-256 of a text, or of a list of parts. Any thread. */
#ifndef PICKUPD_BASE_HASH_H
#define PICKUPD_BASE_HASH_H

#include <stdint.h>

#include "base/span.h"

#define HASH_BYTES 32

/* As sha256sum computes it: for digests that others may want to compare. */
void hash_text(struct span text, uint8_t digest[HASH_BYTES]);

/*
 * Each part preceded by its length as 8 bytes, most significant first: so ("ab", "c") and ("a", "bc") differ.
 */
void hash_parts(const struct span *parts, size_t count, uint8_t digest[HASH_BYTES]);

#endif

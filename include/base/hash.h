/* SHA-256 over a list of parts, each preceded by its length as 8 bytes, most significant first. */
#ifndef PICKUPD_BASE_HASH_H
#define PICKUPD_BASE_HASH_H

#include <stdint.h>

#include "base/span.h"

#define HASH_BYTES 32

/* The prefixes make ("ab", "c") and ("a", "bc") differ. Any thread. */
void hash_parts(const struct span *parts, size_t count, uint8_t digest[HASH_BYTES]);

#endif

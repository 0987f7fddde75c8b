/* Base64, strictly: no white space, no missing or needless padding, no bits left over. */
#ifndef PICKUPD_BASE_BASE64_H
#define PICKUPD_BASE_BASE64_H

#include <stdint.h>

#include "base/buf.h"

/* Adds the encoded bytes, with padding. */
void base64_write(struct buf *out, struct span bytes);

/* Adds the decoded bytes; false (and nothing to rely on in `out`) for any text that is not exactly Base64. */
bool base64_read(struct buf *out, struct span text);

/* The alphabet with - and _; padding may be left out. */
bool base64url_read(struct buf *out, struct span text);

#endif

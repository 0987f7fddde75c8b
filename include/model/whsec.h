/*
 * What we send to others is signed as Standard Webhooks say (standardwebhooks.com): HMAC-SHA256 over
 * id.timestamp.body.
 */
#ifndef PICKUPD_MODEL_WHSEC_H
#define PICKUPD_MODEL_WHSEC_H

#include <stdint.h>

#include "base/buf.h"
#include "base/faults.h"

#define WHSEC_BYTES_MIN 24
#define WHSEC_BYTES_MAX 64

struct whsec;

/*
 * From "whsec_" and Base64, or Base64 alone, of 24 to 64 bytes. NULL with a fault, which calls the secret by
 * that name, for anything else. Owned by the caller.
 */
struct whsec *whsec_new(struct span secret, const char *name, struct faults *faults);

/* Wipes and releases; NULL is fine. */
void whsec_free(struct whsec *whsec);

/* Adds the value of webhook-signature. The timestamp, in seconds since 1970, is that of webhook-timestamp;
 * the id, which must hold no '.', that of webhook-id. Any thread. */
void whsec_sign(const struct whsec *whsec, struct span id, int64_t timestamp, struct span body,
                struct buf *out);

#endif

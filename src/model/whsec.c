/* The secret of Standard Webhooks, and signing with it. */
#include "model/whsec.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/hmac.h"

struct whsec {
    struct hmac_key *key;
};

struct whsec *whsec_new(struct span secret, const char *name, struct faults *faults)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf bytes = {.arena = &arena};
    struct whsec *whsec = NULL;
    if (span_starts(secret, SPAN("whsec_")))
        span_skip(&secret, strlen("whsec_"));
    if (!base64_read(&bytes, secret))
        faults_add(faults, "%s: is not Base64, with or without whsec_ before it", name);
    else if (bytes.len < WHSEC_BYTES_MIN || bytes.len > WHSEC_BYTES_MAX)
        faults_add(faults, "%s: stands for %zu bytes, but must for %d to %d", name, bytes.len,
                   WHSEC_BYTES_MIN, WHSEC_BYTES_MAX);
    else {
        whsec = mem_alloc(sizeof *whsec);
        whsec->key = hmac_key_new(HMAC_SHA256, buf_span(&bytes));
    }
    if (bytes.len > 0)
        hmac_wipe(bytes.at, bytes.len);
    return whsec;
}

void whsec_free(struct whsec *whsec)
{
    if (whsec != NULL)
        hmac_key_free(whsec->key);
    free(whsec);
}

void whsec_sign(const struct whsec *whsec, struct span id, int64_t timestamp, struct span body,
                struct buf *out)
{
    struct buf time CLEANUP(buf_free) = {0};
    uint8_t digest[HMAC_BYTES_MAX];
    buf_add_int(&time, timestamp);
    struct span parts[] = {id, SPAN("."), buf_span(&time), SPAN("."), body};
    hmac_sign(whsec->key, parts, sizeof parts / sizeof parts[0], digest);
    buf_add(out, SPAN("v1,"));
    base64_write(out, (struct span){(const char *)digest, hmac_bytes(HMAC_SHA256)});
}

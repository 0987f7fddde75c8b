/* Secrets, prepared for their scheme. */
#include "scheme_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/locked.h"

bool scheme_decode(enum encoding encoding, struct span text, struct buf *out)
{
    switch (encoding) {
    case ENCODING_BASE64:
        return base64_read(out, text);
    case ENCODING_BASE64URL:
        return base64url_read(out, text);
    case ENCODING_HEX:
        return hex_read(text, (uint8_t *)buf_extend(out, text.len / 2), text.len / 2);
    default:
        buf_add(out, text);
        return true;
    }
}

static void prepare(const struct scheme *scheme, struct span secret, struct scheme_key *key)
{
    switch (scheme->kind) {
    case SCHEME_HMAC:
        key->hmac = hmac_key_new(scheme->hash, secret);
        break;
    case SCHEME_ED25519:
        key->pubkey = pubkey_new(PUBKEY_ED25519, secret);
        break;
    case SCHEME_ECDSA:
        key->pubkey = pubkey_new(PUBKEY_ECDSA_P256, secret);
        break;
    default:
        if (scheme->kind == SCHEME_BASIC && memchr(secret.at, ':', secret.len) == NULL)
            return;
        hash_parts(&secret, 1, key->digest);
        key->text = locked_alloc(secret.len + 1);
        memcpy(key->text, secret.at, secret.len);
        key->text_len = secret.len;
    }
}

struct span scheme_bare_secret(const struct scheme *scheme, struct span secret)
{
    if (span_starts(secret, scheme->strip))
        span_skip(&secret, scheme->strip.len);
    return secret;
}

struct scheme_key *scheme_key_new(const struct scheme *scheme, struct span secret, const char **why)
{
    struct buf bytes = {.at = mem_alloc(secret.len + 1), .room = secret.len + 1}; /* so that it never moves */
    struct scheme_key *key = mem_alloc(sizeof *key);
    *why = "is not encoded as the scheme says";
    secret = scheme_bare_secret(scheme, secret);
    bool good = secret.len > 0 && scheme_decode(scheme->secret_encoding, secret, &bytes) && bytes.len > 0;
    if (good) {
        *why =
            scheme->kind == SCHEME_BASIC ? "must be user:password" : "is no public key of the scheme's kind";
        prepare(scheme, buf_span(&bytes), key);
        good = key->hmac != NULL || key->pubkey != NULL || key->text != NULL;
    }
    hmac_wipe(bytes.at, bytes.room);
    buf_free(&bytes);
    if (good)
        return key;
    scheme_key_free(key);
    return NULL;
}

void scheme_key_free(struct scheme_key *key)
{
    if (key == NULL)
        return;
    hmac_key_free(key->hmac);
    pubkey_free(key->pubkey);
    locked_free(key->text, key->text_len + 1);
    hmac_wipe(key, sizeof *key);
    free(key);
}

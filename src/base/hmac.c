/* HMAC from libcrypto. */
#include "base/hmac.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

struct hmac_key {
    EVP_MAC_CTX *keyed;
    _Atomic(EVP_MAC_CTX *) spare; /* a copy of it that nobody uses just now, or NULL */
};

static const struct {
    const char *name;
    size_t bytes;
} hashes[] = {
    [HMAC_SHA256] = {"SHA256", 32},
    [HMAC_SHA1] = {"SHA1", 20},
    [HMAC_SHA512] = {"SHA512", HMAC_BYTES_MAX},
};

struct hmac_key *hmac_key_new(enum hmac_hash hash, struct span secret)
{
    char name[8] = "";
    memcpy(name, hashes[hash].name, strlen(hashes[hash].name));
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    struct hmac_key *key = mem_alloc(sizeof *key);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    key->keyed = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (key->keyed == NULL ||
        EVP_MAC_init(key->keyed, (const unsigned char *)secret.at, secret.len, params) != 1)
        abort();
    return key;
}

size_t hmac_bytes(enum hmac_hash hash)
{
    return hashes[hash].bytes;
}

void hmac_key_free(struct hmac_key *key)
{
    if (key == NULL)
        return;
    EVP_MAC_CTX_free(key->keyed);
    EVP_MAC_CTX_free(key->spare);
    free(key);
}

/* Begins with the key hashed already. A state serves one signature at a time, so each thread takes its own.
 */
static EVP_MAC_CTX *begin(struct hmac_key *key)
{
    EVP_MAC_CTX *ctx = atomic_exchange(&key->spare, NULL);
    if (ctx == NULL)
        ctx = EVP_MAC_CTX_dup(key->keyed);
    else if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1)
        abort();
    if (ctx == NULL)
        abort();
    return ctx;
}

void hmac_sign(struct hmac_key *key, const struct span *parts, size_t count, uint8_t digest[HMAC_BYTES_MAX])
{
    EVP_MAC_CTX *ctx = begin(key);
    for (size_t i = 0; i < count; i++)
        if (EVP_MAC_update(ctx, (const unsigned char *)parts[i].at, parts[i].len) != 1)
            abort();
    if (EVP_MAC_final(ctx, digest, NULL, HMAC_BYTES_MAX) != 1)
        abort();
    EVP_MAC_CTX_free(atomic_exchange(&key->spare, ctx));
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t count)
{
    return CRYPTO_memcmp(a, b, count) == 0;
}

void hmac_wipe(void *at, size_t count)
{
    OPENSSL_cleanse(at, count);
}

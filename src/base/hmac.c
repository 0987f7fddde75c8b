/* HMAC from libcrypto. */
#include "base/hmac.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

struct hmac_key {
    EVP_MAC_CTX *keyed;
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
    free(key);
}

/* A copy of the keyed state saves hashing the key again, and leaves the key to other threads. */
void hmac_sign(const struct hmac_key *key, const struct span *parts, size_t count,
               uint8_t digest[HMAC_BYTES_MAX])
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(key->keyed);
    if (ctx == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        if (EVP_MAC_update(ctx, (const unsigned char *)parts[i].at, parts[i].len) != 1)
            abort();
    if (EVP_MAC_final(ctx, digest, NULL, HMAC_BYTES_MAX) != 1)
        abort();
    EVP_MAC_CTX_free(ctx);
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t count)
{
    return CRYPTO_memcmp(a, b, count) == 0;
}

void hmac_wipe(void *at, size_t count)
{
    OPENSSL_cleanse(at, count);
}

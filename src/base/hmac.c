/* HMAC. */
#include "base/hmac.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

/*
 * RFC 2104 over libcrypto's hashes. Its own HMAC would keep a copy of the secret beside these states, in
 * memory that may be swapped out; so nothing of the secret is left but what was hashed of it.
 */
struct hmac_key {
    EVP_MD_CTX *inner, *outer;   /* with the pads hashed already */
    _Atomic(EVP_MD_CTX *) spare; /* that nobody uses just now, or NULL */
    unsigned bytes;
};

#define BLOCK_MAX 128
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

static const struct {
    const char *name;
    size_t bytes;
} hashes[] = {
    [HMAC_SHA256] = {"SHA256", 32},
    [HMAC_SHA1] = {"SHA1", 20},
    [HMAC_SHA512] = {"SHA512", HMAC_BYTES_MAX},
};

static void need(int code)
{
    if (code != 1)
        abort();
}

static EVP_MD_CTX *state_new(void)
{
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    need(state != NULL);
    return state;
}

static EVP_MD_CTX *pad(const EVP_MD *hash, const uint8_t *block, size_t count, uint8_t with)
{
    uint8_t padded[BLOCK_MAX];
    EVP_MD_CTX *state = state_new();
    for (size_t i = 0; i < count; i++)
        padded[i] = block[i] ^ with;
    need(EVP_DigestInit_ex(state, hash, NULL));
    need(EVP_DigestUpdate(state, padded, count));
    hmac_wipe(padded, sizeof padded);
    return state;
}

struct hmac_key *hmac_key_new(enum hmac_hash hash, struct span secret)
{
    uint8_t block[BLOCK_MAX] = {0};
    EVP_MD *md = EVP_MD_fetch(NULL, hashes[hash].name, NULL);
    need(md != NULL);
    size_t count = (size_t)EVP_MD_get_block_size(md);
    if (secret.len > count)
        need(EVP_Digest(secret.at, secret.len, block, NULL, md, NULL));
    else
        memcpy(block, secret.at, secret.len);
    struct hmac_key *key = mem_alloc(sizeof *key);
    key->inner = pad(md, block, count, INNER_PAD);
    key->outer = pad(md, block, count, OUTER_PAD);
    key->bytes = (unsigned)hashes[hash].bytes;
    hmac_wipe(block, sizeof block);
    EVP_MD_free(md); /* the states hold on to it */
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
    EVP_MD_CTX_free(key->inner);
    EVP_MD_CTX_free(key->outer);
    EVP_MD_CTX_free(key->spare);
    free(key);
}

/* A state serves one signature at a time, so each thread takes its own. */
void hmac_sign(struct hmac_key *key, const struct span *parts, size_t count, uint8_t digest[HMAC_BYTES_MAX])
{
    EVP_MD_CTX *state = atomic_exchange(&key->spare, NULL);
    if (state == NULL)
        state = state_new();
    need(EVP_MD_CTX_copy_ex(state, key->inner));
    for (size_t i = 0; i < count; i++)
        need(EVP_DigestUpdate(state, parts[i].at, parts[i].len));
    need(EVP_DigestFinal_ex(state, digest, NULL));
    need(EVP_MD_CTX_copy_ex(state, key->outer));
    need(EVP_DigestUpdate(state, digest, key->bytes));
    need(EVP_DigestFinal_ex(state, digest, NULL));
    EVP_MD_CTX_free(atomic_exchange(&key->spare, state));
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t count)
{
    return CRYPTO_memcmp(a, b, count) == 0;
}

void hmac_wipe(void *at, size_t count)
{
    OPENSSL_cleanse(at, count);
}

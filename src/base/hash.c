/* SHA-256 from libcrypto. */
#include "base/hash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#include <openssl/evp.h>

static EVP_MD *sha256;
static _Atomic(EVP_MD_CTX *) spare; /* that nobody uses just now, or NULL */
static once_flag fetched = ONCE_FLAG_INIT;

/* Fetched once: looking an algorithm up costs more than hashing a webhook. */
static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL)
        abort();
}

static EVP_MD_CTX *begin(void)
{
    call_once(&fetched, fetch);
    EVP_MD_CTX *ctx = atomic_exchange(&spare, NULL);
    if (ctx == NULL)
        ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
        abort();
    return ctx;
}

static void end(EVP_MD_CTX *ctx, uint8_t digest[HASH_BYTES])
{
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(atomic_exchange(&spare, ctx));
}

void hash_text(struct span text, uint8_t digest[HASH_BYTES])
{
    EVP_MD_CTX *ctx = begin();
    EVP_DigestUpdate(ctx, text.at, text.len);
    end(ctx, digest);
}

void hash_parts(const struct span *parts, size_t count, uint8_t digest[HASH_BYTES])
{
    EVP_MD_CTX *ctx = begin();
    for (size_t i = 0; i < count; i++) {
        uint8_t length[8];
        for (size_t b = 0; b < sizeof length; b++)
            length[b] = (uint8_t)((uint64_t)parts[i].len >> (8 * (sizeof length - 1 - b)));
        EVP_DigestUpdate(ctx, length, sizeof length);
        EVP_DigestUpdate(ctx, parts[i].at, parts[i].len);
    }
    end(ctx, digest);
}

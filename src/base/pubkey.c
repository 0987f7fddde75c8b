/* Public keys from libcrypto. */
#include "base/pubkey.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/mem.h"

#define ED25519_BYTES 32

struct pubkey {
    enum pubkey_kind kind;
    EVP_PKEY *key;
};

static EVP_PKEY *read_pem(struct span text)
{
    BIO *bio = text.len < INT_MAX ? BIO_new_mem_buf(text.at, (int)text.len) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static EVP_PKEY *read_der(struct span bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)bytes.len);
    if (key != NULL && at != (const unsigned char *)bytes.at + bytes.len) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool is_kind(EVP_PKEY *key, enum pubkey_kind kind)
{
    char group[32] = "";
    if (kind == PUBKEY_ED25519)
        return EVP_PKEY_is_a(key, "ED25519") == 1;
    return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

struct pubkey *pubkey_new(enum pubkey_kind kind, struct span bytes)
{
    EVP_PKEY *key;
    if (span_starts(bytes, SPAN("-----BEGIN ")))
        key = read_pem(bytes);
    else if (kind == PUBKEY_ED25519 && bytes.len == ED25519_BYTES)
        key =
            EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)bytes.at, bytes.len);
    else
        key = read_der(bytes);
    ERR_clear_error();
    if (key == NULL || !is_kind(key, kind)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    struct pubkey *pubkey = mem_alloc(sizeof *pubkey);
    *pubkey = (struct pubkey){kind, key};
    return pubkey;
}

void pubkey_free(struct pubkey *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

bool pubkey_verify(const struct pubkey *key, struct span text, struct span signature)
{
    const char *digest = key->kind == PUBKEY_ED25519 ? NULL : "SHA256";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        abort();
    bool good = EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key->key, NULL) == 1 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.at, signature.len,
                                 (const unsigned char *)text.at, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

/* HMAC-SHA256 over the raw body, hex in a header. */
#include "model/scheme.h"

#include "base/hex.h"
#include "load.h"

enum err scheme_verify(const struct scheme *scheme, const struct source *source,
                       const struct request *request, const char **reason)
{
    struct span text;
    uint8_t sent[HMAC_BYTES];
    size_t found = request_header(request, scheme->header, &text);
    *reason = "missing";
    if (found == 0)
        return ERR_BAD_SIGNATURE;
    *reason = "repeated";
    if (found > 1)
        return ERR_BAD_SIGNATURE;
    *reason = "malformed";
    if (!hex_read(text, sent, sizeof sent))
        return ERR_BAD_SIGNATURE;
    bool matched = false;
    for (size_t i = 0; i < source->secret_count; i++) {
        uint8_t expected[HMAC_BYTES];
        if (!secret_live(&source->secrets[i], request->received))
            continue;
        hmac_sign(source->secrets[i].key, request->body, expected);
        matched |= hmac_equal(sent, expected, sizeof expected);
        hmac_wipe(expected, sizeof expected);
    }
    *reason = "wrong";
    return matched ? ERR_OK : ERR_BAD_SIGNATURE;
}

enum err scheme_sign(const struct scheme *scheme, const struct source *source, struct span body, int64_t now,
                     struct buf *headers)
{
    for (size_t i = 0; i < source->secret_count; i++) {
        uint8_t digest[HMAC_BYTES];
        char text[2 * HMAC_BYTES + 1];
        if (!secret_live(&source->secrets[i], now))
            continue;
        hmac_sign(source->secrets[i].key, body, digest);
        hex_write(text, digest, sizeof digest);
        buf_printf(headers, "%s: %s\n", scheme->header.at, text);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

void scheme_load(struct node node, struct scheme *scheme)
{
    static const char *const keys[] = {"kind", "hash", "signature", "signed", NULL};
    static const char *const signature_keys[] = {"header", "encoding", NULL};
    static const char *const kinds[] = {"hmac", NULL};
    static const char *const hashes[] = {"sha256", NULL};
    static const char *const encodings[] = {"hex", NULL};
    static const char *const texts[] = {"{body}", NULL};
    struct node signature = node_get(node, "signature");
    if (!node_is_object(node) || !node_is_object(signature))
        return;
    node_only(node, keys);
    node_only(signature, signature_keys);
    node_choice(node_get(node, "kind"), kinds);
    node_choice(node_get(node, "hash"), hashes);
    node_choice(node_get(node, "signed"), texts);
    node_choice(node_get(signature, "encoding"), encodings);
    scheme->header = node_text(node_get(signature, "header"));
}

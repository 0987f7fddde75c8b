/* Signing, as the sender would: for trying things out. */
#include "scheme_parts.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/time.h"

static void encode(enum encoding encoding, struct span bytes, struct buf *out)
{
    size_t start = out->len;
    switch (encoding) {
    case ENCODING_HEX:
        for (size_t i = 0; i < bytes.len; i++)
            buf_printf(out, "%02x", (unsigned char)bytes.at[i]);
        break;
    case ENCODING_TEXT:
        buf_add(out, bytes);
        break;
    default:
        base64_write(out, bytes);
    }
    for (size_t i = start; encoding == ENCODING_BASE64URL && i < out->len; i++)
        out->at[i] = out->at[i] == '+' ? '-' : out->at[i] == '/' ? '_' : out->at[i];
}

/* "t=1,v1=..." or just the signature, as the header holds it. */
static struct span header_value(struct checking *checking, struct span signature)
{
    const struct scheme *scheme = checking->scheme;
    struct buf out = {.arena = checking->arena};
    if (scheme->timestamp.in == PLACE_KEY) {
        buf_add(&out, scheme->timestamp.name);
        buf_add_char(&out, scheme->pair);
        buf_add(&out, checking->timestamp);
        buf_add_char(&out, scheme->list != '\0' ? scheme->list : ',');
    }
    if (scheme->pair != '\0') {
        buf_add(&out, scheme->keys[0]);
        buf_add_char(&out, scheme->pair);
    }
    buf_add(&out, scheme->prefix);
    encode(scheme->encoding, signature, &out);
    return buf_span(&out);
}

static struct span time_text(struct checking *checking)
{
    char iso[TIME_TEXT];
    struct buf out = {.arena = checking->arena};
    int64_t now = checking->request->received;
    time_write(iso, now);
    if (checking->scheme->format == TIME_ISO8601)
        buf_add(&out, span_of(iso));
    else
        buf_add_int(&out, checking->scheme->format == TIME_UNIX ? now / 1000 : now);
    return buf_span(&out);
}

/* The event's own id will do: like a sender's, it is the same for the same webhook. */
static struct span id_text(struct checking *checking)
{
    uint8_t digest[HASH_BYTES];
    char *text = arena_alloc(checking->arena, 2 * HASH_BYTES + 1);
    hash_parts(&checking->request->body, 1, digest);
    hex_write(text, digest, 16);
    return span_of(text);
}

static void put_header(struct buf *headers, struct span name, struct span value)
{
    buf_printf(headers, "%.*s: %.*s\n", (int)name.len, name.at, (int)value.len, value.at);
}

static bool sign_with(struct checking *checking, const struct scheme_key *key, struct buf *headers)
{
    const struct scheme *scheme = checking->scheme;
    uint8_t digest[HMAC_BYTES_MAX];
    struct span signature = {key->text, key->text_len};
    struct span *parts;
    if (scheme->kind == SCHEME_HMAC) {
        if (scheme->timestamp.in == PLACE_QUERY)
            return scheme_ends(checking, "the time stands in the query");
        if (scheme->timestamp.in != PLACE_JSON)
            checking->timestamp = time_text(checking);
        else if (!scheme_value(checking, &scheme->timestamp, &checking->timestamp))
            return false;
        checking->id = id_text(checking);
        if (!scheme_text(checking, &parts))
            return false;
        hmac_sign(key->hmac, parts, scheme->part_count, digest);
        signature = (struct span){(const char *)digest, hmac_bytes(scheme->hash)};
    }
    if (scheme->id.in == PLACE_HEADER)
        put_header(headers, scheme->id.name, checking->id);
    if (scheme->timestamp.in == PLACE_HEADER)
        put_header(headers, scheme->timestamp.name, checking->timestamp);
    put_header(headers, scheme->signature.name, header_value(checking, signature));
    return true;
}

static bool sign(struct checking *checking, struct buf *headers)
{
    const struct scheme *scheme = checking->scheme;
    const struct source *source = checking->source;
    if (scheme->kind == SCHEME_ED25519 || scheme->kind == SCHEME_ECDSA)
        return scheme_ends(checking, "only the sender has the private key");
    if (scheme->signature.in != PLACE_HEADER)
        return scheme_ends(checking, "the signature stands in no header of a fixed name");
    for (size_t i = 0; i < source->secret_count; i++)
        if (secret_live(&source->secrets[i], checking->request->received))
            return sign_with(checking, source->secrets[i].key, headers);
    return scheme_ends(checking, "no secret is live now");
}

bool scheme_sign(const struct scheme *scheme, const struct source *source, const struct request *request,
                 struct buf *headers, const char **why)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct checking checking = {scheme, source, request, &arena, .reason = "good"};
    bool good = sign(&checking, headers);
    json_free(checking.json);
    *why = checking.reason;
    return good;
}

/* Verifying a request against a scheme. */
#include "model/scheme.h"

#include "base/hex.h"
#include "base/num.h"
#include "base/time.h"
#include "scheme_parts.h"

/* Signatures. */

/* A scheme word of HTTP, "Bearer ", is one in any case; any other prefix is as it is written. */
static bool has_prefix(const struct scheme *scheme, struct span text)
{
    bool is_word = scheme->prefix.len > 0 && scheme->prefix.at[scheme->prefix.len - 1] == ' ';
    return is_word ? span_starts_nocase(text, scheme->prefix) : span_starts(text, scheme->prefix);
}

static bool add_signature(struct checking *checking, struct span text)
{
    const struct scheme *scheme = checking->scheme;
    struct buf bytes = {.arena = checking->arena};
    if (!has_prefix(scheme, text))
        return true; /* of another kind: passed over */
    text = (struct span){text.at + scheme->prefix.len, text.len - scheme->prefix.len};
    if (++checking->looked_at > SCHEME_SIGNATURES_MAX)
        return scheme_ends(checking, "too many"); /* before anything is worked out for it */
    if (!scheme_decode(scheme->encoding, text, &bytes) || bytes.len == 0)
        return true;
    if (scheme->kind == SCHEME_HMAC && bytes.len != hmac_bytes(scheme->hash))
        return true;
    checking->signatures[checking->signature_count++] = buf_span(&bytes);
    return true;
}

static bool key_counts(const struct scheme *scheme, struct span key)
{
    for (size_t i = 0; i < scheme->key_count; i++)
        if (span_is(scheme->keys[i], key))
            return true;
    return false;
}

/* One element of a list: a signature, or a key with its value. */
static bool read_element(struct checking *checking, struct span element)
{
    const struct scheme *scheme = checking->scheme;
    if (scheme->pair == '\0')
        return add_signature(checking, element);
    struct span value = element;
    struct span key = span_cut(&value, scheme->pair);
    if (scheme->timestamp.in == PLACE_KEY && span_is(key, scheme->timestamp.name)) {
        checking->key_value = value;
        checking->key_values++;
    }
    return !key_counts(scheme, key) || add_signature(checking, value);
}

static bool read_value(struct checking *checking, struct span value)
{
    const struct scheme *scheme = checking->scheme;
    if (scheme->list == '\0')
        return read_element(checking, value);
    while (value.len > 0)
        if (!read_element(checking, span_trim(span_cut(&value, scheme->list))))
            return false;
    return true;
}

/* "X-Signature-*": the star stands for one or more digits. */
static bool matches_pattern(struct span name, struct span pattern)
{
    struct span tail = pattern;
    struct span head = span_cut(&tail, '*');
    if (name.len <= head.len + tail.len || !span_starts_nocase(name, head) || !span_ends_nocase(name, tail))
        return false;
    for (size_t i = head.len; i < name.len - tail.len; i++)
        if (name.at[i] < '0' || name.at[i] > '9')
            return false;
    return true;
}

/* Signatures in headers of numbered names, each of which may be there once. */
static bool find_numbered(struct checking *checking, struct span pattern)
{
    const struct request *request = checking->request;
    for (size_t i = 0; i < request->header_count; i++) {
        struct span name = request->headers[i].name;
        struct span value;
        if (!matches_pattern(name, pattern))
            continue;
        if (request_header(request, name, &value) > 1)
            return scheme_ends(checking, "repeated");
        if (!read_value(checking, value))
            return false;
    }
    return checking->signature_count > 0 || scheme_ends(checking, "missing");
}

static bool find_signatures(struct checking *checking)
{
    const struct place *place = &checking->scheme->signature;
    struct span value;
    checking->where = place->name;
    if (place->in == PLACE_HEADER_PATTERN)
        return find_numbered(checking, place->name);
    if (!scheme_value(checking, place, &value) || !read_value(checking, value))
        return false;
    return checking->signature_count > 0 || scheme_ends(checking, "malformed");
}

/* Timestamps. */

bool scheme_read_time(enum time_format format, struct span text, int64_t *ms)
{
    if (format == TIME_ISO8601)
        return time_parse(text, NULL, ms);
    int64_t factor = format == TIME_UNIX ? 1000 : 1;
    return text.len > 0 && text.at[0] != '-' && num_parse(text, ms) &&
           !__builtin_mul_overflow(*ms, factor, ms);
}

static bool check_time(struct checking *checking)
{
    const struct scheme *scheme = checking->scheme;
    int64_t own = checking->source->tolerance;
    int64_t past = own > 0 && scheme->past != INT64_MAX ? own : scheme->past;
    int64_t future = own > 0 && scheme->future != INT64_MAX ? own : scheme->future;
    int64_t time;
    if (scheme->timestamp.in == PLACE_NONE)
        return true;
    if (!scheme_value(checking, &scheme->timestamp, &checking->timestamp))
        return false;
    if (!scheme_read_time(scheme->format, checking->timestamp, &time) ||
        __builtin_sub_overflow(checking->request->received, time, &checking->age))
        return scheme_ends(checking, "malformed time");
    if (checking->age > past)
        return scheme_ends(checking, "too old");
    return checking->age >= -future || scheme_ends(checking, "too far ahead");
}

static bool check_id(struct checking *checking)
{
    return checking->scheme->id.in == PLACE_NONE ||
           scheme_value(checking, &checking->scheme->id, &checking->id);
}

static struct span joined(struct checking *checking, const struct span *parts)
{
    struct buf out = {.arena = checking->arena};
    for (size_t i = 0; i < checking->scheme->part_count; i++)
        buf_add(&out, parts[i]);
    return buf_span(&out);
}

/* The verdict: every live secret with every signature, without an early exit. */

static bool hmac_matches(struct checking *checking, const struct scheme_key *key, const struct span *parts)
{
    const struct scheme *scheme = checking->scheme;
    uint8_t expected[HMAC_BYTES_MAX];
    size_t bytes = hmac_bytes(scheme->hash);
    bool matched = false;
    hmac_sign(key->hmac, parts, scheme->part_count, expected);
    for (size_t i = 0; i < checking->signature_count; i++)
        if (checking->signatures[i].len == bytes)
            matched |= hmac_equal((const uint8_t *)checking->signatures[i].at, expected, bytes);
    hmac_wipe(expected, sizeof expected);
    return matched;
}

static bool static_matches(struct checking *checking, const struct scheme_key *key)
{
    bool matched = false;
    for (size_t i = 0; i < checking->signature_count; i++) {
        uint8_t digest[HASH_BYTES];
        hash_parts(&checking->signatures[i], 1, digest);
        matched |= hmac_equal(digest, key->digest, sizeof digest);
    }
    return matched;
}

static bool pubkey_matches(struct checking *checking, const struct scheme_key *key, struct span text)
{
    bool matched = false;
    for (size_t i = 0; i < checking->signature_count; i++)
        matched |= pubkey_verify(key->pubkey, text, checking->signatures[i]);
    return matched;
}

static bool matches(struct checking *checking, const struct scheme_key *key, struct span *parts)
{
    switch (checking->scheme->kind) {
    case SCHEME_HMAC:
        return hmac_matches(checking, key, parts);
    case SCHEME_ED25519:
    case SCHEME_ECDSA:
        return pubkey_matches(checking, key, joined(checking, parts));
    default:
        return static_matches(checking, key);
    }
}

static bool verify(struct checking *checking)
{
    struct span *parts;
    bool matched = false, is_live = false;
    if (!find_signatures(checking) || !check_time(checking) || !check_id(checking) ||
        !scheme_text(checking, &parts))
        return false;
    for (size_t i = 0; i < checking->source->secret_count; i++) {
        const struct secret *secret = &checking->source->secrets[i];
        if (!secret_live(secret, checking->request->received))
            continue;
        is_live = true;
        if (!matches(checking, secret->key, parts))
            continue;
        matched = true;
        checking->matched |= i < 64 ? UINT64_C(1) << i : 0;
        if (checking->secret == NULL)
            checking->secret = secret;
    }
    checking->where = checking->scheme->signature.name;
    if (matched)
        checking->text = scheme_text_kept(checking, parts);
    return matched || scheme_ends(checking, is_live ? "wrong" : "no secret is live now");
}

enum err scheme_verify(const struct scheme *scheme, const struct source *source,
                       const struct request *request, struct arena *arena, struct proof *proof)
{
    struct checking checking = {scheme, source, request, arena, .reason = "good"};
    bool good = verify(&checking);
    json_free(checking.json);
    *proof = (struct proof){checking.reason,  checking.where,  checking.age,
                            checking.matched, checking.secret, checking.text};
    return good ? ERR_OK : ERR_BAD_SIGNATURE;
}

bool scheme_hmac(const struct scheme *scheme, const struct scheme_key *key, struct span text, struct buf *out)
{
    uint8_t digest[HMAC_BYTES_MAX];
    char hex[2 * HMAC_BYTES_MAX + 1];
    if (scheme->kind != SCHEME_HMAC)
        return false;
    hmac_sign(key->hmac, &text, 1, digest);
    hex_write(hex, digest, hmac_bytes(scheme->hash));
    buf_add(out, span_of(hex));
    return true;
}

struct span scheme_place(const struct scheme *scheme)
{
    return scheme->signature.name;
}

bool scheme_looks_in(const struct scheme *scheme, struct span name)
{
    const struct place *place = &scheme->signature;
    return place->in == PLACE_HEADER_PATTERN ? matches_pattern(name, place->name)
                                             : span_is_nocase(name, place->name);
}

bool scheme_signs(const struct scheme *scheme)
{
    return scheme->kind != SCHEME_STATIC && scheme->kind != SCHEME_BASIC;
}

/* Why a request is not authentic: what the scheme found, where, and what it looked for. */
#include "explain_parts.h"

#include <string.h>

#include "base/hmac.h"
#include "base/time.h"
#include "scheme_parts.h"

/* Where a value stands, for people: where.at is the name of one of the scheme's places. */
static const char *place_of(const struct scheme *scheme, struct span where, bool *is_header)
{
    static const char *const words[] = {
        [PLACE_NONE] = "",        [PLACE_HEADER] = "header ", [PLACE_HEADER_PATTERN] = "headers ",
        [PLACE_QUERY] = "query ", [PLACE_JSON] = "body's ",   [PLACE_KEY] = "key ",
    };
    const struct place *places[] = {&scheme->signature, &scheme->timestamp, &scheme->id};
    enum place_kind in = PLACE_NONE;
    for (size_t i = 0; i < 3; i++)
        if (places[i]->in != PLACE_NONE && places[i]->name.at == where.at)
            in = places[i]->in;
    for (size_t i = 0; i < scheme->part_count; i++)
        if (scheme->parts[i].text.at == where.at && scheme->parts[i].kind >= SIGNED_HEADER)
            in = scheme->parts[i].kind == SIGNED_HEADER ? PLACE_HEADER : PLACE_JSON;
    *is_header = in == PLACE_HEADER;
    return words[in];
}

/* What a signature looks like, of which the value must not be shown. */
static const char *looks(struct span text)
{
    bool hex = true;
    bool base64 = true;
    bool url = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        hex &= digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        base64 &= digit || letter || c == '+' || c == '/' || c == '=';
        url &= digit || letter || c == '-' || c == '_' || c == '=';
    }
    return hex ? "hex" : base64 ? "base64" : url ? "base64url" : "other text";
}

static bool holds(struct span text, struct span part)
{
    for (; text.len >= part.len; span_skip(&text, 1))
        if (span_starts_nocase(text, part))
            return true;
    return false;
}

/* Headers that may be the one that is missing. */
static void tell_likely(struct telling *telling, struct span where)
{
    static const struct span signs[] = {SPAN("signature"), SPAN("hmac"),  SPAN("sha"),    SPAN("digest"),
                                        SPAN("auth"),      SPAN("token"), SPAN("secret"), SPAN("api-key")};
    static const struct span times[] = {SPAN("time"), SPAN("date")};
    const struct scheme *scheme = telling->source->definition->scheme;
    bool of_time = where.at == scheme->timestamp.name.at;
    const struct span *words = of_time ? times : signs;
    size_t count = of_time ? sizeof times / sizeof times[0] : sizeof signs / sizeof signs[0];
    if (!of_time && where.at != scheme->signature.name.at)
        return;
    for (size_t i = 0; i < telling->request->header_count; i++) {
        struct span name = telling->request->headers[i].name;
        bool likely = false;
        for (size_t k = 0; k < count; k++)
            likely |= holds(name, words[k]);
        if (likely)
            tell(telling, "", "-> there is a header %.*s: is that %s?", (int)name.len, name.at,
                 of_time ? "the sender's time" : "what the sender signs with");
    }
}

/* The values in headers of one name. */
static void tell_header(struct telling *telling, struct span name)
{
    const struct scheme *scheme = telling->source->definition->scheme;
    struct span value = SPAN("");
    size_t count = request_header(telling->request, name, &value);
    bool prefixed = name.at == scheme->signature.name.at && scheme->prefix.len > 0 &&
                    span_starts_nocase(value, scheme->prefix);
    if (prefixed)
        span_skip(&value, scheme->prefix.len);
    if (count == 0)
        tell_likely(telling, name);
    else if (value.len == 0)
        tell(telling, "", "   it is there, but empty%s", prefixed ? " behind its prefix" : "");
    else
        tell(telling, "", "   it holds %zu characters of %s%s%s", value.len, looks(value),
             prefixed ? " behind its prefix" : "", count > 1 ? ", the first time it is there" : "");
}

/* What the scheme takes for a signature. */
static void tell_wanted(struct telling *telling)
{
    static const char *const encodings[] = {"text", "hex", "base64", "base64url"};
    const struct scheme *scheme = telling->source->definition->scheme;
    struct buf out = {.arena = &telling->arena};
    if (scheme->kind == SCHEME_HMAC)
        buf_printf(&out, "%zu bytes in ", hmac_bytes(scheme->hash));
    buf_add(&out, span_of(encodings[scheme->encoding]));
    if (scheme->prefix.len > 0)
        buf_printf(&out, " behind \"%.*s\"", (int)scheme->prefix.len, scheme->prefix.at);
    for (size_t i = 0; i < scheme->key_count; i++)
        buf_printf(&out, "%s%.*s", i == 0 ? " under the key " : " or ", (int)scheme->keys[i].len,
                   scheme->keys[i].at);
    tell(telling, "", "   the definition asks for %s", buf_text(&out));
}

static const struct {
    const char *reason, *says;
} reasons[] = {
    {"repeated", "it may be there only once"},
    {"too many", "at most 16 signatures may stand in one request"},
    {"malformed id", "it holds the character that stands behind it in the signed text, so that it could be "
                     "cut elsewhere"},
    {"no secret is live now",
     "each secret of the source has ended, or has not begun: pickupd check lists them"},
    {"malformed form", "{form_sorted} is signed, and the body is no form of at most 1000 fields"},
    {"public_url is not set", "set public_url in the source's section to the URL that the sender was given, "
                              "without its query"},
};

static bool is_about_time(const char *reason)
{
    return strcmp(reason, "too old") == 0 || strcmp(reason, "too far ahead") == 0 ||
           strcmp(reason, "malformed time") == 0;
}

/* How far off the signed time is, or that it can't be read. */
static void tell_time(struct telling *telling, const struct proof *proof)
{
    static const char *const forms[] = {"number of seconds since 1970", "number of milliseconds since 1970",
                                        "ISO 8601 time with a zone"};
    char now[TIME_TEXT];
    int64_t off = (proof->age < 0 ? -proof->age : proof->age) / 1000;
    time_write(now, telling->request->received);
    if (strcmp(proof->reason, "malformed time") == 0)
        tell(telling, "", "   it is no %s", forms[telling->source->definition->scheme->format]);
    else
        tell(telling, "",
             "   it is %lld s %s %s (now, or --at): say with --at when it was captured; else see the "
             "sender's clock, and the source's tolerance",
             (long long)off, proof->age < 0 ? "after" : "before", now);
}

/* All but the time, or besides it. */
static void tell_changes_at_any_time(struct telling *telling, const struct proof *found)
{
    struct proof proof = prove_at_any_time(telling);
    bool about_time = is_about_time(found->reason);
    if (proof.reason == NULL && !tell_changes(telling, true))
        tell(telling, "", "-> its signature is right, and only its time is not");
    if (proof.reason == NULL || tell_changes(telling, false) || strcmp(proof.reason, "wrong") != 0)
        return;
    tell(telling, "", "-> %sno change we know of makes it right: most likely the sender has another secret%s",
         about_time ? "its signature is wrong, too, and " : "",
         scheme_signs(telling->source->definition->scheme) ? ", or what was captured is not what was sent"
                                                           : "");
}

void tell_refusal(struct telling *telling, const struct proof *proof)
{
    const struct scheme *scheme = telling->source->definition->scheme;
    bool is_header;
    const char *place = place_of(scheme, proof->where, &is_header);
    tell(telling, "signature", "refused: %s%.*s%s%s", place, (int)proof->where.len, proof->where.at,
         proof->where.len > 0 ? ": " : "", proof->reason);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(reasons[i].reason, proof->reason) == 0)
            tell(telling, "", "   %s", reasons[i].says);
    if (is_about_time(proof->reason))
        tell_time(telling, proof);
    else if (is_header && strcmp(proof->reason, "public_url is not set") != 0)
        tell_header(telling, proof->where);
    else if (strcmp(proof->reason, "missing") == 0)
        tell_likely(telling, proof->where);
    if (strcmp(proof->reason, "malformed") == 0)
        tell_wanted(telling);
    tell_changes_at_any_time(telling, proof);
}

/*
 * What would make a request authentic is found by trying: the scheme, the source or the request is changed in
 * one way at a time, and verified again.
 */
#include "explain_parts.h"

#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "scheme_parts.h"

#define YEAR (INT64_C(366) * 86400 * 1000)

/* What is tried: copies that a change may do anything with. */
struct attempt {
    struct telling *telling;
    struct scheme scheme;
    struct source source;
    struct request request;
    const char *with;  /* of a change that has a name, such as a secret's */
    struct secret own; /* one that was made for it */
    struct proof proof;
};

static bool passes(struct attempt *attempt)
{
    return scheme_verify(&attempt->scheme, &attempt->source, &attempt->request, &attempt->telling->arena,
                         &attempt->proof) == ERR_OK;
}

/* Changes: each makes one, and says whether there is one to make. */

static bool without_newline(struct attempt *attempt)
{
    struct span *body = &attempt->request.body;
    if (body->len == 0 || body->at[body->len - 1] != '\n')
        return false;
    body->len -= body->len > 1 && body->at[body->len - 2] == '\r' ? 2 : 1;
    return true;
}

static bool with_ending(struct attempt *attempt, struct span ending)
{
    struct buf body = {.arena = &attempt->telling->arena};
    buf_add(&body, attempt->request.body);
    buf_add(&body, ending);
    attempt->request.body = buf_span(&body);
    return true;
}

static bool with_newline(struct attempt *attempt)
{
    return with_ending(attempt, SPAN("\n"));
}

static bool with_crlf(struct attempt *attempt)
{
    return with_ending(attempt, SPAN("\r\n"));
}

/* Other ends of all lines. */
static bool with_lines_ending(struct attempt *attempt, struct span ending)
{
    struct buf body = {.arena = &attempt->telling->arena};
    struct span rest = attempt->request.body;
    bool lines = rest.len > 0 && memchr(rest.at, '\n', rest.len) != NULL;
    for (size_t i = 0; i < rest.len; i++) {
        bool crlf = rest.at[i] == '\r' && i + 1 < rest.len && rest.at[i + 1] == '\n';
        if (rest.at[i] == '\n')
            buf_add(&body, ending);
        else if (!crlf)
            buf_add_char(&body, rest.at[i]);
    }
    attempt->request.body = buf_span(&body);
    return lines;
}

static bool in_lf(struct attempt *attempt)
{
    return with_lines_ending(attempt, SPAN("\n"));
}

static bool in_crlf(struct attempt *attempt)
{
    return with_lines_ending(attempt, SPAN("\r\n"));
}

static bool without_bom(struct attempt *attempt)
{
    if (!span_starts(attempt->request.body, SPAN("\xef\xbb\xbf")))
        return false;
    span_skip(&attempt->request.body, 3);
    return true;
}

static bool with_bom(struct attempt *attempt)
{
    struct buf body = {.arena = &attempt->telling->arena};
    buf_add(&body, SPAN("\xef\xbb\xbf"));
    buf_add(&body, attempt->request.body);
    attempt->request.body = buf_span(&body);
    return true;
}

static bool rewritten(struct attempt *attempt, void (*write)(struct buf *, const struct json *))
{
    struct json_fault fault;
    struct buf body = {.arena = &attempt->telling->arena};
    struct json *json = json_parse(attempt->request.body, &fault);
    if (json == NULL)
        return false;
    write(&body, json);
    json_free(json);
    attempt->request.body = buf_span(&body);
    return true;
}

static bool compact(struct attempt *attempt)
{
    return rewritten(attempt, json_put);
}

static bool sorted(struct attempt *attempt)
{
    return rewritten(attempt, json_put_sorted);
}

/* ", " and ": ", as Python writes it by itself. */
static void put_spaced(struct buf *out, const struct json *value)
{
    struct buf text CLEANUP(buf_free) = {0};
    bool quoted = false;
    json_put(&text, value);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        buf_add_char(out, c);
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\')
            buf_add_char(out, text.at[++i]);
        else if (!quoted && (c == ',' || c == ':'))
            buf_add_char(out, ' ');
    }
}

static bool spaced(struct attempt *attempt)
{
    return rewritten(attempt, put_spaced);
}

/* The code point of valid UTF-8 at *at, which moves to its last byte. */
static uint32_t code_point(struct span text, size_t *at)
{
    uint32_t first = (unsigned char)text.at[*at];
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t code = first & (0x3fu >> more);
    while (more-- > 0)
        code = code << 6 | ((unsigned char)text.at[++*at] & 0x3fu);
    return code;
}

/* That, and everything but ASCII as \u1234, as Python does, too, unless told otherwise. */
static void put_escaped(struct buf *out, const struct json *value)
{
    struct buf text CLEANUP(buf_free) = {0};
    put_spaced(&text, value);
    for (size_t i = 0; i < text.len; i++) {
        if ((text.at[i] & 0x80) == 0) {
            buf_add_char(out, text.at[i]);
            continue;
        }
        uint32_t code = code_point(buf_span(&text), &i);
        if (code > 0xffff)
            buf_printf(out, "\\u%04x", 0xd7c0 + (code >> 10));
        buf_printf(out, "\\u%04x", code > 0xffff ? 0xdc00 + (code & 0x3ff) : code);
    }
}

static bool escaped(struct attempt *attempt)
{
    struct span body = attempt->request.body;
    bool plain = true;
    for (size_t i = 0; i < body.len; i++)
        plain &= (body.at[i] & 0x80) == 0;
    return !plain && rewritten(attempt, put_escaped);
}

static bool encoded(struct attempt *attempt, enum encoding encoding)
{
    bool other = attempt->scheme.encoding != encoding && scheme_signs(&attempt->scheme);
    attempt->scheme.encoding = encoding;
    return other;
}

static bool in_hex(struct attempt *attempt)
{
    return encoded(attempt, ENCODING_HEX);
}

static bool in_base64(struct attempt *attempt)
{
    return encoded(attempt, ENCODING_BASE64);
}

/* Base64 without a character in which the two differ is called base64. */
static bool in_base64url(struct attempt *attempt)
{
    struct attempt other = *attempt;
    return encoded(attempt, ENCODING_BASE64URL) && !(in_base64(&other) && passes(&other));
}

static bool without_prefix(struct attempt *attempt)
{
    bool had = attempt->scheme.prefix.len > 0;
    attempt->scheme.prefix = SPAN("");
    return had;
}

static bool with_usual_prefix(struct attempt *attempt)
{
    static const struct span usual[] = {SPAN("sha256="), SPAN("sha1="), SPAN("sha512="),
                                        SPAN("v0="),     SPAN("v1="),   SPAN("Bearer ")};
    struct span asked = attempt->scheme.prefix;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (span_is(asked, usual[i]))
            continue;
        attempt->scheme.prefix = usual[i];
        attempt->with = usual[i].at;
        if (passes(attempt))
            return true;
    }
    return false;
}

static bool in_another_header(struct attempt *attempt)
{
    const struct request *request = &attempt->request;
    for (size_t i = 0; i < request->header_count; i++) {
        struct span name = request->headers[i].name;
        attempt->scheme.signature = (struct place){PLACE_HEADER, name};
        attempt->with = arena_copy(&attempt->telling->arena, name);
        if (passes(attempt))
            return true;
    }
    return false;
}

static bool without_key(struct attempt *attempt)
{
    bool had = attempt->scheme.pair != '\0';
    attempt->scheme.pair = '\0';
    return had;
}

static bool with_another_key(struct attempt *attempt)
{
    struct scheme *scheme = &attempt->scheme;
    struct span value = SPAN("");
    struct span key;
    if (scheme->pair == '\0' || scheme->signature.in != PLACE_HEADER)
        return false;
    request_header(&attempt->request, scheme->signature.name, &value);
    while (value.len > 0) {
        struct span element = scheme->list != '\0' ? span_trim(span_cut(&value, scheme->list)) : value;
        value = scheme->list != '\0' ? value : SPAN("");
        key = span_cut(&element, scheme->pair);
        scheme->keys = &key;
        scheme->key_count = 1;
        attempt->with = arena_copy(&attempt->telling->arena, key);
        if (passes(attempt)) {
            scheme->keys = arena_alloc(&attempt->telling->arena, sizeof key);
            scheme->keys[0] = key;
            return true;
        }
    }
    return false;
}

static bool in_a_list(struct attempt *attempt)
{
    static const char *const between[] = {",", ";", " "};
    struct attempt prefixed = *attempt; /* "Bearer x" is no list of two */
    if (attempt->scheme.list != '\0' || with_usual_prefix(&prefixed))
        return false;
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++) {
        attempt->scheme.list = between[i][0];
        attempt->with = i == 2 ? "a blank" : between[i];
        if (passes(attempt))
            return true;
    }
    return false;
}

/* Read in another format, a time is within a year of now, or it was not written so. */
static bool timed(struct attempt *attempt, enum time_format format)
{
    bool other = attempt->scheme.timestamp.in != PLACE_NONE && attempt->scheme.format != format;
    attempt->scheme.format = format;
    return other && passes(attempt) && attempt->proof.age < YEAR && attempt->proof.age > -YEAR;
}

static bool in_seconds(struct attempt *attempt)
{
    return timed(attempt, TIME_UNIX);
}

static bool in_milliseconds(struct attempt *attempt)
{
    return timed(attempt, TIME_UNIX_MS);
}

static bool in_iso8601(struct attempt *attempt)
{
    return timed(attempt, TIME_ISO8601);
}

static bool body_alone(struct attempt *attempt)
{
    static struct signed_part body = {SIGNED_BODY, {"", 0}};
    bool other = attempt->scheme.part_count > 1;
    attempt->scheme.parts = &body;
    attempt->scheme.part_count = 1;
    return other && attempt->scheme.kind != SCHEME_STATIC;
}

static bool signs_url(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->scheme.part_count; i++)
        if (attempt->scheme.parts[i].kind == SIGNED_URL)
            return true;
    return false;
}

static bool with_slash(struct attempt *attempt)
{
    struct span url = span_of(attempt->source.public_url);
    struct buf other = {.arena = &attempt->telling->arena};
    bool has = url.len > 0 && url.at[url.len - 1] == '/';
    buf_add(&other, (struct span){url.at, url.len - has});
    if (!has)
        buf_add_char(&other, '/');
    attempt->source.public_url = buf_text(&other);
    return signs_url(attempt);
}

static bool with_other_protocol(struct attempt *attempt)
{
    struct span url = span_of(attempt->source.public_url);
    struct buf other = {.arena = &attempt->telling->arena};
    bool is_https = span_starts(url, SPAN("https:"));
    if (!signs_url(attempt) || url.len < 6)
        return false;
    buf_add(&other, is_https ? SPAN("http:") : SPAN("https:"));
    buf_add(&other, (struct span){url.at + (is_https ? 6 : 5), url.len - (is_https ? 6 : 5)});
    attempt->source.public_url = buf_text(&other);
    return true;
}

/* As the Host header says, which is no proof of anything, and good enough for a hint. */
static bool with_url_as_sent(struct attempt *attempt)
{
    static const struct span protocols[] = {SPAN("https://"), SPAN("http://")};
    const struct request *request = &attempt->request;
    for (size_t i = 0; signs_url(attempt) && i < 2 * request->header_count; i++) {
        const struct header *header = &request->headers[i / 2];
        struct buf url = {.arena = &attempt->telling->arena};
        if (!span_is_nocase(header->name, SPAN("Host")) &&
            !span_is_nocase(header->name, SPAN("X-Forwarded-Host")))
            continue;
        buf_add(&url, protocols[i % 2]);
        buf_add(&url, header->value);
        buf_add(&url, request->path);
        attempt->with = attempt->source.public_url = buf_text(&url);
        if (passes(attempt))
            return true;
    }
    return false;
}

static bool without_query(struct attempt *attempt)
{
    bool had = attempt->request.query.len > 0;
    attempt->request.query = SPAN("");
    return had && signs_url(attempt);
}

static bool at_its_time(struct attempt *attempt)
{
    struct secret *all =
        arena_alloc(&attempt->telling->arena, (attempt->source.secret_count + 1) * sizeof *all);
    for (size_t i = 0; i < attempt->source.secret_count; i++) {
        all[i] = attempt->source.secrets[i];
        all[i].not_before = INT64_MIN;
        all[i].not_after = INT64_MAX;
    }
    attempt->source.secrets = all;
    if (!passes(attempt))
        return false;
    attempt->with = attempt->proof.secret->name;
    return true;
}

/* Whether secrets of one scheme are keys of the other as they are. */
static bool shares_keys(const struct scheme *a, const struct scheme *b)
{
    return a->kind == b->kind && (a->kind != SCHEME_HMAC || a->hash == b->hash);
}

static bool with_another_sources_secret(struct attempt *attempt)
{
    const struct sources *sources = attempt->telling->asked->sources;
    for (size_t i = 0; sources != NULL && i < sources->count; i++) {
        const struct source *other = &sources->all[i];
        if (other == attempt->telling->source || !shares_keys(&attempt->scheme, other->definition->scheme))
            continue;
        attempt->source.secrets = other->secrets;
        attempt->source.secret_count = other->secret_count;
        attempt->with = other->name;
        if (passes(attempt))
            return true;
    }
    return false;
}

/* The ways to use the text of a secret, as one number. */
#define FORM_COUNT (3 * 4 * 3 * 2)

static bool uses_text(struct attempt *attempt, const struct explain_secret *secret, int form, int changes)
{
    static const char *const hashes[] = {"sha256", "sha1", "sha512"};
    static const char *const encodings[] = {"text", "hex", "base64", "base64url"};
    const struct scheme *asked = attempt->telling->source->definition->scheme;
    const struct span strips[] = {asked->strip, SPAN(""), SPAN("whsec_")};
    struct scheme *scheme = &attempt->scheme;
    struct buf with = {.arena = &attempt->telling->arena};
    const char *why;
    scheme->hash = (enum hmac_hash)(form % 3);
    scheme->secret_encoding = (enum encoding)(form / 3 % 4);
    scheme->strip = strips[form / 12 % 3];
    bool trims = form / 36 > 0;
    struct span text = trims ? span_trim(secret->text) : secret->text;
    bool strips_now = scheme->strip.len > 0 && span_starts(text, scheme->strip);
    bool strips_then = asked->strip.len > 0 && span_starts(text, asked->strip);
    if ((scheme->hash != asked->hash) + (scheme->secret_encoding != asked->secret_encoding) +
            (strips_now != strips_then) + (text.len != secret->text.len) !=
        changes)
        return false;
    attempt->own.key = scheme_key_new(scheme, text, &why);
    attempt->source.secrets = &attempt->own;
    attempt->source.secret_count = 1;
    if (attempt->own.key != NULL && passes(attempt)) {
        buf_printf(&with, "%s with \"hash\": \"%s\", \"secret\": {\"encoding\": \"%s\"%s%.*s%s}%s",
                   secret->name, hashes[scheme->hash], encodings[scheme->secret_encoding],
                   strips_now ? ", \"strip\": \"" : "", strips_now ? (int)scheme->strip.len : 0,
                   scheme->strip.at, strips_now ? "\"" : "",
                   trims ? ", without the white space at its ends" : "");
        attempt->with = buf_text(&with);
        return true;
    }
    scheme_key_free(attempt->own.key);
    attempt->own.key = NULL;
    return false;
}

/* The form that differs least from what the definition says comes first. */
static bool in_another_form(struct attempt *attempt)
{
    const struct explain_case *asked = attempt->telling->asked;
    attempt->own = (struct secret){.name = "", .not_before = INT64_MIN, .not_after = INT64_MAX};
    for (int changes = 1; attempt->scheme.kind == SCHEME_HMAC && changes <= 4; changes++)
        for (size_t i = 0; i < asked->secret_count; i++)
            for (int form = 0; form < FORM_COUNT; form++)
                if (uses_text(attempt, &asked->secrets[i], form, changes))
                    return true;
    return false;
}

struct change {
    bool (*make)(struct attempt *attempt);
    const char *says;
};

/* How the time is read, which alone may be wrong where the signature is right. */
static const struct change time_changes[] = {
    {in_seconds,
     "it is right, but its time is in seconds: say \"format\": \"unix\" in the definition's timestamp"},
    {in_milliseconds, "it is right, but its time is in milliseconds: say \"format\": \"unix_ms\" in the "
                      "definition's timestamp"},
    {in_iso8601, "it is right, but its time is written as ISO 8601: say \"format\": \"iso8601\" in the "
                 "definition's timestamp"},
};

static const struct change changes[] = {
    {without_newline,
     "it is right for the body without its final newline: it was added on the way, or when capturing"},
    {with_newline,
     "it is right for the body with a newline (\\n) behind it: it was cut off on the way, or when capturing"},
    {with_crlf,
     "it is right for the body with \\r\\n behind it: it was cut off on the way, or when capturing"},
    {in_lf,
     "it is right for the body with \\n at the end of each line: something on the way makes it \\r\\n"},
    {in_crlf,
     "it is right for the body with \\r\\n at the end of each line: something on the way makes it \\n"},
    {without_bom, "it is right for the body without its byte order mark"},
    {with_bom, "it is right for the body with a byte order mark in front: it was lost on the way"},
    {compact,
     "it is right for the body written again as compact JSON: something on the way parses and rewrites it"},
    {sorted, "it is right for the body written again as JSON with sorted keys: the sender signs another text "
             "than it sends"},
    {spaced, "it is right for the body written again as JSON with blanks: something on the way parses and "
             "rewrites it"},
    {escaped,
     "it is right for the body written again as JSON with blanks and \\u escapes: something on the way "
     "parses and rewrites it"},
    {in_hex, "it is right, but written in hex: say \"encoding\": \"hex\" in the definition's signature"},
    {in_base64,
     "it is right, but written in base64: say \"encoding\": \"base64\" in the definition's signature"},
    {in_base64url,
     "it is right, but written in base64url: say \"encoding\": \"base64url\" in the definition's signature"},
    {without_prefix, "it is right, but lacks the prefix that the definition asks for"},
    {with_usual_prefix, "it is right, but has a prefix in front that the definition does not name: "},
    {in_another_header, "it is right in another header than the definition says: "},
    {without_key, "it is right, but has no key in front: leave \"pair\" and \"keys\" out of the definition's "
                  "signature"},
    {with_another_key, "it is right, but its key is none of the \"keys\" in the definition's signature: "},
    {in_a_list,
     "it is right, but is one of several in its header: say \"list\" in the definition's signature, "
     "which is "},
    {body_alone, "it is right for the body alone: the sender signs less than the definition says"},
    {with_slash, "it is right for the public_url with, or without, a slash at its end"},
    {with_other_protocol, "it is right for the public_url with the other of http and https"},
    {with_url_as_sent, "it is right for the URL as it was sent: set public_url to "},
    {without_query, "it is right for the URL without its query"},
    {at_its_time,
     "it was made with a secret of this source that is not live at that time (see its not_before and "
     "not_after): "},
    {in_another_form,
     "it was made with a secret of this source, but used otherwise than the definition says: "},
    {with_another_sources_secret, "it was made with a secret of another source: "},
};

/* A time of any age, so that each change is judged for itself. */
static struct attempt begin(struct telling *telling)
{
    struct attempt attempt = {.telling = telling,
                              .scheme = *telling->source->definition->scheme,
                              .source = *telling->source,
                              .request = *telling->request};
    attempt.scheme.past = attempt.scheme.future = INT64_MAX;
    return attempt;
}

/* The first of several changes that lead to the same body is enough: *body is the last that was told. */
static bool tell_change(struct telling *telling, const struct change *change, struct span *body)
{
    struct attempt attempt = begin(telling);
    bool right = change->make(&attempt) && passes(&attempt);
    bool changed = attempt.request.body.at != telling->request->body.at ||
                   attempt.request.body.len != telling->request->body.len;
    bool again = changed && body->at != NULL && span_is(attempt.request.body, *body);
    if (right && changed)
        *body = attempt.request.body;
    if (right && !again)
        tell(telling, "", "-> %s%s", change->says, attempt.with != NULL ? attempt.with : "");
    scheme_key_free(attempt.own.key);
    return right;
}

bool tell_changes(struct telling *telling, bool of_time)
{
    size_t found = 0;
    struct span body = {NULL, 0};
    for (size_t i = 0; i < sizeof time_changes / sizeof time_changes[0]; i++)
        found += tell_change(telling, &time_changes[i], &body);
    for (size_t i = 0; !of_time && i < sizeof changes / sizeof changes[0]; i++)
        found += tell_change(telling, &changes[i], &body);
    return found > 0;
}

struct proof prove_at_any_time(struct telling *telling)
{
    struct attempt attempt = begin(telling);
    if (passes(&attempt))
        attempt.proof.reason = NULL;
    return attempt.proof;
}

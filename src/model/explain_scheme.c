/*
 * Why a request is not authentic. What would make it so is found by trying: the scheme, the source or the
 * request is changed in one way at a time, and verified again.
 */
#include "explain_parts.h"

#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "scheme_parts.h"

/* What is tried: copies that a change may do anything with. */
struct attempt {
    struct telling *telling;
    struct scheme scheme;
    struct source source;
    struct request request;
    const char *with; /* of a change that has a name, such as a secret's */
};

static bool passes(struct attempt *attempt)
{
    struct proof proof;
    return scheme_verify(&attempt->scheme, &attempt->source, &attempt->request, &attempt->telling->arena,
                         &proof) == ERR_OK;
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

static bool without_bom(struct attempt *attempt)
{
    if (!span_starts(attempt->request.body, SPAN("\xef\xbb\xbf")))
        return false;
    span_skip(&attempt->request.body, 3);
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

static bool in_base64url(struct attempt *attempt)
{
    return encoded(attempt, ENCODING_BASE64URL);
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
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        attempt->scheme.prefix = usual[i];
        attempt->with = usual[i].at;
        if (passes(attempt))
            return true;
    }
    return false;
}

static bool timed(struct attempt *attempt, enum time_format format)
{
    bool other = attempt->scheme.timestamp.in != PLACE_NONE && attempt->scheme.format != format;
    attempt->scheme.format = format;
    return other;
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
    return true;
}

/* Whether secrets of one scheme are keys of the other as they are. */
static bool shares_keys(const struct scheme *a, const struct scheme *b)
{
    return a->kind == b->kind && (a->kind != SCHEME_HMAC || a->hash == b->hash);
}

static bool with_another_sources_secret(struct attempt *attempt)
{
    const struct sources *sources = attempt->telling->sources;
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

static const struct {
    bool (*make)(struct attempt *attempt);
    const char *says;
} changes[] = {
    {without_newline,
     "it is right for the body without its final newline: it was added on the way, or when capturing"},
    {with_newline,
     "it is right for the body with a newline (\\n) behind it: it was cut off on the way, or when capturing"},
    {with_crlf,
     "it is right for the body with \\r\\n behind it: it was cut off on the way, or when capturing"},
    {without_bom, "it is right for the body without its byte order mark"},
    {compact,
     "it is right for the body written again as compact JSON: something on the way parses and rewrites it"},
    {sorted, "it is right for the body written again as JSON with sorted keys: the sender signs another text "
             "than it sends"},
    {spaced, "it is right for the body written again as JSON with blanks: something on the way parses and "
             "rewrites it"},
    {in_hex, "it is right, but written in hex: say \"encoding\": \"hex\" in the definition's signature"},
    {in_base64,
     "it is right, but written in base64: say \"encoding\": \"base64\" in the definition's signature"},
    {in_base64url,
     "it is right, but written in base64url: say \"encoding\": \"base64url\" in the definition's signature"},
    {without_prefix, "it is right, but lacks the prefix that the definition asks for"},
    {with_usual_prefix, "it is right, but has a prefix in front that the definition does not name: "},
    {in_seconds,
     "it is right, but its time is in seconds: say \"format\": \"unix\" in the definition's timestamp"},
    {in_milliseconds, "it is right, but its time is in milliseconds: say \"format\": \"unix_ms\" in the "
                      "definition's timestamp"},
    {in_iso8601, "it is right, but its time is written as ISO 8601: say \"format\": \"iso8601\" in the "
                 "definition's timestamp"},
    {body_alone, "it is right for the body alone: the sender signs less than the definition says"},
    {with_slash, "it is right for the public_url with, or without, a slash at its end"},
    {with_other_protocol, "it is right for the public_url with the other of http and https"},
    {without_query, "it is right for the URL without its query"},
    {at_its_time,
     "it was made with a secret of this source that is not live at that time: see not_before and not_after"},
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

/* Tries one change; the time counts, or may be any. */
static bool tell_change(struct telling *telling, size_t change, bool any_time)
{
    const struct scheme *scheme = telling->source->definition->scheme;
    struct attempt attempt = begin(telling);
    if (!any_time) {
        attempt.scheme.past = scheme->past;
        attempt.scheme.future = scheme->future;
    }
    if (!changes[change].make(&attempt) || !passes(&attempt))
        return false;
    tell(telling, "", "-> %s%s", changes[change].says, attempt.with != NULL ? attempt.with : "");
    return true;
}

static bool tell_changes(struct telling *telling, bool any_time)
{
    size_t found = 0;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        found += tell_change(telling, i, any_time);
    return found > 0;
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

/* Where the value is, as far as a header holds it. */
static void tell_header(struct telling *telling, struct span name)
{
    struct span value = SPAN("");
    size_t count = request_header(telling->request, name, &value);
    if (count > 0)
        tell(telling, "", "   %.*s is there %zu time%s, and the first is %zu characters of %s", (int)name.len,
             name.at, count, count == 1 ? "" : "s", value.len, looks(value));
    if (count > 0)
        return;
    for (size_t i = 0; i < telling->request->header_count; i++) {
        struct span other = telling->request->headers[i].name;
        if (span_ends_nocase(other, SPAN("signature")) || span_ends_nocase(other, SPAN("sha256")) ||
            span_ends_nocase(other, SPAN("authorization")) || span_ends_nocase(other, SPAN("token")))
            tell(telling, "", "-> there is a header %.*s: is that what the sender signs with?",
                 (int)other.len, other.at);
    }
}

static bool is_about_time(const char *reason)
{
    return strcmp(reason, "too old") == 0 || strcmp(reason, "too far ahead") == 0 ||
           strcmp(reason, "malformed time") == 0;
}

/* How far off the signed time is, or that it can't be read. */
static void tell_time(struct telling *telling, const struct proof *proof)
{
    static const char *const forms[] = {"number of seconds", "number of milliseconds",
                                        "ISO 8601 time with a zone"};
    char now[TIME_TEXT];
    int64_t off = (proof->age < 0 ? -proof->age : proof->age) / 1000;
    time_write(now, telling->request->received);
    if (strcmp(proof->reason, "malformed time") == 0)
        tell(telling, "", "   it is no %s", forms[telling->source->definition->scheme->format]);
    else
        tell(telling, "",
             "   its time is %lld s %s %s; see --at, the sender's clock, and the source's tolerance",
             (long long)off, proof->age < 0 ? "after" : "before", now);
}

void tell_refusal(struct telling *telling, const struct proof *proof)
{
    struct attempt aged = begin(telling);
    bool about_time = is_about_time(proof->reason);
    tell(telling, "signature", "refused: %.*s%s%s", (int)proof->where.len, proof->where.at,
         proof->where.len > 0 ? ": " : "", proof->reason);
    if (about_time)
        tell_time(telling, proof);
    else
        tell_header(telling, proof->where);
    if (tell_changes(telling, !about_time))
        return;
    if (about_time && passes(&aged))
        tell(telling, "", "-> all but its time is right");
    else if (!tell_changes(telling, true) && strcmp(proof->reason, "wrong") == 0)
        tell(telling, "",
             "-> no change we know of makes it right: most likely the sender has another secret");
}

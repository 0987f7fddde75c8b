/* Compiling a definition's scheme. */
#include "scheme_parts.h"

#include "base/num.h"
#include "load.h"

#define FORM_FAULT   "has a json path, but the body is a form"
#define TOLERANCE_MS 300000 /* unless the definition says otherwise */

static const char *const kinds[] = {"hmac", "static", "basic", "ed25519", "ecdsa", NULL};
static const char *const hashes[] = {"sha256", "sha1", "sha512", NULL};
static const char *const encodings[] = {"text", "hex", "base64", "base64url", NULL};
static const char *const formats[] = {"unix", "unix_ms", "iso8601", NULL};

static bool has_one_star(struct span pattern)
{
    size_t stars = 0;
    for (size_t i = 0; i < pattern.len; i++)
        stars += pattern.at[i] == '*';
    return stars == 1;
}

static const char *const place_names[] = {
    [PLACE_HEADER] = "header", [PLACE_HEADER_PATTERN] = "header_pattern",
    [PLACE_QUERY] = "query",   [PLACE_JSON] = "json",
    [PLACE_KEY] = "key",
};

static void check_place(struct node node, const struct place *place)
{
    if (place->in == PLACE_HEADER_PATTERN && !has_one_star(place->name))
        node_fault(node, "must have one *");
    bool is_header = place->in == PLACE_HEADER || place->in == PLACE_HEADER_PATTERN;
    if (is_header && place->name.len > 0 && !request_is_name(place->name))
        node_fault(node, "no header can be called so");
}

/* Reads whichever of these places (PLACE_NONE ends them) is named; exactly one must be. */
static struct place place_load(struct node node, const enum place_kind *kinds_allowed)
{
    struct place place = {PLACE_NONE, SPAN("")};
    for (; *kinds_allowed != PLACE_NONE; kinds_allowed++) {
        struct node member = node_get(node, place_names[*kinds_allowed]);
        if (member.json == NULL)
            continue;
        if (place.in != PLACE_NONE)
            node_fault(member, "there is a place for it already");
        place = (struct place){*kinds_allowed, node_text(member)};
        check_place(member, &place);
    }
    if (place.in == PLACE_NONE)
        node_fault(node, "does not say where it stands");
    return place;
}

static char separator_load(struct node node)
{
    if (node.json == NULL)
        return '\0';
    struct span text = node_text(node);
    if (text.len != 1)
        node_fault(node, "must be one character");
    return text.at[0];
}

static void keys_load(struct node node, struct scheme *scheme)
{
    size_t count = json_kind(node.json) == JSON_ARR ? json_count(node.json) : 0;
    scheme->keys = arena_alloc(node.load->arena, (count + 1) * sizeof *scheme->keys);
    for (size_t i = 0; i < count; i++)
        scheme->keys[scheme->key_count++] = node_text(node_at(node, i));
    if (scheme->pair != '\0' && count == 0)
        node_fault(node, "must list the keys that count");
    if (scheme->pair == '\0' && node.json != NULL)
        node_fault(node, "goes with pair only");
}

static void signature_load(struct node node, struct scheme *scheme)
{
    static const char *const known[] = {"header", "header_pattern", "query", "json",     "prefix",
                                        "list",   "pair",           "keys",  "encoding", NULL};
    static const enum place_kind places[] = {PLACE_HEADER, PLACE_HEADER_PATTERN, PLACE_QUERY, PLACE_JSON,
                                             PLACE_NONE};
    struct node encoding = node_get(node, "encoding");
    struct node prefix = node_get(node, "prefix");
    if (!node_is_object(node))
        return;
    node_only(node, known);
    scheme->signature = place_load(node, places);
    scheme->list = separator_load(node_get(node, "list"));
    scheme->pair = separator_load(node_get(node, "pair"));
    keys_load(node_get(node, "keys"), scheme);
    if (scheme->list != '\0' && scheme->list == scheme->pair)
        node_fault(node_get(node, "list"), "must not be the character of pair");
    if (prefix.json != NULL)
        scheme->prefix = node_text(prefix);
    else if (scheme->kind == SCHEME_BASIC)
        scheme->prefix = SPAN("Basic ");
    if (encoding.json != NULL)
        scheme->encoding = (enum encoding)node_choice(encoding, encodings);
    else if (scheme->kind == SCHEME_BASIC)
        scheme->encoding = ENCODING_BASE64;
    if (scheme->kind != SCHEME_STATIC && scheme->encoding == ENCODING_TEXT)
        node_fault(encoding, "must be hex, base64 or base64url");
}

/* "300s"; "any" is no bound. */
static int64_t tolerance_load(struct node node, int64_t otherwise)
{
    int64_t seconds;
    if (node.json == NULL)
        return otherwise;
    struct span text = node_text(node);
    if (span_is(text, SPAN("any")))
        return INT64_MAX;
    if (!num_parse_duration(text, &seconds) || seconds < 1 || seconds > 366 * 86400) {
        node_fault(node, "must be a duration of 1s to 366d, or any");
        return otherwise;
    }
    return seconds * 1000;
}

static void timestamp_load(struct node node, struct scheme *scheme)
{
    static const char *const known[] = {"header", "query", "json", "key", "format", "past", "future", NULL};
    static const enum place_kind places[] = {PLACE_HEADER, PLACE_QUERY, PLACE_JSON, PLACE_KEY, PLACE_NONE};
    if (node.json == NULL || !node_is_object(node))
        return;
    node_only(node, known);
    scheme->timestamp = place_load(node, places);
    scheme->format = (enum time_format)node_choice(node_get(node, "format"), formats);
    scheme->past = tolerance_load(node_get(node, "past"), TOLERANCE_MS);
    scheme->future = tolerance_load(node_get(node, "future"), TOLERANCE_MS);
    if (scheme->timestamp.in == PLACE_KEY && (scheme->pair == '\0' || scheme->list == '\0'))
        node_fault(node_get(node, "key"), "needs a signature with list and pair");
}

static void id_load(struct node node, struct scheme *scheme)
{
    static const char *const known[] = {"header", NULL};
    static const enum place_kind places[] = {PLACE_HEADER, PLACE_NONE};
    if (node.json == NULL || !node_is_object(node))
        return;
    node_only(node, known);
    scheme->id = place_load(node, places);
}

/* What reads the body as JSON must not stand beside what reads it as a form: they would see two webhooks. */
static void check_place_of_form(struct node node, const struct scheme *scheme, const struct place *place)
{
    if (scheme->form && place->in == PLACE_JSON)
        node_fault(node, FORM_FAULT);
}

static void secret_load(struct node node, struct scheme *scheme)
{
    static const char *const known[] = {"strip", "encoding", NULL};
    struct node strip = node_get(node, "strip");
    struct node encoding = node_get(node, "encoding");
    if (node.json == NULL || !node_is_object(node))
        return;
    node_only(node, known);
    if (strip.json != NULL)
        scheme->strip = node_text(strip);
    if (encoding.json != NULL)
        scheme->secret_encoding = (enum encoding)node_choice(encoding, encodings);
}

/* The words of a signed text, and what each stands for. */
static const struct {
    struct span word;
    enum signed_kind kind;
} words[] = {
    {SPAN("body"), SIGNED_BODY},
    {SPAN("body_base64"), SIGNED_BODY_BASE64},
    {SPAN("timestamp"), SIGNED_TIMESTAMP},
    {SPAN("id"), SIGNED_ID},
    {SPAN("url"), SIGNED_URL},
    {SPAN("method"), SIGNED_METHOD},
    {SPAN("path"), SIGNED_PATH},
    {SPAN("form_sorted"), SIGNED_FORM_SORTED},
};

static bool word_load(struct span word, struct signed_part *part)
{
    struct span rest = word;
    struct span head = span_cut(&rest, ':');
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!span_is(words[i].word, word))
            continue;
        part->kind = words[i].kind;
        return true;
    }
    part->kind = span_is(head, SPAN("header")) ? SIGNED_HEADER : SIGNED_JSON;
    part->text = rest;
    return rest.len > 0 && (part->kind == SIGNED_HEADER || span_is(head, SPAN("json")));
}

static void signed_load(struct node node, struct scheme *scheme)
{
    struct span rest = node_text(node);
    scheme->parts = arena_alloc(node.load->arena, (rest.len + 1) * sizeof *scheme->parts);
    struct span literal, word;
    while (node_word(node, &rest, &literal, &word)) {
        if (literal.len > 0)
            scheme->parts[scheme->part_count++] = (struct signed_part){SIGNED_LITERAL, literal};
        if (word.at == NULL)
            break;
        struct signed_part *part = &scheme->parts[scheme->part_count++];
        if (!word_load(word, part))
            node_fault(node, "has a word in braces that is not known");
        if (part->kind == SIGNED_HEADER || part->kind == SIGNED_JSON)
            part->text.at = arena_copy(node.load->arena, part->text);
    }
}

/* A value of any form must end where a literal begins, or be the last; else it could be cut elsewhere. */
static void check_ends(struct node node, const struct scheme *scheme)
{
    for (size_t i = 0; i + 1 < scheme->part_count; i++) {
        if (scheme_is_free(scheme->parts[i].kind) && scheme->parts[i + 1].kind != SIGNED_LITERAL)
            node_fault(node, "needs a character behind {id}, {header:...} and {json:...}");
    }
}

/* What is checked must be signed, or a captured webhook could be sent again with another one. */
static void check_signed(struct node node, const struct scheme *scheme)
{
    if (scheme_has(scheme, SIGNED_TIMESTAMP) != (scheme->timestamp.in != PLACE_NONE))
        node_fault(node, "timestamp and {timestamp} in signed go together");
    if (scheme_has(scheme, SIGNED_ID) != (scheme->id.in != PLACE_NONE))
        node_fault(node, "id and {id} in signed go together");
}

static bool signs_body(const struct scheme *scheme)
{
    return scheme_has(scheme, SIGNED_BODY) || scheme_has(scheme, SIGNED_BODY_BASE64) ||
           scheme_has(scheme, SIGNED_FORM_SORTED);
}

/* Some senders sign a time and a type and no more. Whoever accepts that must say so. */
static void check_body(struct node node, const struct scheme *scheme)
{
    static const char *const unsigned_body[] = {"unsigned", NULL};
    struct node body = node_get(node, "body");
    if (body.json != NULL) {
        node_choice(body, unsigned_body);
        if (signs_body(scheme))
            node_fault(body, "does not go with what is signed");
    }
    if (body.json == NULL && !signs_body(scheme) && scheme->part_count > 0)
        node_fault(node_get(node, "signed"),
                   "signs nothing of the body; if so it is, say \"body\": \"unsigned\"");
}

static void check_unsigned(struct node node)
{
    static const char *const idle[] = {"hash", "signed", "timestamp", "id", "body"};
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
        if (node_get(node, idle[i]).json != NULL)
            node_fault(node_get(node, idle[i]), "does not go with this kind, which signs nothing");
}

const struct scheme *scheme_load(struct node node, bool form)
{
    static const char *const known[] = {"kind", "hash",   "secret", "signature", "timestamp",
                                        "id",   "signed", "body",   NULL};
    struct scheme *scheme = arena_alloc(node.load->arena, sizeof *scheme);
    scheme->form = form;
    if (!node_is_object(node))
        return scheme;
    node_only(node, known);
    scheme->kind = (enum scheme_kind)node_choice(node_get(node, "kind"), kinds);
    secret_load(node_get(node, "secret"), scheme);
    signature_load(node_get(node, "signature"), scheme);
    check_place_of_form(node_get(node, "signature"), scheme, &scheme->signature);
    if (scheme->kind == SCHEME_STATIC || scheme->kind == SCHEME_BASIC) {
        check_unsigned(node);
        return scheme;
    }
    if (scheme->kind != SCHEME_HMAC && node_get(node, "hash").json != NULL)
        node_fault(node_get(node, "hash"), "does not go with this kind");
    if (scheme->kind == SCHEME_HMAC)
        scheme->hash = (enum hmac_hash)node_choice(node_get(node, "hash"), hashes);
    timestamp_load(node_get(node, "timestamp"), scheme);
    check_place_of_form(node_get(node, "timestamp"), scheme, &scheme->timestamp);
    id_load(node_get(node, "id"), scheme);
    signed_load(node_get(node, "signed"), scheme);
    check_ends(node_get(node, "signed"), scheme);
    if (form && scheme_has(scheme, SIGNED_JSON))
        node_fault(node_get(node, "signed"), FORM_FAULT);
    check_signed(node, scheme);
    check_body(node, scheme);
    return scheme;
}

const struct scheme *scheme_elsewhere(struct node node, const struct scheme *scheme)
{
    static const char *const known[] = {"header", "query", "json", NULL};
    static const enum place_kind places[] = {PLACE_HEADER, PLACE_QUERY, PLACE_JSON, PLACE_NONE};
    struct scheme *copy = arena_alloc(node.load->arena, sizeof *copy);
    if (!node_is_object(node))
        return scheme;
    node_only(node, known);
    *copy = *scheme;
    copy->signature = place_load(node, places);
    check_place_of_form(node, copy, &copy->signature);
    copy->prefix = SPAN("");
    if (scheme->kind != SCHEME_STATIC)
        node_fault(node, "goes with a static scheme only");
    return copy;
}

static bool has_part(const struct scheme *scheme, enum signed_kind kind, struct span text)
{
    for (size_t i = 0; i < scheme->part_count; i++)
        if (scheme->parts[i].kind == kind &&
            (kind == SIGNED_HEADER ? span_is_nocase(scheme->parts[i].text, text)
                                   : span_is(scheme->parts[i].text, text)))
            return true;
    return false;
}

/*
 * A path into the body. A form's fields have no end: where they are signed one behind the other a name could
 * take over a part of its value, and letters of {url} could be moved into them.
 */
static bool covers_body(const struct scheme *scheme)
{
    return scheme_has(scheme, SIGNED_BODY_BASE64) ||
           (scheme_has(scheme, SIGNED_BODY) && !(scheme->form && scheme_has(scheme, SIGNED_URL)));
}

/* {url} has no end either, so what else is signed must be of one form. */
static bool covers_query(const struct scheme *scheme)
{
    for (size_t i = 0; i < scheme->part_count; i++)
        switch (scheme->parts[i].kind) {
        case SIGNED_URL:
        case SIGNED_LITERAL:
        case SIGNED_TIMESTAMP:
        case SIGNED_METHOD:
            continue;
        default:
            return false;
        }
    return scheme_has(scheme, SIGNED_URL);
}

/* {json:a} counts from the whole body: "a" is the same only where the row is the payload. */
static bool covers_json(const struct scheme *scheme, const struct path *path, bool has_rows)
{
    struct span name = span_of(path->name);
    if (path->root == PATH_PAYLOAD && path->depth > 0)
        span_skip(&name, 2); /* "$." */
    return (path->root == PATH_PAYLOAD || !has_rows) && has_part(scheme, SIGNED_JSON, name);
}

bool scheme_covers(const struct scheme *scheme, const struct path *path, bool has_rows)
{
    struct span name = path->depth > 0 ? path->steps[path->depth - 1].name : SPAN("");
    if (!scheme_signs(scheme))
        return true;
    if (path->root != PATH_REQUEST)
        return covers_body(scheme) || covers_json(scheme, path, has_rows);
    if (span_is(path->steps[0].name, SPAN(PATH_QUERY)))
        return covers_query(scheme);
    bool is_id = scheme->id.in == PLACE_HEADER && span_is_nocase(scheme->id.name, name);
    return is_id || has_part(scheme, SIGNED_HEADER, name);
}

bool scheme_signs_as_text(const struct scheme *scheme, const struct path *path, bool has_rows)
{
    return scheme_signs(scheme) && path->root != PATH_REQUEST && !covers_body(scheme) &&
           covers_json(scheme, path, has_rows);
}

bool scheme_can_hmac(const struct scheme *scheme)
{
    return scheme->kind == SCHEME_HMAC;
}

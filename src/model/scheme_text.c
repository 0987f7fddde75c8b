/* What a request says: values at their places, and the text that was signed. */
#include "scheme_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "form.h"

bool scheme_ends(struct checking *checking, const char *reason)
{
    checking->reason = reason;
    return false;
}

/* What a path leads to in the body, as a text. */
static bool json_value(struct checking *checking, struct span path, struct span *value)
{
    struct json_fault fault;
    checking->where = path;
    if (checking->json == NULL)
        checking->json = json_parse(checking->request->body, &fault);
    const struct json *at = checking->json;
    while (path.len > 0 && at != NULL)
        at = json_get(at, arena_copy(checking->arena, span_cut(&path, '.')));
    struct buf number = {.arena = checking->arena};
    if (json_kind(at) == JSON_INT)
        buf_add_int(&number, json_int(at));
    *value = json_kind(at) == JSON_INT ? buf_span(&number) : json_str(at);
    return value->len > 0 || scheme_ends(checking, "missing");
}

static bool query_value(struct checking *checking, struct span name, struct span *value)
{
    struct form_field *fields;
    int count = form_read(checking->request->query, checking->arena, &fields);
    size_t found = 0;
    for (int i = 0; i < count; i++) {
        if (!span_is(fields[i].name, name))
            continue;
        *value = fields[i].value;
        found++;
    }
    if (found > 1)
        return scheme_ends(checking, "repeated");
    return (found == 1 && value->len > 0) || scheme_ends(checking, "missing");
}

bool scheme_value(struct checking *checking, const struct place *place, struct span *value)
{
    size_t found;
    *value = SPAN("");
    checking->where = place->name;
    switch (place->in) {
    case PLACE_HEADER:
        found = request_header(checking->request, place->name, value);
        break;
    case PLACE_QUERY:
        return query_value(checking, place->name, value);
    case PLACE_JSON:
        return json_value(checking, place->name, value);
    default: /* a key beside the signature */
        found = checking->key_values;
        *value = checking->key_value;
    }
    if (found > 1)
        return scheme_ends(checking, "repeated");
    return (found == 1 && value->len > 0) || scheme_ends(checking, "missing");
}

static int compare(struct span x, struct span y)
{
    size_t common = x.len < y.len ? x.len : y.len;
    int order = common > 0 ? memcmp(x.at, y.at, common) : 0;
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* Values of one name are sorted, too, as Twilio's libraries do it. */
static int by_name(const void *a, const void *b)
{
    const struct form_field *x = a;
    const struct form_field *y = b;
    int order = compare(x->name, y->name);
    return order != 0 ? order : compare(x->value, y->value);
}

static bool sorted_form(struct span body, struct arena *arena, struct buf *out)
{
    struct form_field *fields;
    int count = form_read(body, arena, &fields);
    if (count < 0)
        return false;
    qsort(fields, (size_t)count, sizeof *fields, by_name);
    for (int i = 0; i < count; i++) {
        buf_add(out, fields[i].name);
        buf_add(out, fields[i].value);
    }
    return true;
}

static bool add_url(struct checking *checking, struct buf *out)
{
    if (*checking->source->public_url == '\0')
        return scheme_ends(checking, "public_url is not set");
    buf_add(out, span_of(checking->source->public_url));
    if (checking->request->query.len > 0) {
        buf_add_char(out, '?');
        buf_add(out, checking->request->query);
    }
    return true;
}

static bool expand(struct checking *checking, const struct signed_part *part, struct span *text)
{
    struct buf out = {.arena = checking->arena};
    struct place header = {PLACE_HEADER, part->text};
    bool good = true;
    switch (part->kind) {
    case SIGNED_LITERAL:
        *text = part->text;
        return true;
    case SIGNED_BODY:
        *text = checking->request->body;
        return true;
    case SIGNED_TIMESTAMP:
        *text = checking->timestamp;
        return true;
    case SIGNED_ID:
        *text = checking->id;
        return true;
    case SIGNED_METHOD:
        *text = checking->request->method;
        return true;
    case SIGNED_PATH:
        *text = checking->request->path;
        return true;
    case SIGNED_HEADER:
        return scheme_value(checking, &header, text);
    case SIGNED_JSON:
        return json_value(checking, part->text, text);
    case SIGNED_BODY_BASE64:
        base64_write(&out, checking->request->body);
        break;
    case SIGNED_URL:
        good = add_url(checking, &out);
        break;
    case SIGNED_FORM_SORTED:
        good = sorted_form(checking->request->body, checking->arena, &out) ||
               scheme_ends(checking, "malformed form");
        break;
    }
    *text = buf_span(&out);
    return good;
}

bool scheme_is_free(enum signed_kind kind)
{
    return kind == SIGNED_ID || kind == SIGNED_HEADER || kind == SIGNED_JSON;
}

/*
 * A value that holds the character behind it could be cut elsewhere: "a.b" + "." + "c" is also "a" + "." +
 * "b.c". The loader sees to it that there is a character. A time needs none: what is moved into it makes it
 * no time.
 */
static bool ends_where_it_should(struct checking *checking, size_t i, struct span value)
{
    const struct signed_part *part = &checking->scheme->parts[i];
    if (!scheme_is_free(part->kind) || i + 1 == checking->scheme->part_count)
        return true;
    checking->where = part->kind == SIGNED_ID ? checking->scheme->id.name : part->text;
    return memchr(value.at, part[1].text.at[0], value.len) == NULL || scheme_ends(checking, "malformed id");
}

bool scheme_text(struct checking *checking, struct span **parts)
{
    const struct scheme *scheme = checking->scheme;
    *parts = arena_alloc(checking->arena, (scheme->part_count + 1) * sizeof **parts);
    for (size_t i = 0; i < scheme->part_count; i++)
        if (!expand(checking, &scheme->parts[i], &(*parts)[i]) ||
            !ends_where_it_should(checking, i, (*parts)[i]))
            return false;
    return true;
}

bool scheme_has(const struct scheme *scheme, enum signed_kind kind)
{
    for (size_t i = 0; i < scheme->part_count; i++)
        if (scheme->parts[i].kind == kind)
            return true;
    return false;
}

struct span scheme_text_kept(const struct checking *checking, const struct span *parts)
{
    const struct scheme *scheme = checking->scheme;
    struct buf out = {.arena = checking->arena};
    if (!scheme_has(scheme, SIGNED_URL) && !scheme_has(scheme, SIGNED_FORM_SORTED))
        return (struct span){0};
    for (size_t i = 0; i < scheme->part_count; i++)
        if (scheme->parts[i].kind != SIGNED_TIMESTAMP && scheme->parts[i].kind != SIGNED_ID)
            buf_add(&out, parts[i]);
    return buf_span(&out);
}

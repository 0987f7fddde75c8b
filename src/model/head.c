/* Reading a request's head. */
#include "head.h"

#include <string.h>

#include "base/json.h"
#include "form.h"

static const struct span secretive[] = {SPAN("authorization"), SPAN("cookie"),    SPAN("secret"),
                                        SPAN("token"),         SPAN("signature"), SPAN("password"),
                                        SPAN("apikey"),        SPAN("api-key")};

static bool holds(struct span text, struct span part)
{
    for (; text.len >= part.len; span_skip(&text, 1))
        if (span_starts_nocase(text, part))
            return true;
    return false;
}

static bool may_be_secret(const struct scheme *scheme, struct span name)
{
    for (size_t i = 0; i < sizeof secretive / sizeof secretive[0]; i++)
        if (holds(name, secretive[i]))
            return true;
    return span_is_nocase(name, scheme_place(scheme));
}

static bool is_text(struct span text)
{
    return json_is_utf8(text) && (text.len == 0 || memchr(text.at, '\0', text.len) == NULL);
}

static void add(const struct scheme *scheme, struct span name, struct span value, struct buf *out)
{
    if (may_be_secret(scheme, name) || !is_text(name) || !is_text(value))
        return;
    json_key(out, name);
    json_put_str(out, value);
}

static struct span lower(struct span text, struct arena *arena)
{
    char *copy = arena_copy(arena, text);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = copy[i] >= 'A' && copy[i] <= 'Z' ? (char)(copy[i] + 'a' - 'A') : copy[i];
    return (struct span){copy, text.len};
}

static void add_headers(const struct scheme *scheme, const struct request *request, struct arena *arena,
                        struct buf *out)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct span value;
        struct span name = request->headers[i].name;
        if (request_header(request, name, &value) == 1)
            add(scheme, lower(name, arena), value, out);
    }
}

static bool is_single(const struct form_field *fields, int count, int at)
{
    for (int i = 0; i < count; i++)
        if (i != at && span_is(fields[i].name, fields[at].name))
            return false;
    return true;
}

static void add_query(const struct scheme *scheme, struct span query, struct arena *arena, struct buf *out)
{
    struct form_field *fields;
    int count = form_read(query, arena, &fields);
    for (int i = 0; i < count; i++)
        if (is_single(fields, count, i))
            add(scheme, fields[i].name, fields[i].value, out);
}

void head_write(const struct scheme *scheme, const struct request *request, struct arena *arena,
                struct buf *out)
{
    json_open(out, '{');
    json_key(out, SPAN("header"));
    json_open(out, '{');
    add_headers(scheme, request, arena, out);
    json_close(out, '}');
    json_key(out, SPAN("query"));
    json_open(out, '{');
    add_query(scheme, request->query, arena, out);
    json_close(out, '}');
    json_close(out, '}');
}

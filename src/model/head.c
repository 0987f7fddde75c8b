/* Reading a request's head. */
#include "head.h"

#include <string.h>

#include "base/json.h"
#include "form.h"
#include "rules.h"

static const struct span secretive[] = {SPAN("auth"),  SPAN("cookie"),     SPAN("secret"),
                                        SPAN("token"), SPAN("signature"),  SPAN("passw"),
                                        SPAN("key"),   SPAN("credential"), SPAN("session")};

static bool holds(struct span text, struct span part)
{
    for (; text.len >= part.len; span_skip(&text, 1))
        if (span_starts_nocase(text, part))
            return true;
    return false;
}

/* Which is no secret. */
static bool is_idempotency_key(struct span name)
{
    if (span_starts_nocase(name, SPAN("x-")))
        span_skip(&name, 2);
    return span_is_nocase(name, SPAN("idempotency-key")) || span_is_nocase(name, SPAN("idempotency_key"));
}

bool head_hides(struct span name)
{
    if (is_idempotency_key(name))
        return false;
    for (size_t i = 0; i < sizeof secretive / sizeof secretive[0]; i++)
        if (holds(name, secretive[i]))
            return true;
    return false;
}

/* What the scheme, or a handshake, looks for its signature or secret in. */
static bool is_place(const struct definition *definition, struct span name)
{
    const struct rules *rules = definition->rules;
    for (size_t i = 0; i < rules->handshake_count; i++)
        if (scheme_looks_in(rules->handshakes[i].scheme, name))
            return true;
    return scheme_looks_in(definition->scheme, name);
}

static bool is_text(struct span text)
{
    return json_is_utf8(text) && (text.len == 0 || memchr(text.at, '\0', text.len) == NULL);
}

static void add(const struct definition *definition, struct span name, struct span value, struct buf *out)
{
    if (head_hides(name) || is_place(definition, name) || !is_text(name) || !is_text(value))
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

static void add_headers(const struct definition *definition, const struct request *request,
                        struct arena *arena, struct buf *out)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct span value;
        struct span name = request->headers[i].name;
        if (request_header(request, name, &value) == 1)
            add(definition, lower(name, arena), value, out);
    }
}

static bool is_single(const struct form_field *fields, int count, int at)
{
    for (int i = 0; i < count; i++)
        if (i != at && span_is(fields[i].name, fields[at].name))
            return false;
    return true;
}

static void add_query(const struct definition *definition, struct span query, struct arena *arena,
                      struct buf *out)
{
    struct form_field *fields;
    int count = form_read(query, arena, &fields);
    for (int i = 0; i < count; i++)
        if (is_single(fields, count, i))
            add(definition, fields[i].name, fields[i].value, out);
}

void head_write(const struct definition *definition, const struct request *request, struct arena *arena,
                struct buf *out)
{
    json_open(out, '{');
    json_key(out, SPAN("header"));
    json_open(out, '{');
    add_headers(definition, request, arena, out);
    json_close(out, '}');
    json_key(out, SPAN("query"));
    json_open(out, '{');
    add_query(definition, request->query, arena, out);
    json_close(out, '}');
    json_close(out, '}');
}

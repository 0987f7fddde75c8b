/*
 * A text that may be JSON: our reader takes what the library takes, and sees in it what the library sees; and
 * what is read, written and read again is the same.
 */
#include "fuzz.h"

#include <jansson.h>

static void check_same(const struct json *value, const json_t *theirs);

static void check_object(const struct json *value, json_t *theirs)
{
    void *at = NULL;
    const char *name;
    const struct json *member;
    HOLDS(json_count(value) == json_object_size(theirs));
    while (json_next(value, &at, &name, &member)) {
        HOLDS(json_object_get(theirs, name) != NULL);
        HOLDS(json_get(value, name) == member);
        check_same(member, json_object_get(theirs, name));
    }
}

static void check_array(const struct json *value, const json_t *theirs)
{
    HOLDS(json_count(value) == json_array_size(theirs));
    for (size_t i = 0; i < json_count(value); i++)
        check_same(json_at(value, i), json_array_get(theirs, i));
}

static void check_real(const struct json *value, const json_t *theirs)
{
    struct buf text CLEANUP(buf_free) = {0};
    json_put(&text, value);
    HOLDS(strtod(buf_text(&text), NULL) == json_real_value(theirs));
}

static void check_same(const struct json *value, const json_t *theirs)
{
    switch (json_kind(value)) {
    case JSON_OBJ:
        HOLDS(json_is_object(theirs));
        check_object(value, (json_t *)theirs);
        break;
    case JSON_ARR:
        HOLDS(json_is_array(theirs));
        check_array(value, theirs);
        break;
    case JSON_STR:
        HOLDS(json_is_string(theirs) && json_string_length(theirs) == json_str(value).len);
        HOLDS(memcmp(json_string_value(theirs), json_str(value).at, json_str(value).len + 1) == 0);
        break;
    case JSON_INT:
        HOLDS(json_is_integer(theirs) && json_integer_value(theirs) == json_int(value));
        break;
    case JSON_NUM:
        HOLDS(json_is_real(theirs));
        check_real(value, theirs);
        break;
    case JSON_BOOL:
        HOLDS(json_is_boolean(theirs) && json_is_true(theirs) == json_bool(value));
        break;
    case JSON_ABSENT:
        HOLDS(json_is_null(theirs));
        break;
    }
}

static void check_library(const struct json *value, struct span text)
{
    json_t *theirs = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    bool has_nul =
        text.len > 0 && memchr(text.at, '\0', text.len) != NULL; /* which it takes behind a number */
    HOLDS((value == NULL) == (theirs == NULL) || (value == NULL && has_nul));
    if (value != NULL)
        check_same(value, theirs);
    json_decref(theirs);
}

static struct span put(struct arena *arena, void (*write)(struct buf *out, const struct json *value),
                       const struct json *value)
{
    struct buf out = {.arena = arena};
    write(&out, value);
    return buf_span(&out);
}

static void put_reversed(struct buf *out, const struct json *value);

/* The member behind this one, then this one. */
static void put_members(struct buf *out, const struct json *object, void *at)
{
    const char *name;
    const struct json *value;
    if (!json_next(object, &at, &name, &value))
        return;
    put_members(out, object, at);
    json_key(out, span_of(name));
    put_reversed(out, value);
}

/* Members from the last to the first. */
static void put_reversed(struct buf *out, const struct json *value)
{
    if (json_kind(value) == JSON_OBJ) {
        json_open(out, '{');
        put_members(out, value, NULL);
        json_close(out, '}');
    } else if (json_kind(value) == JSON_ARR) {
        json_open(out, '[');
        for (size_t i = 0; i < json_count(value); i++)
            put_reversed(out, json_at(value, i));
        json_close(out, ']');
    } else {
        json_put(out, value);
    }
}

static void check_trip(struct arena *arena, void (*write)(struct buf *out, const struct json *value),
                       const struct json *value)
{
    struct json_fault fault;
    struct json *again = json_parse(put(arena, write, value), &fault);
    HOLDS(again != NULL && json_same(value, again));
    HOLDS(span_is(put(arena, json_put_sorted, value), put(arena, json_put_sorted, again)));
    json_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault = {0};
    struct json *json = json_parse(fuzz_span(data, size), &fault);
    HOLDS((json == NULL) == (fault.what != NULL) && fault.byte <= size);
    check_library(json, fuzz_span(data, size));
    if (json != NULL) {
        check_trip(&arena, json_put, json);
        check_trip(&arena, json_put_sorted, json);
        check_trip(&arena, put_reversed, json);
    }
    json_free(json);
    return 0;
}

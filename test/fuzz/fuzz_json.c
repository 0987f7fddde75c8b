/* A text that may be JSON: what is read, written and read again is the same. */
#include "fuzz.h"

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
    if (json != NULL) {
        check_trip(&arena, json_put, json);
        check_trip(&arena, json_put_sorted, json);
        check_trip(&arena, put_reversed, json);
    }
    json_free(json);
    return 0;
}

/* Confirmations: an object of terms, and of objects of terms. */
#include "model/confirmation.h"

#include <string.h>

#include "base/json.h"
#include "load.h"

struct line {
    struct span key;                  /* as JSON with its colon */
    enum term term;                   /* unless it is an object */
    const struct confirmation *inner; /* the object, or NULL */
};

struct confirmation {
    struct line *lines;
    size_t count;
};

static const struct span words[] = {
#define TERM(name, text) [TERM_##name] = {"{" text "}", sizeof(text) + 1},
#include "tbl/term.h"
};

static bool all_null(const struct confirmation *confirmation, const struct span terms[TERM_COUNT])
{
    for (size_t i = 0; i < confirmation->count; i++)
        if (!span_is(terms[confirmation->lines[i].term], SPAN("null")))
            return false;
    return true;
}

void confirmation_write(const struct confirmation *confirmation, const struct span terms[TERM_COUNT],
                        struct buf *out)
{
    json_open(out, '{');
    for (size_t i = 0; i < confirmation->count; i++) {
        const struct line *line = &confirmation->lines[i];
        json_put_raw(out, line->key);
        if (line->inner == NULL)
            json_put_raw(out, terms[line->term]);
        else if (all_null(line->inner, terms))
            json_put_raw(out, SPAN("null"));
        else
            confirmation_write(line->inner, terms, out);
    }
    json_close(out, '}');
}

static enum term term_load(struct node node)
{
    struct span text = json_str(node.json);
    for (size_t i = 0; i < TERM_COUNT; i++)
        if (span_is(words[i], text))
            return (enum term)i;
    node_fault(node, "must be a term in braces, such as {pickupId}");
    return TERM_STATUS;
}

static struct confirmation *lines_load(struct node node, bool outermost)
{
    void *at = NULL;
    const char *key;
    const struct json *value;
    struct arena *arena = node.load->arena;
    struct confirmation *confirmation = arena_alloc(arena, sizeof *confirmation);
    confirmation->lines = arena_alloc(arena, (json_count(node.json) + 1) * sizeof *confirmation->lines);
    while (json_next(node.json, &at, &key, &value)) {
        struct line *line = &confirmation->lines[confirmation->count++];
        struct node member = node_get(node, key);
        line->key = node_key(node.load, span_of(key));
        if (json_kind(value) == JSON_OBJ && outermost)
            line->inner = lines_load(member, false);
        else
            line->term = term_load(member);
    }
    return confirmation;
}

const struct confirmation *confirmation_load(struct node node)
{
    return node_is_object(node) ? lines_load(node, true) : NULL;
}

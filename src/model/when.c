/* Compiling and testing conditions. */
#include "when.h"

#include "literal.h"
#include "load.h"

struct condition {
    struct path path;
    enum { IS_ONE_OF, IS_THERE, IS_NOT_THERE } wants;
    struct literal *values;
    size_t count;
};

struct when {
    struct condition *conditions;
    size_t count;
};

static void value_load(struct node node, const struct path *path, struct literal *literal)
{
    if (!literal_load(node, literal) || span_is(literal->text, SPAN("*")))
        node_fault(node, "must be a text, a whole number, true, false, null, or a list of them");
    else if (path->root == PATH_REQUEST && literal->kind != JSON_STR)
        node_fault(node, "must be a text: there is nothing else in a request's head");
}

static void condition_load(struct node node, const char *path, struct condition *condition)
{
    bool is_list = json_kind(node.json) == JSON_ARR;
    if (!path_read(node.load, span_of(path), &condition->path))
        node_fault(node, "its key is no path");
    else
        path_check(node, &condition->path);
    if (json_kind(node.json) == JSON_ABSENT) {
        condition->wants = IS_NOT_THERE;
        return;
    }
    if (span_is(json_str(node.json), SPAN("*"))) {
        condition->wants = IS_THERE;
        return;
    }
    condition->count = is_list ? node_list(node) : 1;
    condition->values = arena_alloc(node.load->arena, (condition->count + 1) * sizeof *condition->values);
    for (size_t i = 0; i < condition->count; i++)
        value_load(is_list ? node_at(node, i) : node, &condition->path, &condition->values[i]);
}

const struct when *when_load(struct node node)
{
    void *at = NULL;
    const char *path;
    const struct json *value;
    struct when *when = arena_alloc(node.load->arena, sizeof *when);
    if (node.json == NULL || !node_is_object(node))
        return when;
    when->conditions = arena_alloc(node.load->arena, (json_count(node.json) + 1) * sizeof *when->conditions);
    while (json_next(node.json, &at, &path, &value))
        condition_load(node_get(node, path), path, &when->conditions[when->count++]);
    if (when->count == 0)
        node_fault(node, "must say something, or be left out");
    return when;
}

static bool condition_holds(const struct condition *condition, const struct data *data)
{
    const struct json *value = path_follow(&condition->path, data, NULL);
    bool there = json_kind(value) != JSON_ABSENT;
    if (condition->wants != IS_ONE_OF)
        return there == (condition->wants == IS_THERE);
    for (size_t i = 0; i < condition->count; i++)
        if (literal_is(&condition->values[i], value, false))
            return true;
    return false;
}

bool when_holds(const struct when *when, const struct data *data)
{
    for (size_t i = 0; i < when->count; i++)
        if (!condition_holds(&when->conditions[i], data))
            return false;
    return true;
}

static void describe(const struct condition *condition, struct buf *out)
{
    buf_printf(out, "%s must be%s", condition->path.name,
               condition->wants == IS_THERE       ? " there"
               : condition->wants == IS_NOT_THERE ? " absent"
                                                  : "");
    for (size_t i = 0; i < condition->count; i++) {
        const struct literal *value = &condition->values[i];
        buf_add(out, i > 0 ? SPAN(" or ") : SPAN(" "));
        struct buf quoted CLEANUP(buf_free) = {0};
        json_put_str(&quoted, value->text);
        if (value->kind == JSON_STR)
            buf_add(out, buf_span(&quoted));
        else if (value->kind == JSON_INT)
            buf_add_int(out, value->number);
        else
            buf_add(out, value->number != 0 ? SPAN("true") : SPAN("false"));
    }
}

void when_describe(const struct when *when, const struct data *data, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < when->count; i++) {
        if (data != NULL && condition_holds(&when->conditions[i], data))
            continue;
        buf_add(out, first ? SPAN("") : SPAN(" and "));
        describe(&when->conditions[i], out);
        first = false;
    }
}

bool when_is_covered(const struct when *when, const struct scheme *scheme, bool has_rows)
{
    for (size_t i = 0; i < when->count; i++)
        if (!scheme_covers(scheme, &when->conditions[i].path, has_rows))
            return false;
    return true;
}

bool when_is_always(const struct when *when)
{
    return when->count == 0;
}

/* JSON values that know their path. */
#include "node.h"

#include <string.h>

void node_fault(struct node node, const char *what)
{
    faults_add(node.load->faults, "%s: %s%s%s", node.load->file, node.path, *node.path ? ": " : "", what);
}

struct node node_get(struct node object, const char *key)
{
    struct buf path = {.arena = object.load->arena};
    buf_printf(&path, "%s%s%s", object.path, *object.path ? "." : "", key);
    return (struct node){object.load, json_get(object.json, key), buf_text(&path)};
}

bool node_is_object(struct node node)
{
    if (json_kind(node.json) == JSON_OBJ)
        return true;
    node_fault(node, node.json == NULL ? "is missing" : "must be an object");
    return false;
}

void node_only(struct node object, const char *const *names)
{
    void *at = NULL;
    const char *name;
    const struct json *value;
    while (json_next(object.json, &at, &name, &value)) {
        const char *const *known = names;
        while (*known != NULL && strcmp(*known, name) != 0)
            known++;
        if (*known == NULL)
            node_fault(node_get(object, name), "unknown key");
    }
}

struct span node_text(struct node node)
{
    struct span text = json_str(node.json);
    if (text.len == 0) {
        node_fault(node, node.json == NULL ? "is missing" : "must be a text that is not empty");
        return SPAN("");
    }
    return (struct span){arena_copy(node.load->arena, text), text.len};
}

size_t node_choice(struct node node, const char *const *choices)
{
    struct span text = json_str(node.json);
    struct buf what = {.arena = node.load->arena};
    buf_add(&what, SPAN("must be one of"));
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (span_is(text, span_of(choices[i])))
            return i;
        buf_printf(&what, "%s %s", i > 0 ? "," : "", choices[i]);
    }
    node_fault(node, buf_text(&what));
    return 0;
}

bool node_bool(struct node node, bool otherwise)
{
    if (node.json == NULL)
        return otherwise;
    if (json_kind(node.json) != JSON_BOOL)
        node_fault(node, "must be true or false");
    return json_bool(node.json);
}

int64_t node_int(struct node node, int64_t otherwise)
{
    if (node.json == NULL)
        return otherwise;
    if (json_kind(node.json) != JSON_INT)
        node_fault(node, "must be a whole number");
    return json_int(node.json);
}

/* JSON values that know their path. */
#include "node.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/request.h"

void node_fault(struct node node, const char *what)
{
    const char *file = node.load->file;
    char *path CLEANUP(mem_drop) = mem_copy(node.path);
    for (size_t i = 0; i < node.path.len; i++)
        path[i] = path[i] == '\n' ? '.' : path[i];
    faults_add(node.load->faults, "%s:%d: %s%s%s", file, json_line(node.load->text, node.path), path,
               *path ? ": " : "", what);
}

static struct span step(struct node from, const char *name)
{
    struct buf path = {.arena = from.load->arena};
    buf_add(&path, from.path);
    if (from.path.len > 0)
        buf_add_char(&path, '\n');
    buf_add(&path, span_of(name));
    return buf_span(&path);
}

struct node node_get(struct node object, const char *key)
{
    return (struct node){object.load, json_get(object.json, key), step(object, key)};
}

struct node node_at(struct node list, size_t index)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", index);
    return (struct node){list.load, json_at(list.json, index), step(list, number)};
}

size_t node_list(struct node node)
{
    if (node.json == NULL)
        return 0;
    if (json_kind(node.json) != JSON_ARR || json_count(node.json) == 0)
        node_fault(node, "must be a list that is not empty");
    return json_kind(node.json) == JSON_ARR ? json_count(node.json) : 0;
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
        if (*known == NULL && strcmp(name, "about") != 0)
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

size_t node_texts(struct node node, struct span **texts)
{
    size_t count = node_list(node);
    *texts = arena_alloc(node.load->arena, (count + 1) * sizeof **texts);
    for (size_t i = 0; i < count; i++)
        (*texts)[i] = node_text(node_at(node, i));
    return count;
}

struct span node_json(struct node node)
{
    struct buf text = {.arena = node.load->arena};
    json_put(&text, node.json);
    return buf_span(&text);
}

bool node_word(struct node node, struct span *rest, struct span *literal, struct span *word)
{
    if (rest->len == 0)
        return false;
    *literal = span_cut(rest, '{');
    *word = (struct span){NULL, 0};
    if (literal->at[literal->len] != '{')
        return true;
    *word = span_cut(rest, '}');
    if (word->at[word->len] == '}')
        return true;
    node_fault(node, "has a { without a }");
    word->at = NULL;
    return true;
}

struct span node_media_type(struct node node)
{
    struct span text = node_text(node);
    struct span rest = text;
    struct span type = span_trim(span_cut(&rest, ';'));
    struct span subtype = type;
    struct span major = span_cut(&subtype, '/');
    bool good = request_is_name(major) && request_is_name(subtype);
    for (size_t i = 0; i < rest.len; i++)
        good &= rest.at[i] >= ' ' && rest.at[i] < 0x7f;
    if (!good && text.len > 0)
        node_fault(node, "is no media type");
    return text;
}

struct span node_key(struct load *load, struct span name)
{
    struct buf text = {.arena = load->arena};
    json_key(&text, name);
    return buf_span(&text);
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

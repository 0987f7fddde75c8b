/* Reading and following paths. */
#include "path.h"

#include <string.h>

#include "base/num.h"
#include "head.h"

static bool step_read(struct span step, struct arena *arena, struct path_step *out)
{
    struct span value = step;
    struct span name = span_cut(&value, '=');
    if (!num_parse(step, &out->index))
        out->index = -1;
    bool picks = name.len > 0 && name.len < step.len;
    if (!picks)
        name = step;
    out->name = (struct span){arena_copy(arena, name), name.len};
    out->value = picks ? (struct span){arena_copy(arena, value), value.len} : SPAN("");
    return name.len > 0 && (!picks || value.len > 0);
}

static bool steps_read(struct span rest, struct arena *arena, struct path *path)
{
    const char *start = path->name;
    bool good = true;
    while (rest.len > 0 && good) {
        bool more = memchr(rest.at, '.', rest.len) != NULL;
        struct span step = span_cut(&rest, '.');
        good = path->depth < PATH_DEPTH_MAX && (!more || rest.len > 0) &&
               step_read(step, arena, &path->steps[path->depth]);
        if (good)
            path->steps[path->depth++].until =
                arena_copy(arena, (struct span){start, (size_t)(step.at + step.len - start)});
    }
    return good;
}

/* "header:X-Event": two steps into what the request's head is read into. Headers are there in small letters.
 */
static bool head_read(struct span text, struct arena *arena, struct path *path)
{
    struct span name = text;
    struct span kind = span_cut(&name, ':');
    bool is_header = span_is(kind, SPAN(PATH_HEADER));
    char *copy = arena_copy(arena, name);
    for (size_t i = 0; is_header && i < name.len; i++)
        copy[i] = copy[i] >= 'A' && copy[i] <= 'Z' ? (char)(copy[i] + 'a' - 'A') : copy[i];
    path->root = PATH_REQUEST;
    path->depth = 2;
    path->steps[0] = (struct path_step){
        .name = is_header ? SPAN(PATH_HEADER) : SPAN(PATH_QUERY), .until = path->name, .index = -1};
    path->steps[1] = (struct path_step){.name = {copy, name.len}, .until = path->name, .index = -1};
    return name.len > 0;
}

/* What is hardly a name, and most likely a mistake. */
static bool is_odd(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == '{' || text.at[i] == '}' || text.at[i] == '"')
            return true;
    return false;
}

bool path_read(struct load *load, struct span text, struct path *path)
{
    struct arena *arena = load->arena;
    *path = (struct path){.root = PATH_ROW, .name = arena_copy(arena, text)};
    text.at = path->name;
    if (is_odd(text))
        return false;
    if (span_starts(text, SPAN(PATH_HEADER ":")) || span_starts(text, SPAN(PATH_QUERY ":"))) {
        load->reads_head = true;
        return head_read(text, arena, path);
    }
    bool rooted = span_starts(text, SPAN("$")) && (text.len == 1 || text.at[1] == '.');
    if (rooted) {
        path->root = PATH_PAYLOAD;
        span_skip(&text, text.len == 1 ? 1 : 2);
        return steps_read(text, arena, path) && (path->depth > 0) == (strlen(path->name) > 1);
    }
    return span_is(text, SPAN(".")) || (steps_read(text, arena, path) && path->depth > 0);
}

/* A value that never arrives would be missed only once webhooks come in. */
void path_check(struct node node, const struct path *path)
{
    if (path->root == PATH_REQUEST && head_hides(path->steps[1].name))
        node_fault(node, "is kept from definitions, because it may hold a secret");
}

void path_load(struct node node, struct path *path)
{
    struct span text = node_text(node);
    if (!path_read(node.load, text, path) && text.len > 0)
        node_fault(node, "is no path: at most 8 names with dots between them, $, header:NAME or query:NAME");
    else
        path_check(node, path);
}

size_t paths_load(struct node node, struct path **paths)
{
    bool is_list = json_kind(node.json) == JSON_ARR;
    size_t count = is_list ? node_list(node) : 1;
    *paths = arena_alloc(node.load->arena, (count + 1) * sizeof **paths);
    for (size_t i = 0; i < count; i++)
        path_load(is_list ? node_at(node, i) : node, &(*paths)[i]);
    if (count == 0)
        (*paths)[0].name = "?"; /* a fault already */
    return count;
}

static bool is_value(const struct json *json, struct span value)
{
    int64_t number;
    return json_kind(json) == JSON_INT ? num_parse(value, &number) && json_int(json) == number
                                       : json_kind(json) == JSON_STR && span_is(json_str(json), value);
}

static const struct json *pick(const struct json *list, const struct path_step *step)
{
    for (size_t i = 0; i < json_count(list) && i < PATH_PICK_MAX; i++)
        if (is_value(json_member(json_at(list, i), step->name), step->value))
            return json_at(list, i);
    return NULL;
}

/* False if there is nothing to step into. */
static bool step_into(const struct json **at, const struct path_step *step)
{
    if (json_kind(*at) == JSON_OBJ) {
        *at = step->value.len == 0 ? json_member(*at, step->name) : NULL;
        return true;
    }
    if (json_kind(*at) != JSON_ARR || (step->index < 0 && step->value.len == 0))
        return false;
    *at = step->value.len > 0 ? pick(*at, step) : json_at(*at, (size_t)step->index);
    return true;
}

const struct json *path_follow(const struct path *path, const struct data *data, const char **broken)
{
    const struct json *at = path->root == PATH_ROW       ? data->row
                            : path->root == PATH_PAYLOAD ? data->payload
                                                         : data->request;
    for (size_t i = 0; i < path->depth && json_kind(at) != JSON_ABSENT; i++) {
        if (step_into(&at, &path->steps[i]))
            continue;
        if (broken != NULL && *broken == NULL)
            *broken = i > 0 ? path->steps[i - 1].until : path->name;
        return NULL;
    }
    return at;
}

const struct json *paths_follow(const struct path *paths, size_t count, const struct data *data)
{
    const struct json *found = NULL;
    for (size_t i = 0; i < count && json_kind(found) == JSON_ABSENT; i++)
        found = path_follow(&paths[i], data, NULL);
    return json_kind(found) == JSON_ABSENT ? NULL : found;
}

/* Compiling a definition's mapping to operations. */
#include "ops.h"

#include <string.h>

#include "base/num.h"
#include "load.h"

#define MAP_OPS_MAX 256 /* fields of a mapping, with two more for every object */

struct compiler {
    struct mapping *mapping;
    struct load *load;
};

static const char *const type_names[] = {
    [MAP_STRING] = "string", [MAP_ID] = "id",         [MAP_WHOLE] = "whole", [MAP_TIME] = "time",
    [MAP_TABLE] = "table",   [MAP_SCALAR] = "scalar", [MAP_TEXT] = NULL,     [MAP_TYPE_COUNT] = NULL,
};

static const struct span vars[] = {
#define VAR(name, text) [MAP_VAR_##name] = {"" text, sizeof(text) - 1},
#include "tbl/var.h"
};

static void fields_load(struct compiler *compiler, struct node object, struct span prefix);

static struct map_op *add_op(struct compiler *compiler, struct node node, enum map_act act)
{
    struct mapping *mapping = compiler->mapping;
    if (mapping->count == MAP_OPS_MAX) {
        node_fault(node, "too many fields: at most 256 with two for every object");
        mapping->count--;
    }
    struct map_op *op = &mapping->ops[mapping->count++];
    *op = (struct map_op){.act = act};
    return op;
}

/* The index of the op that writes a target before this one; `count` if there is none. */
static size_t find_target(const struct mapping *mapping, size_t count, struct span target)
{
    for (size_t i = 0; i < count; i++)
        if (mapping->ops[i].act == MAP_FIELD && span_is(mapping->ops[i].target, target))
            return i;
    return mapping->count;
}

static bool resolve_word(struct compiler *compiler, struct span word, struct template_part *part)
{
    for (size_t i = 0; i < MAP_VAR_COUNT; i++) {
        if (span_is(vars[i], word)) {
            *part = (struct template_part){.kind = PART_VAR, .index = i};
            return true;
        }
    }
    size_t earlier = compiler->mapping->count - 1; /* not the op being compiled */
    size_t op = find_target(compiler->mapping, earlier, word);
    *part = (struct template_part){.kind = PART_FIELD, .index = op};
    return op < earlier && compiler->mapping->ops[op].type != MAP_WHOLE &&
           compiler->mapping->ops[op].type != MAP_TABLE && compiler->mapping->ops[op].type != MAP_SCALAR;
}

static struct template template_load(struct compiler *compiler, struct node node)
{
    struct span rest = json_str(node.json);
    if (node.json != NULL && json_kind(node.json) != JSON_STR)
        node_fault(node, "must be a text");
    struct template out = {.parts = arena_alloc(compiler->load->arena, (rest.len + 1) * sizeof *out.parts)};
    rest.at = arena_copy(compiler->load->arena, rest);
    while (rest.len > 0) {
        struct span literal = span_cut(&rest, '{');
        bool opened = literal.at[literal.len] == '{';
        if (literal.len > 0)
            out.parts[out.count++] = (struct template_part){.kind = PART_LITERAL, .literal = literal};
        if (!opened)
            break;
        struct span word = span_cut(&rest, '}');
        if (word.at[word.len] != '}')
            node_fault(node, "has a { without a }");
        else if (!resolve_word(compiler, word, &out.parts[out.count++]))
            node_fault(node, "has a word in braces that is neither a variable nor an earlier text field");
    }
    if (out.count == 0)
        out.parts[out.count++] = (struct template_part){.kind = PART_LITERAL, .literal = SPAN("")};
    return out;
}

static void path_load(struct node from, struct map_path *path)
{
    struct span rest = node_text(from);
    const char *start = rest.at;
    while (rest.len > 0) {
        if (path->depth == MAP_DEPTH_MAX) {
            node_fault(from, "has more than 8 names");
            return;
        }
        struct span name = span_cut(&rest, '.');
        if (name.len == 0)
            node_fault(from, "has an empty name");
        struct arena *arena = from.load->arena;
        path->steps[path->depth] = (struct span){arena_copy(arena, name), name.len};
        path->names[path->depth++] =
            arena_copy(arena, (struct span){start, (size_t)(name.at + name.len - start)});
    }
    if (path->depth == 0)
        path->names[path->depth++] = "?"; /* node_text has noted the fault */
}

/* A path, or a list of paths of which the first that leads to a value counts. */
static void from_load(struct node from, struct map_op *op)
{
    bool is_list = json_kind(from.json) == JSON_ARR && json_count(from.json) > 0;
    op->path_count = is_list ? json_count(from.json) : 1;
    op->paths = arena_alloc(from.load->arena, op->path_count * sizeof *op->paths);
    for (size_t i = 0; i < op->path_count; i++) {
        struct node path = {from.load, is_list ? json_at(from.json, i) : from.json, from.path};
        path_load(path, &op->paths[i]);
    }
}

static struct span json_text(struct node node)
{
    struct buf text = {.arena = node.load->arena};
    json_put(&text, node.json);
    return buf_span(&text);
}

static void default_load(struct compiler *compiler, struct node node, struct map_op *op)
{
    if (node.json == NULL)
        return;
    op->has_default = true;
    op->default_is_text = json_kind(node.json) == JSON_STR;
    if (op->default_is_text)
        op->default_text = template_load(compiler, node);
    else if (json_kind(node.json) == JSON_OBJ || json_kind(node.json) == JSON_ARR)
        node_fault(node, "must be a text, a number, true, false or null");
    else
        op->default_json = json_text(node);
    if (op->required)
        node_fault(node, "a required field has no default");
}

/* [[0, false], [1, true]]: what is sent, and what it becomes. */
static void table_load(struct node node, struct map_op *op)
{
    op->row_count = json_kind(node.json) == JSON_ARR ? json_count(node.json) : 0;
    op->rows = arena_alloc(node.load->arena, (op->row_count + 1) * sizeof *op->rows);
    if (op->row_count == 0)
        node_fault(node, "must be a list of pairs");
    for (size_t i = 0; i < op->row_count; i++) {
        const struct json *pair = json_at(node.json, i);
        const struct json *sent = json_at(pair, 0);
        struct node gives = {node.load, json_at(pair, 1), node.path};
        if (json_kind(pair) != JSON_ARR || json_count(pair) != 2 ||
            (json_kind(sent) != JSON_STR && json_kind(sent) != JSON_INT))
            node_fault(node, "must hold pairs of a text or whole number, and what it becomes");
        op->rows[i] = (struct map_row){
            .kind = json_kind(sent),
            .text = {arena_copy(node.load->arena, json_str(sent)), json_str(sent).len},
            .number = json_int(sent),
            .gives = json_text(gives),
        };
    }
}

static void nulls_load(struct node node, struct map_op *op)
{
    if (node.json == NULL)
        return;
    if (json_kind(node.json) != JSON_ARR) {
        node_fault(node, "must be a list of texts");
        return;
    }
    op->nulls = arena_alloc(node.load->arena, (json_count(node.json) + 1) * sizeof *op->nulls);
    for (size_t i = 0; i < json_count(node.json); i++)
        op->nulls[op->null_count++] = node_text((struct node){node.load, json_at(node.json, i), node.path});
}

/* "-1h", "+30m": a sign and a duration. */
static int64_t offset_load(struct node node)
{
    int64_t seconds = 0;
    if (node.json == NULL)
        return 0;
    struct span text = node_text(node);
    bool minus = span_starts(text, SPAN("-"));
    bool signed_ok = minus || span_starts(text, SPAN("+"));
    if (!signed_ok || !num_parse_duration((struct span){text.at + 1, text.len - 1}, &seconds) ||
        seconds > 366 * 86400) {
        node_fault(node, "must be a sign and a duration of at most 366 days, such as -1h");
        return 0;
    }
    return (minus ? -1000 : 1000) * seconds;
}

static const char *const rule_keys[] = {"from", "type", "required", "default", "prefix",      "offset",
                                        "min",  "max",  "table",    "nulls",   "ignore_case", NULL};

/* A key that only some types understand is a mistake with any other. */
static void belongs(struct node rule, const char *key, bool fits)
{
    struct node member = node_get(rule, key);
    if (member.json != NULL && !fits)
        node_fault(member, "does not go with this type");
}

static void rule_load(struct compiler *compiler, struct node rule, struct map_op *op)
{
    node_only(rule, rule_keys);
    from_load(node_get(rule, "from"), op);
    op->type = (enum map_type)node_choice(node_get(rule, "type"), type_names);
    op->required = node_bool(node_get(rule, "required"), false);
    default_load(compiler, node_get(rule, "default"), op);
    nulls_load(node_get(rule, "nulls"), op);
    op->ignore_case = node_bool(node_get(rule, "ignore_case"), false);
    op->min = node_int(node_get(rule, "min"), INT64_MIN);
    op->max = node_int(node_get(rule, "max"), INT64_MAX);
    op->offset = offset_load(node_get(rule, "offset"));
    belongs(rule, "ignore_case", op->type == MAP_TABLE);
    belongs(rule, "table", op->type == MAP_TABLE);
    belongs(rule, "offset", op->type == MAP_TIME);
    belongs(rule, "prefix", op->type == MAP_ID);
    belongs(rule, "min", op->type == MAP_WHOLE);
    belongs(rule, "max", op->type == MAP_WHOLE);
    if (op->type == MAP_TABLE)
        table_load(node_get(rule, "table"), op);
    if (op->type == MAP_ID)
        op->text = template_load(compiler, node_get(rule, "prefix"));
    if (op->min > op->max)
        node_fault(node_get(rule, "min"), "is more than max");
}

static void field_load(struct compiler *compiler, struct node field, struct span key, struct span target)
{
    static const char *const text_keys[] = {"text", NULL};
    static const char *const object_keys[] = {"fields", NULL};
    struct node fields = node_get(field, "fields");
    struct node text = node_get(field, "text");
    struct map_op *op = add_op(compiler, field, fields.json ? MAP_OPEN : MAP_FIELD);
    op->key = key;
    op->target = target;
    if (fields.json != NULL) {
        node_only(field, object_keys);
        fields_load(compiler, fields, target);
        add_op(compiler, field, MAP_CLOSE);
    } else if (text.json != NULL) {
        node_only(field, text_keys);
        op->type = MAP_TEXT;
        op->text = template_load(compiler, text);
    } else {
        rule_load(compiler, field, op);
    }
}

static void fields_load(struct compiler *compiler, struct node object, struct span prefix)
{
    void *at = NULL;
    const char *key;
    const struct json *value;
    if (!node_is_object(object))
        return;
    while (json_next(object.json, &at, &key, &value)) {
        struct node field = node_get(object, key);
        struct buf target = {.arena = compiler->load->arena};
        buf_printf(&target, "%.*s%s%s", (int)prefix.len, prefix.at, prefix.len > 0 ? "." : "", key);
        struct span name = {arena_copy(compiler->load->arena, span_of(key)), strlen(key)};
        if (node_is_object(field))
            field_load(compiler, field, name, buf_span(&target));
    }
}

/* Whether an op writes when the webhook arrived, and nothing else: only then may the time be mended later. */
static bool writes_received(const struct map_op *op)
{
    return op->type == MAP_TEXT && op->text.count == 1 && op->text.parts[0].kind == PART_VAR &&
           op->text.parts[0].index == MAP_VAR_RECEIVED;
}

const struct mapping *mapping_load(struct node detail)
{
    struct mapping *mapping = arena_alloc(detail.load->arena, sizeof *mapping);
    struct compiler compiler = {mapping, detail.load};
    mapping->ops = arena_alloc(detail.load->arena, MAP_OPS_MAX * sizeof *mapping->ops);
    fields_load(&compiler, detail, SPAN(""));
    mapping->pickup_id = find_target(mapping, mapping->count, SPAN("pickupId"));
    mapping->external_id = find_target(mapping, mapping->count, SPAN("metadata.externalId"));
    mapping->window_start = find_target(mapping, mapping->count, SPAN("windowStart"));
    mapping->request_time = find_target(mapping, mapping->count, SPAN("requestTime"));
    if (mapping->request_time < mapping->count && !writes_received(&mapping->ops[mapping->request_time]))
        mapping->request_time = mapping->count;
    return mapping;
}

void mapping_require_pickup(struct node detail, const struct mapping *mapping)
{
    const struct map_op *op = mapping->pickup_id < mapping->count ? &mapping->ops[mapping->pickup_id] : NULL;
    if (op == NULL || op->type != MAP_ID || !op->required)
        node_fault(node_get(detail, "pickupId"), "a PickupRequested needs it, as a required id");
}

/* Compiling a definition's mapping to operations. */
#include "ops.h"

#include <string.h>

#include "base/num.h"
#include "base/time.h"
#include "load.h"

#define MAP_OPS_MAX 256 /* fields of a mapping, with two more for every object */

struct compiler {
    struct mapping *mapping;
    struct load *load;
};

static const char *const type_names[] = {
    [MAP_STRING] = "string", [MAP_ID] = "id",     [MAP_WHOLE] = "whole",   [MAP_NUMBER] = "number",
    [MAP_BOOL] = "bool",     [MAP_TIME] = "time", [MAP_TABLE] = "table",   [MAP_SCALAR] = "scalar",
    [MAP_ANY] = "any",       [MAP_TEXT] = NULL,   [MAP_TYPE_COUNT] = NULL,
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

/* Whether what an op writes can be part of another text. */
static bool writes_text(const struct map_op *op)
{
    return op->type == MAP_STRING || op->type == MAP_ID || op->type == MAP_TIME || op->type == MAP_TEXT;
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
    return op < earlier && writes_text(&compiler->mapping->ops[op]);
}

static struct template template_load(struct compiler *compiler, struct node node)
{
    struct span rest = json_str(node.json);
    if (node.json != NULL && json_kind(node.json) != JSON_STR)
        node_fault(node, "must be a text");
    struct template out = {.parts = arena_alloc(compiler->load->arena, (rest.len + 1) * sizeof *out.parts)};
    rest.at = arena_copy(compiler->load->arena, rest);
    struct span literal, word;
    while (node_word(node, &rest, &literal, &word)) {
        if (literal.len > 0)
            out.parts[out.count++] = (struct template_part){.kind = PART_LITERAL, .literal = literal};
        if (word.at != NULL && !resolve_word(compiler, word, &out.parts[out.count++]))
            node_fault(node, "has a word in braces that is neither a variable nor an earlier text field");
    }
    if (out.count == 0)
        out.parts[out.count++] = (struct template_part){.kind = PART_LITERAL, .literal = SPAN("")};
    return out;
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
        op->default_json = node_json(node);
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
        struct node pair = node_at(node, i);
        struct node sent = node_at(pair, 0);
        op->rows[i].gives = node_json(node_at(pair, 1));
        if (json_kind(pair.json) != JSON_ARR || json_count(pair.json) != 2 ||
            !literal_load(sent, &op->rows[i].sent))
            node_fault(pair, "must be a pair of a text, whole number, true or false, and what it becomes");
    }
}

/* What means absent; "" and 0 can, too. */
static void nulls_load(struct node node, struct map_op *op)
{
    op->null_count = node_list(node);
    op->nulls = arena_alloc(node.load->arena, (op->null_count + 1) * sizeof *op->nulls);
    for (size_t i = 0; i < op->null_count; i++)
        if (!literal_load(node_at(node, i), &op->nulls[i]))
            node_fault(node_at(node, i), "must be a text, a whole number, true or false");
}

static void format_load(struct node node, struct map_op *op)
{
    if (node.json == NULL)
        return;
    struct span text = node_text(node);
    if (span_is(text, SPAN("unix"))) {
        op->format = MAP_UNIX;
    } else if (span_is(text, SPAN("unix_ms"))) {
        op->format = MAP_UNIX_MS;
    } else if (!span_is(text, SPAN("iso8601"))) {
        op->format = MAP_PATTERN;
        op->pattern = text;
        if (text.len > 0 && !time_is_pattern(text))
            node_fault(node, "must be iso8601, unix, unix_ms, or a pattern such as %Y-%m-%d %H:%M:%S");
    }
}

static void zone_load(struct node node, struct map_op *op)
{
    if (node.json == NULL)
        return;
    if (op->type == MAP_TIME && (op->format == MAP_UNIX || op->format == MAP_UNIX_MS))
        node_fault(node, "does not go with seconds or milliseconds since 1970");
    op->zone = zone_find(node_text(node));
    if (op->zone == NULL)
        node_fault(node, "is no time zone");
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

static const char *const rule_keys[] = {
    "from", "from_text", "type", "required", "default",   "prefix", "offset",      "format",
    "zone", "min",       "max",  "table",    "otherwise", "nulls",  "ignore_case", NULL};

/* What a default of these types must be. */
static const struct {
    enum map_type type;
    enum json_type kind;
    const char *what;
} default_kinds[] = {
    {MAP_WHOLE, JSON_INT, "must be a whole number or null, as the type says"},
    {MAP_BOOL, JSON_BOOL, "must be true, false or null, as the type says"},
    {MAP_STRING, JSON_STR, "must be a text or null, as the type says"},
    {MAP_ID, JSON_STR, "must be a text or null, as the type says"},
};

static void check_default(struct node node, enum map_type type)
{
    for (size_t i = 0; i < sizeof default_kinds / sizeof default_kinds[0]; i++)
        if (default_kinds[i].type == type && json_kind(node.json) != default_kinds[i].kind &&
            json_kind(node.json) != JSON_ABSENT && json_kind(node.json) != JSON_OBJ &&
            json_kind(node.json) != JSON_ARR)
            node_fault(node, default_kinds[i].what);
}

/* Keys that only one type understands; with any other they are a mistake. */
static const struct {
    const char *key;
    enum map_type type;
} owned_keys[] = {
    {"ignore_case", MAP_TABLE}, {"table", MAP_TABLE}, {"otherwise", MAP_TABLE},
    {"offset", MAP_TIME},       {"format", MAP_TIME}, {"zone", MAP_TIME},
    {"prefix", MAP_ID},         {"min", MAP_WHOLE},   {"max", MAP_WHOLE},
};

static void check_keys(struct node rule, const struct map_op *op)
{
    for (size_t i = 0; i < sizeof owned_keys / sizeof owned_keys[0]; i++) {
        struct node member = node_get(rule, owned_keys[i].key);
        if (member.json != NULL && op->type != owned_keys[i].type)
            node_fault(member, "does not go with this type");
    }
}

/* {"type": "whole", "from_text": true} takes "2" as well as 2. */
static void from_text_load(struct node node, struct map_op *op)
{
    op->from_text = node_bool(node, false);
    if (node.json != NULL && op->type != MAP_WHOLE && op->type != MAP_NUMBER && op->type != MAP_BOOL)
        node_fault(node, "does not go with this type");
}

static void rule_load(struct compiler *compiler, struct node rule, struct map_op *op)
{
    node_only(rule, rule_keys);
    op->path_count = paths_load(node_get(rule, "from"), &op->paths);
    op->type = (enum map_type)node_choice(node_get(rule, "type"), type_names);
    op->required = node_bool(node_get(rule, "required"), false);
    default_load(compiler, node_get(rule, "default"), op);
    nulls_load(node_get(rule, "nulls"), op);
    op->ignore_case = node_bool(node_get(rule, "ignore_case"), false);
    from_text_load(node_get(rule, "from_text"), op);
    op->min = node_int(node_get(rule, "min"), INT64_MIN);
    op->max = node_int(node_get(rule, "max"), INT64_MAX);
    op->offset = offset_load(node_get(rule, "offset"));
    format_load(node_get(rule, "format"), op);
    zone_load(node_get(rule, "zone"), op);
    check_keys(rule, op);
    check_default(node_get(rule, "default"), op->type);
    if (op->type == MAP_TABLE)
        table_load(node_get(rule, "table"), op);
    if (node_get(rule, "otherwise").json != NULL)
        op->otherwise = node_json(node_get(rule, "otherwise"));
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
    op->key = node_key(compiler->load, key);
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

static bool says_zone(struct span pattern)
{
    for (; pattern.len > 1; span_skip(&pattern, 1)) {
        if (span_starts(pattern, SPAN("%z")))
            return true;
        if (span_starts(pattern, SPAN("%%")))
            span_skip(&pattern, 1);
    }
    return false;
}

const char *mapping_zoneless(const struct mapping *mapping)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct map_op *op = &mapping->ops[i];
        if (op->act == MAP_FIELD && op->type == MAP_TIME && op->format == MAP_PATTERN && op->zone == NULL &&
            !says_zone(op->pattern))
            return op->paths[0].name;
    }
    return NULL;
}

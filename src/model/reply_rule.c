/* Loading and making answers. */
#include "reply_rule.h"

#include <string.h>

#include "base/json.h"
#include "load.h"

struct part {
    enum { PART_LITERAL, PART_VALUE, PART_HMAC } kind;
    struct span literal;
    struct path path;
};

struct reply_rule {
    struct reply fixed; /* status and type */
    bool is_json;       /* words are put within texts of JSON */
    struct part *parts;
    size_t count, room;
};

/* A client would take the body for the head of the next answer. */
static void check_bodiless(struct node body, int status)
{
    bool is_empty = json_kind(body.json) == JSON_STR && json_str(body.json).len == 0;
    if ((status == 204 || status == 205) && body.json != NULL && !is_empty)
        node_fault(body, "an answer of 204 or 205 has none");
}

static struct reply head_load(struct node node, bool may_refuse)
{
    static const char *const known[] = {"status", "type", "body", NULL};
    struct node status = node_get(node, "status");
    struct node type = node_get(node, "type");
    bool is_text = json_kind(node_get(node, "body").json) == JSON_STR;
    int64_t number = node_int(status, may_refuse ? 400 : 200);
    bool accepts = number >= 200 && number <= 299;
    bool refuses = may_refuse && number >= 400 && number <= 499;
    struct reply reply = {accepts || refuses ? (int)number : 200,
                          is_text ? SPAN("text/plain") : SPAN("application/json"), SPAN("")};
    node_only(node, known);
    if (!accepts && !refuses)
        node_fault(status, may_refuse ? "must be 200 to 299 or 400 to 499" : "must be 200 to 299");
    if (type.json != NULL)
        reply.type = node_media_type(type);
    check_bodiless(node_get(node, "body"), reply.status);
    return reply;
}

struct reply reply_load(struct node node, bool may_refuse)
{
    struct node body = node_get(node, "body");
    if (node.json == NULL || !node_is_object(node))
        return (struct reply){0};
    struct reply reply = head_load(node, may_refuse);
    if (json_kind(body.json) == JSON_STR)
        reply.body =
            (struct span){arena_copy(node.load->arena, json_str(body.json)), json_str(body.json).len};
    else if (json_kind(body.json) == JSON_OBJ)
        reply.body = node_json(body);
    else if (body.json != NULL)
        node_fault(body, "must be a text or an object");
    return reply;
}

static struct part *add_part(struct reply_rule *rule, struct arena *arena, struct part part)
{
    if (rule->count == rule->room) {
        size_t room = 2 * rule->room + 8;
        struct part *grown = arena_alloc(arena, room * sizeof *grown);
        if (rule->count > 0)
            memcpy(grown, rule->parts, rule->count * sizeof *grown);
        rule->parts = grown;
        rule->room = room;
    }
    rule->parts[rule->count] = part;
    return &rule->parts[rule->count++];
}

/* A text as it stands between the quotes of a JSON text. */
static struct span inside_quotes(struct span text, struct arena *arena)
{
    struct buf out = {.arena = arena};
    json_put_str(&out, text);
    return (struct span){out.at + 1, out.len - 2};
}

static void add_literal(struct reply_rule *rule, struct arena *arena, struct span text)
{
    if (text.len > 0)
        add_part(rule, arena, (struct part){.kind = PART_LITERAL, .literal = text});
}

static void word_load(struct node node, struct reply_rule *rule, struct span word,
                      const struct scheme *scheme)
{
    bool is_hmac = span_starts(word, SPAN("hmac:"));
    struct part *part =
        add_part(rule, node.load->arena, (struct part){.kind = is_hmac ? PART_HMAC : PART_VALUE});
    if (is_hmac)
        span_skip(&word, 5);
    if (is_hmac && !scheme_can_hmac(scheme))
        node_fault(node, "{hmac:...} goes with an hmac scheme only");
    if (!path_read(node.load, word, &part->path)) {
        node_fault(node, "has a word in braces that is no path");
        return;
    }
    path_check(node, &part->path);
    if (is_hmac && !scheme_covers(scheme, &part->path, false))
        node_fault(node, "would sign what nobody has signed: anybody could have anything signed");
}

static void text_load(struct node node, struct reply_rule *rule, const struct scheme *scheme)
{
    struct arena *arena = node.load->arena;
    struct span rest = {arena_copy(arena, json_str(node.json)), json_str(node.json).len};
    struct span literal, word;
    while (node_word(node, &rest, &literal, &word)) {
        add_literal(rule, arena, rule->is_json ? inside_quotes(literal, arena) : literal);
        if (word.at != NULL)
            word_load(node, rule, word, scheme);
    }
}

static void object_load(struct node node, struct reply_rule *rule, const struct scheme *scheme)
{
    void *at = NULL;
    const char *key;
    const struct json *value;
    struct arena *arena = node.load->arena;
    bool first = true;
    while (json_next(node.json, &at, &key, &value)) {
        struct node member = node_get(node, key);
        struct buf before = {.arena = arena};
        buf_add_char(&before, first ? '{' : ',');
        buf_add_char(&before, '"');
        buf_add(&before, inside_quotes(span_of(key), arena));
        buf_add(&before, SPAN("\":\""));
        add_literal(rule, arena, buf_span(&before));
        if (json_kind(value) != JSON_STR)
            node_fault(member, "must be a text");
        text_load(member, rule, scheme);
        add_literal(rule, arena, SPAN("\""));
        first = false;
    }
    add_literal(rule, arena, first ? SPAN("{}") : SPAN("}"));
}

const struct reply_rule *reply_rule_load(struct node node, const struct scheme *scheme)
{
    struct reply_rule *rule = arena_alloc(node.load->arena, sizeof *rule);
    struct node body = node_get(node, "body");
    if (!node_is_object(node))
        return rule;
    rule->fixed = head_load(node, false);
    rule->is_json = json_kind(body.json) == JSON_OBJ;
    if (rule->is_json)
        object_load(body, rule, scheme);
    else if (json_kind(body.json) == JSON_STR)
        text_load(body, rule, scheme);
    else if (body.json != NULL)
        node_fault(body, "must be a text or an object of texts");
    return rule;
}

static bool part_make(const struct part *part, const struct data *data, const struct scheme *scheme,
                      const struct secret *secret, struct buf *out)
{
    struct span text = json_str(path_follow(&part->path, data, NULL));
    if (text.len == 0)
        return false;
    if (part->kind == PART_HMAC)
        return scheme_hmac(scheme, secret->key, text, out);
    buf_add(out, text);
    return true;
}

bool reply_make(const struct reply_rule *rule, const struct data *data, const struct scheme *scheme,
                const struct secret *secret, struct arena *arena, struct reply *reply)
{
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < rule->count; i++) {
        struct buf value = {.arena = arena};
        if (rule->parts[i].kind == PART_LITERAL) {
            buf_add(&out, rule->parts[i].literal);
            continue;
        }
        if (!part_make(&rule->parts[i], data, scheme, secret, &value))
            return false;
        buf_add(&out, rule->is_json ? inside_quotes(buf_span(&value), arena) : buf_span(&value));
    }
    *reply = rule->fixed;
    reply->body = buf_span(&out);
    return true;
}

/* Comparing a payload's values with a definition's. */
#include "literal.h"

bool literal_load(struct node node, struct literal *literal)
{
    struct span text = json_str(node.json);
    enum json_type kind = json_kind(node.json);
    *literal = (struct literal){
        .kind = kind,
        .text = {arena_copy(node.load->arena, text), text.len},
        .number = kind == JSON_BOOL ? json_bool(node.json) : json_int(node.json),
    };
    return kind == JSON_STR || kind == JSON_INT || kind == JSON_BOOL;
}

bool literal_is(const struct literal *literal, const struct json *value, bool ignore_case)
{
    if (json_kind(value) != literal->kind)
        return false;
    if (literal->kind == JSON_INT)
        return json_int(value) == literal->number;
    if (literal->kind == JSON_BOOL)
        return json_bool(value) == (literal->number != 0);
    return ignore_case ? span_is_nocase(json_str(value), literal->text)
                       : span_is(json_str(value), literal->text);
}

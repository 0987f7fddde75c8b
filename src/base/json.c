/* Looking at JSON values. */
#include "base/json.h"

#include <string.h>

#include "base/num.h"
#include "json_value.h"

enum json_type json_kind(const struct json *value)
{
    return value == NULL ? JSON_ABSENT : value->kind;
}

const struct json *json_member(const struct json *object, struct span key)
{
    if (json_kind(object) != JSON_OBJ)
        return NULL;
    for (size_t i = 0; i < object->count; i++)
        if (span_is(object->items[i].name, key))
            return &object->items[i];
    return NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return json_member(object, span_of(key));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return json_kind(array) == JSON_ARR && index < array->count ? &array->items[index] : NULL;
}

size_t json_count(const struct json *value)
{
    return json_kind(value) == JSON_OBJ || json_kind(value) == JSON_ARR ? value->count : 0;
}

struct span json_str(const struct json *value)
{
    return json_kind(value) == JSON_STR ? (struct span){value->text, value->count} : SPAN("");
}

int64_t json_int(const struct json *value)
{
    return json_kind(value) == JSON_INT ? value->number : 0;
}

double json_number(const struct json *value)
{
    double number = 0;
    if (json_kind(value) == JSON_INT)
        return (double)value->number;
    if (json_kind(value) == JSON_NUM && num_real((struct span){value->text, value->count}, &number))
        return number;
    return 0;
}

bool json_bool(const struct json *value)
{
    return json_kind(value) == JSON_BOOL && value->number != 0;
}

bool json_next(const struct json *object, void **at, const char **key, const struct json **value)
{
    if (json_count(object) == 0)
        return false;
    const struct json *item = *at == NULL ? object->items : (const struct json *)*at + 1;
    if (item == object->items + object->count)
        return false;
    *at = (void *)item;
    *key = item->name.at;
    *value = item;
    return true;
}

static bool same_items(const struct json *a, const struct json *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct json *other = a->kind == JSON_OBJ ? json_member(b, a->items[i].name) : &b->items[i];
        if (other == NULL || !json_same(&a->items[i], other))
            return false;
    }
    return true;
}

static bool same_real(const struct json *a, const struct json *b)
{
    double x, y;
    return num_real((struct span){a->text, a->count}, &x) && num_real((struct span){b->text, b->count}, &y) &&
           x == y;
}

bool json_same(const struct json *a, const struct json *b)
{
    if (json_kind(a) != json_kind(b))
        return false;
    switch (json_kind(a)) {
    case JSON_OBJ:
    case JSON_ARR:
        return a->count == b->count && same_items(a, b);
    case JSON_STR:
        return span_is(json_str(a), json_str(b));
    case JSON_NUM:
        return same_real(a, b);
    case JSON_INT:
    case JSON_BOOL:
        return a->number == b->number;
    default:
        return true;
    }
}

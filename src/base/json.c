/* Jansson behind our own door. A struct json is a json_t. */
#include "base/json.h"

#include <jansson.h>
#include <string.h>

static const json_t *in(const struct json *value)
{
    return (const json_t *)value;
}

static const struct json *out(const json_t *value)
{
    return (const struct json *)value;
}

static const char *reason(enum json_error_code code)
{
    switch (code) {
    case json_error_duplicate_key:
        return "Duplicate key";
    case json_error_numeric_overflow:
        return "Number out of range";
    default:
        return "Malformed JSON";
    }
}

struct json *json_parse(struct span text, struct json_fault *fault)
{
    json_error_t error;
    json_t *document = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (document == NULL)
        *fault = (struct json_fault){reason(json_error_code(&error)), (size_t)error.position, error.line};
    return (struct json *)document;
}

void json_free(struct json *document)
{
    json_decref((json_t *)document);
}

enum json_type json_kind(const struct json *value)
{
    if (value == NULL)
        return JSON_ABSENT;
    switch (json_typeof(in(value))) {
    case JSON_OBJECT:
        return JSON_OBJ;
    case JSON_ARRAY:
        return JSON_ARR;
    case JSON_STRING:
        return JSON_STR;
    case JSON_INTEGER:
        return JSON_INT;
    case JSON_REAL:
        return JSON_NUM;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_BOOL;
    default:
        return JSON_ABSENT;
    }
}

const struct json *json_get(const struct json *object, const char *key)
{
    return out(json_object_get(in(object), key));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return out(json_array_get(in(array), index));
}

size_t json_count(const struct json *array_or_object)
{
    return json_kind(array_or_object) == JSON_OBJ ? json_object_size(in(array_or_object))
                                                  : json_array_size(in(array_or_object));
}

struct span json_str(const struct json *value)
{
    return (struct span){value ? json_string_value(in(value)) : "", json_string_length(in(value))};
}

int64_t json_int(const struct json *value)
{
    return json_integer_value(in(value));
}

bool json_bool(const struct json *value)
{
    return json_is_true(in(value));
}

bool json_next(const struct json *object, void **at, const char **key, const struct json **value)
{
    json_t *walked = (json_t *)object; /* the library's iterators do not know const */
    *at = *at == NULL ? json_object_iter(walked) : json_object_iter_next(walked, *at);
    if (*at == NULL)
        return false;
    *key = json_object_iter_key(*at);
    *value = out(json_object_iter_value(*at));
    return true;
}

bool json_same(const struct json *a, const struct json *b)
{
    bool is_absent = json_kind(a) == JSON_ABSENT && json_kind(b) == JSON_ABSENT;
    return is_absent || json_equal(in(a), in(b)) == 1;
}

bool json_is_utf8(struct span text)
{
    json_t *copy = json_stringn(text.at, text.len);
    json_decref(copy);
    return copy != NULL;
}

static int add_text(const char *text, size_t len, void *buf)
{
    buf_add(buf, (struct span){text, len});
    return 0;
}

static void separate(struct buf *buf)
{
    if (buf->len > 0 && strchr("{[:", buf->at[buf->len - 1]) == NULL)
        buf_add_char(buf, ',');
}

void json_open(struct buf *buf, char bracket)
{
    separate(buf);
    buf_add_char(buf, bracket);
}

void json_close(struct buf *buf, char bracket)
{
    buf_add_char(buf, bracket);
}

static void put_escape(struct buf *buf, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    switch (c) {
    case '"':
        buf_add(buf, SPAN("\\\""));
        break;
    case '\\':
        buf_add(buf, SPAN("\\\\"));
        break;
    case '\n':
        buf_add(buf, SPAN("\\n"));
        break;
    default:
        buf_add(buf, (struct span){text, sizeof text});
    }
}

/* Beside what JSON asks for, DEL and C1 are escaped: a terminal may act on them. */
static void put_quoted(struct buf *buf, struct span text)
{
    size_t start = 0;
    buf_add_char(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_c1 = c == 0xc2 && i + 1 < text.len && (unsigned char)text.at[i + 1] < 0xa0;
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && !is_c1)
            continue;
        buf_add(buf, (struct span){text.at + start, i - start});
        if (is_c1)
            i++;
        put_escape(buf, (unsigned char)text.at[i]);
        start = i + 1;
    }
    buf_add(buf, (struct span){text.at + start, text.len - start});
    buf_add_char(buf, '"');
}

void json_key(struct buf *buf, struct span key)
{
    separate(buf);
    put_quoted(buf, key);
    buf_add_char(buf, ':');
}

void json_put_str(struct buf *buf, struct span text)
{
    separate(buf);
    put_quoted(buf, text);
}

void json_put_raw(struct buf *buf, struct span text)
{
    separate(buf);
    buf_add(buf, text);
}

static void json_put_int(struct buf *buf, int64_t number)
{
    separate(buf);
    buf_add_int(buf, number);
}

static void dump(struct buf *buf, const struct json *value, size_t flags)
{
    separate(buf);
    json_dump_callback(in(value), add_text, buf, flags | JSON_COMPACT | JSON_ENCODE_ANY);
}

static void put_object(struct buf *buf, const struct json *object, const struct json *list,
                       const struct json *element)
{
    void *at = NULL;
    const char *key;
    const struct json *value;
    json_open(buf, '{');
    while (json_next(object, &at, &key, &value)) {
        json_key(buf, span_of(key));
        json_put_narrowed(buf, value, list, element);
    }
    json_close(buf, '}');
}

static void put_array(struct buf *buf, const struct json *array, const struct json *list,
                      const struct json *element)
{
    json_open(buf, '[');
    for (size_t i = 0; i < json_count(array); i++)
        json_put_narrowed(buf, json_at(array, i), list, element);
    json_close(buf, ']');
}

void json_put_narrowed(struct buf *buf, const struct json *value, const struct json *list,
                       const struct json *element)
{
    if (value != NULL && value == list) {
        json_open(buf, '[');
        json_put(buf, element);
        json_close(buf, ']');
        return;
    }
    switch (json_kind(value)) {
    case JSON_OBJ:
        put_object(buf, value, list, element);
        break;
    case JSON_ARR:
        put_array(buf, value, list, element);
        break;
    case JSON_STR:
        json_put_str(buf, json_str(value));
        break;
    case JSON_INT:
        json_put_int(buf, json_int(value));
        break;
    case JSON_NUM:
        dump(buf, value, 0);
        break;
    case JSON_BOOL:
        json_put_raw(buf, json_bool(value) ? SPAN("true") : SPAN("false"));
        break;
    case JSON_ABSENT:
        json_put_raw(buf, SPAN("null"));
        break;
    }
}

void json_put(struct buf *buf, const struct json *value)
{
    json_put_narrowed(buf, value, NULL, NULL);
}

void json_put_sorted(struct buf *buf, const struct json *value)
{
    if (value == NULL)
        json_put_raw(buf, SPAN("null"));
    else
        dump(buf, value, JSON_SORT_KEYS);
}

void json_add_str(struct buf *buf, const char *key, struct span text)
{
    json_key(buf, span_of(key));
    json_put_str(buf, text);
}

void json_add_int(struct buf *buf, const char *key, int64_t number)
{
    json_key(buf, span_of(key));
    json_put_int(buf, number);
}

void json_add_raw(struct buf *buf, const char *key, struct span text)
{
    json_key(buf, span_of(key));
    json_put_raw(buf, text);
}

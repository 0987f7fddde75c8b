/* Writing JSON. */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "json_value.h"

static void separate(struct buf *buf)
{
    char last = buf->len > 0 ? buf->at[buf->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
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

/* The letter that stands for a character behind a backslash, or NUL. */
static char letter_of(unsigned char c)
{
    static const char characters[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    const char *at = c != '\0' ? strchr(characters, c) : NULL;
    return at != NULL ? letters[at - characters] : '\0';
}

static void put_escape(struct buf *buf, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    char letter = letter_of(c);
    if (letter == '\0') {
        buf_add(buf, (struct span){text, sizeof text});
        return;
    }
    buf_add_char(buf, '\\');
    buf_add_char(buf, letter);
}

/* Bytes that may have to be escaped: control characters, quote, backslash, DEL, and the first byte of C1. */
static const bool is_odd[256] = {
    [0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x7f] = true, [0xc2] = true,
};

/* Beside what JSON asks for, DEL and C1 are escaped: a terminal may act on them. */
static void put_quoted(struct buf *buf, struct span text)
{
    buf_add_char(buf, '"');
    for (;;) {
        size_t plain = span_run(text, is_odd);
        buf_add(buf, (struct span){text.at, plain});
        if (plain == text.len)
            break;
        span_skip(&text, plain);
        bool is_c2 = (unsigned char)text.at[0] == 0xc2;
        bool is_c1 = is_c2 && text.len > 1 && (unsigned char)text.at[1] < 0xa0;
        if (is_c2 && !is_c1)
            buf_add_char(buf, text.at[0]);
        else
            put_escape(buf, (unsigned char)text.at[is_c1]);
        span_skip(&text, 1 + (size_t)is_c1);
    }
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

static void put_items(struct buf *buf, const struct json *value, const struct json *list,
                      const struct json *element)
{
    bool is_object = value->kind == JSON_OBJ;
    json_open(buf, is_object ? '{' : '[');
    for (size_t i = 0; i < value->count; i++) {
        if (is_object)
            json_key(buf, value->items[i].name);
        json_put_narrowed(buf, &value->items[i], list, element);
    }
    json_close(buf, is_object ? '}' : ']');
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
    case JSON_ARR:
        put_items(buf, value, list, element);
        break;
    case JSON_STR:
        json_put_str(buf, json_str(value));
        break;
    case JSON_INT:
        json_put_int(buf, value->number);
        break;
    case JSON_NUM:
        json_put_raw(buf, (struct span){value->text, value->count});
        break;
    case JSON_BOOL:
        json_put_raw(buf, value->number ? SPAN("true") : SPAN("false"));
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

/* Canonical form. */

/* Nothing is escaped but what JSON asks for. */
static void put_plain(struct buf *buf, struct span text)
{
    separate(buf);
    buf_add_char(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        char letter = c < 0x20 || c == '"' || c == '\\' ? letter_of(c) : '\0';
        if (letter != '\0') {
            buf_add_char(buf, '\\');
            buf_add_char(buf, letter);
        } else if (c < 0x20) {
            buf_printf(buf, "\\u%04X", c);
        } else {
            buf_add_char(buf, (char)c);
        }
    }
    buf_add_char(buf, '"');
}

/* As many digits as tell it from every other number, and in one way. */
static void put_real(struct buf *buf, const struct json *value)
{
    double number;
    char text[64];
    if (!num_real((struct span){value->text, value->count}, &number))
        abort(); /* the reader has taken it */
    int len = snprintf(text, sizeof text, "%.17g", number);
    json_put_raw(buf, (struct span){text, (size_t)len});
    if (strpbrk(text, ".e") == NULL)
        buf_add(buf, SPAN(".0"));
}

static int by_name(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a;
    const struct json *y = *(const struct json *const *)b;
    size_t common = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.at, y->name.at, common);
    return order != 0 ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static void put_sorted_object(struct buf *buf, const struct json *object)
{
    const struct json **sorted CLEANUP(mem_drop) = mem_alloc(object->count * sizeof(const struct json *));
    for (size_t i = 0; i < object->count; i++)
        sorted[i] = &object->items[i];
    qsort(sorted, object->count, sizeof(const struct json *), by_name);
    json_open(buf, '{');
    for (size_t i = 0; i < object->count; i++) {
        put_plain(buf, sorted[i]->name);
        buf_add_char(buf, ':');
        json_put_sorted(buf, sorted[i]);
    }
    json_close(buf, '}');
}

void json_put_sorted(struct buf *buf, const struct json *value)
{
    if (json_kind(value) == JSON_OBJ) {
        put_sorted_object(buf, value);
    } else if (json_kind(value) == JSON_ARR) {
        json_open(buf, '[');
        for (size_t i = 0; i < value->count; i++)
            json_put_sorted(buf, &value->items[i]);
        json_close(buf, ']');
    } else if (json_kind(value) == JSON_STR) {
        put_plain(buf, json_str(value));
    } else if (json_kind(value) == JSON_NUM) {
        put_real(buf, value);
    } else {
        json_put(buf, value);
    }
}

/* Members in one go. */

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

/*
 * Reading JSON: one pass over a copy of the text, in which texts are decoded where they stand. Payloads go
 * through here, so it is quick about good documents only; what is wrong with a bad one the library says.
 */
#include "base/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "json_value.h"

#define DEPTH_MAX 2048
#define FEW       16 /* members that are compared with each other rather than sorted */

/* A document: the root is what others see of it. */
struct document {
    struct arena arena;
    struct json root;
};

struct reading {
    char *at, *end; /* of the copy; *end is NUL */
    int depth;
    struct json *stack; /* items of the containers that are open, the innermost last */
    size_t used, room;
    struct json *heap; /* where the stack is once it no longer fits where it was first */
    struct arena *arena;
};

static bool read_value(struct reading *reading, struct json *value);

static void skip_blanks(struct reading *reading)
{
    while (*reading->at == ' ' || *reading->at == '\n' || *reading->at == '\t' || *reading->at == '\r')
        reading->at++;
}

static bool take(struct reading *reading, char c)
{
    if (*reading->at != c)
        return false;
    reading->at++;
    return true;
}

/* How many bytes the character at `at` has, or 0 if it is no UTF-8. A NUL follows the last one. */
static size_t utf8_bytes(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    size_t count = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    unsigned char least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < least || at[1] > most)
        return 0;
    for (size_t i = 2; i < count; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    return count;
}

bool json_is_utf8(struct span text)
{
    char *copy CLEANUP(mem_drop) = mem_copy(text);
    size_t i = 0;
    while (i < text.len) {
        size_t bytes = utf8_bytes((const unsigned char *)copy + i);
        if (bytes == 0)
            return false;
        i += bytes;
    }
    return true;
}

static bool read_hex(struct reading *reading, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = *reading->at;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return false;
        *code = *code * 16 + digit;
        reading->at++;
    }
    return true;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* Behind "\u". A NUL is refused, and so is half a pair. */
static bool read_unicode(struct reading *reading, char **to)
{
    unsigned code, low;
    if (!read_hex(reading, &code) || code == 0 || (code >= 0xdc00 && code <= 0xdfff))
        return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (!take(reading, '\\') || !take(reading, 'u') || !read_hex(reading, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_utf8(*to, code);
    return true;
}

static bool read_escape(struct reading *reading, char **to)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    char c = *reading->at;
    if (c == 'u') {
        reading->at++;
        return read_unicode(reading, to);
    }
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (letter == NULL)
        return false;
    reading->at++;
    *(*to)++ = means[letter - letters];
    return true;
}

/* Characters that mean nothing but themselves: no quote, escape, control character, or half of another. */
static const bool is_plain[256] = {
    [0x20 ... '"' - 1] = true,
    ['"' + 1 ... '\\' - 1] = true,
    ['\\' + 1 ... 0x7f] = true,
};

/* Behind the opening quote. The text is decoded in place, and ends with a NUL where there was a quote or
 * more. */
static bool read_text(struct reading *reading, struct span *text)
{
    char *to = reading->at;
    text->at = to;
    for (;;) {
        char *start = reading->at;
        while (is_plain[(unsigned char)*reading->at])
            reading->at++;
        size_t run = (size_t)(reading->at - start);
        if (to != start)
            memmove(to, start, run);
        to += run;
        if (*reading->at == '"')
            break;
        if (*reading->at == '\\') {
            reading->at++;
            if (!read_escape(reading, &to))
                return false;
            continue;
        }
        size_t bytes = (unsigned char)*reading->at < 0x20 ? 0 : utf8_bytes((unsigned char *)reading->at);
        if (bytes == 0)
            return false;
        memmove(to, reading->at, bytes);
        to += bytes;
        reading->at += bytes;
    }
    reading->at++;
    text->len = (size_t)(to - text->at);
    *to = '\0';
    return true;
}

static bool read_digits(struct reading *reading)
{
    char *start = reading->at;
    while (*reading->at >= '0' && *reading->at <= '9')
        reading->at++;
    return reading->at > start;
}

static bool read_number(struct reading *reading, struct json *value)
{
    char *start = reading->at;
    bool whole = true;
    take(reading, '-');
    if (!take(reading, '0') && !read_digits(reading))
        return false;
    if (take(reading, '.')) {
        whole = false;
        if (!read_digits(reading))
            return false;
    }
    if (*reading->at == 'e' || *reading->at == 'E') {
        whole = false;
        reading->at++;
        if (!take(reading, '+'))
            take(reading, '-');
        if (!read_digits(reading))
            return false;
    }
    struct span text = {start, (size_t)(reading->at - start)};
    if (whole) {
        value->kind = JSON_INT;
        return num_parse(text, &value->number);
    }
    double number;
    value->kind = JSON_NUM;
    value->text = start;
    value->count = text.len;
    return num_real(text, &number);
}

static bool read_word(struct reading *reading, struct span word, struct json *value, enum json_type kind,
                      int64_t number)
{
    if ((size_t)(reading->end - reading->at) < word.len || memcmp(reading->at, word.at, word.len) != 0)
        return false;
    reading->at += word.len;
    value->kind = kind;
    value->number = number;
    return true;
}

static void push(struct reading *reading, const struct json *item)
{
    if (reading->used == reading->room) {
        struct json *heap = mem_resize(reading->heap, 2 * reading->room * sizeof *heap);
        if (reading->heap == NULL)
            memcpy(heap, reading->stack, reading->used * sizeof *heap);
        reading->stack = reading->heap = heap;
        reading->room *= 2;
    }
    reading->stack[reading->used++] = *item;
}

/* The items since `first` become the container's own. */
static void close_container(struct reading *reading, size_t first, struct json *container)
{
    container->count = reading->used - first;
    container->items = arena_alloc(reading->arena, container->count * sizeof *container->items);
    if (container->count > 0)
        memcpy(container->items, reading->stack + first, container->count * sizeof *container->items);
    reading->used = first;
}

static int by_name(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a;
    const struct json *y = *(const struct json *const *)b;
    if (x->name.len != y->name.len)
        return x->name.len < y->name.len ? -1 : 1;
    return memcmp(x->name.at, y->name.at, x->name.len);
}

/* Sorted, so that no choice of keys makes it slow. */
static bool many_are_unique(const struct json *object)
{
    const struct json **sorted CLEANUP(mem_drop) = mem_alloc(object->count * sizeof(const struct json *));
    for (size_t i = 0; i < object->count; i++)
        sorted[i] = &object->items[i];
    qsort(sorted, object->count, sizeof(const struct json *), by_name);
    for (size_t i = 1; i < object->count; i++)
        if (span_is(sorted[i - 1]->name, sorted[i]->name))
            return false;
    return true;
}

static bool keys_are_unique(const struct json *object)
{
    if (object->count > FEW)
        return many_are_unique(object);
    for (size_t i = 1; i < object->count; i++)
        for (size_t k = 0; k < i; k++)
            if (span_is(object->items[i].name, object->items[k].name))
                return false;
    return true;
}

static bool read_member(struct reading *reading, struct json *item)
{
    skip_blanks(reading);
    if (!take(reading, '"') || !read_text(reading, &item->name))
        return false;
    skip_blanks(reading);
    return take(reading, ':');
}

static bool read_container(struct reading *reading, struct json *value, enum json_type kind, char closing)
{
    size_t first = reading->used;
    value->kind = kind;
    if (++reading->depth > DEPTH_MAX)
        return false;
    skip_blanks(reading);
    while (!take(reading, closing)) {
        struct json item = {0};
        if (reading->used > first && !take(reading, ','))
            return false;
        if ((kind == JSON_OBJ && !read_member(reading, &item)) || !read_value(reading, &item))
            return false;
        push(reading, &item);
        skip_blanks(reading);
    }
    reading->depth--;
    close_container(reading, first, value);
    return kind == JSON_ARR || keys_are_unique(value);
}

static bool read_value(struct reading *reading, struct json *value)
{
    skip_blanks(reading);
    switch (*reading->at) {
    case '{':
        reading->at++;
        return read_container(reading, value, JSON_OBJ, '}');
    case '[':
        reading->at++;
        return read_container(reading, value, JSON_ARR, ']');
    case '"': {
        struct span text;
        reading->at++;
        if (!read_text(reading, &text))
            return false;
        value->kind = JSON_STR;
        value->text = text.at;
        value->count = text.len;
        return true;
    }
    case 't':
        return read_word(reading, SPAN("true"), value, JSON_BOOL, 1);
    case 'f':
        return read_word(reading, SPAN("false"), value, JSON_BOOL, 0);
    case 'n':
        return read_word(reading, SPAN("null"), value, JSON_ABSENT, 0);
    default:
        return read_number(reading, value);
    }
}

/* What is wrong with a text that could not be read, as the library finds it. */
static struct json_fault fault_of(struct span text)
{
    json_error_t error = {.position = 0};
    json_t *document = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (document != NULL) { /* it takes a NUL behind a number that is all of the text */
        json_decref(document);
        return (struct json_fault){"Malformed JSON", text.len, 1};
    }
    enum json_error_code code = json_error_code(&error);
    const char *what = code == json_error_duplicate_key      ? "Duplicate key"
                       : code == json_error_numeric_overflow ? "Number out of range"
                                                             : "Malformed JSON";
    return (struct json_fault){what, (size_t)error.position, error.line};
}

struct json *json_parse(struct span text, struct json_fault *fault)
{
    struct arena arena = {0};
    struct document *document = arena_alloc(&arena, sizeof *document);
    char *copy = arena_copy(&arena, text);
    struct json few[32];
    struct reading reading = {.at = copy,
                              .end = copy + text.len,
                              .stack = few,
                              .room = sizeof few / sizeof few[0],
                              .arena = &arena};
    bool good = read_value(&reading, &document->root);
    skip_blanks(&reading);
    good = good && reading.at == reading.end;
    free(reading.heap);
    if (good) {
        document->arena = arena;
        return &document->root;
    }
    arena_free(&arena);
    *fault = fault_of(text);
    return NULL;
}

void json_free(struct json *root)
{
    if (root == NULL)
        return;
    struct arena arena = ((struct document *)((char *)root - offsetof(struct document, root)))->arena;
    arena_free(&arena); /* the document lies in it */
}

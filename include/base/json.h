/*
 * JSON: reading whole documents strictly, and writing text.
 *
 * Refused when reading: duplicate keys, bad UTF-8, \u0000, whole numbers over 64 bits, text behind the
 * document, nesting deeper than 2,048.
 */
#ifndef PICKUPD_BASE_JSON_H
#define PICKUPD_BASE_JSON_H

#include "base/buf.h"

struct json; /* a value inside a document; valid as long as the document */

enum json_type {
    JSON_ABSENT, /* no value, or null */
    JSON_OBJ,
    JSON_ARR,
    JSON_STR,
    JSON_INT,
    JSON_NUM, /* a number that is not whole, or is written with a point or an exponent */
    JSON_BOOL,
};

/* Where and why a text is no JSON, in words that hold nothing of it. */
struct json_fault {
    const char *what; /* static: "Malformed JSON", "Duplicate key" or "Number out of range" */
    size_t byte;      /* bytes read until it was noticed */
    int line;
};

/* The document, owned by the caller (json_free), or NULL with *fault filled. */
struct json *json_parse(struct span text, struct json_fault *fault);
void json_free(struct json *document);

/* All of these take NULL as an absent value. */
enum json_type json_kind(const struct json *value);
const struct json *json_get(const struct json *object, const char *key);     /* NULL if absent */
const struct json *json_member(const struct json *object, struct span name); /* the same */
const struct json *json_at(const struct json *array, size_t index);          /* NULL if absent */
size_t json_count(const struct json *array_or_object);
struct span json_str(const struct json *value); /* empty unless JSON_STR */
int64_t json_int(const struct json *value);     /* 0 unless JSON_INT */
double json_number(const struct json *value);   /* 0 unless JSON_INT or JSON_NUM */
bool json_bool(const struct json *value);       /* false unless JSON_BOOL */

/* Walks an object: start with *at = NULL; false at its end. Do not stop halfway and reuse *at elsewhere. */
bool json_next(const struct json *object, void **at, const char **key, const struct json **value);

/*
 * Whether two values are the same: members in any order, elements in theirs, and 1 is not 1.0. Absent is
 * the same as null, but not within an object: a member that is null is there.
 */
bool json_same(const struct json *a, const struct json *b);

/*
 * The line, from 1, on which a value stands in a text that is JSON; of a member, the line of its name. The
 * path is a list of steps with '\n' between them, a step a member's name or an element's index; the empty
 * path is the whole document. Where a step leads to nothing, the line of the last value before it. A text
 * that is no JSON gives any of its lines.
 */
int json_line(struct span text, struct span path);

/* Writes a value as compact text. A number reads back as the same one, and of the same kind. */
void json_put(struct buf *out, const struct json *value);

/* As json_put, but where `list`, which is a part of `value` or all of it, stands, writes [element]. */
void json_put_narrowed(struct buf *out, const struct json *value, const struct json *list,
                       const struct json *element);

/*
 * Writes a value as compact text in which members are sorted by the bytes of their names: values that are
 * json_same have one text (but -0.0 and 0.0 two). Not for a terminal: only what JSON asks for is escaped.
 */
void json_put_sorted(struct buf *out, const struct json *value);

/* Whether a text may be written as JSON at all. */
bool json_is_utf8(struct span text);

/* Writing: commas come by themselves. A key is followed by exactly one value. */
void json_open(struct buf *out, char bracket);  /* '{' or '[' */
void json_close(struct buf *out, char bracket); /* '}' or ']' */
void json_key(struct buf *out, struct span key);
void json_put_str(struct buf *out, struct span text); /* escapes; `text` is UTF-8 */
void json_put_raw(struct buf *out, struct span text); /* text that is JSON already */

/* A key and its value in one go. */
void json_add_str(struct buf *out, const char *key, struct span text);
void json_add_int(struct buf *out, const char *key, int64_t number);
void json_add_raw(struct buf *out, const char *key, struct span text);

#endif

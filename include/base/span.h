/* A run of bytes that somebody else owns. It is not NUL-terminated. */
#ifndef PICKUPD_BASE_SPAN_H
#define PICKUPD_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

/* The span of a string literal, and of a NUL-terminated string (NULL gives the empty span). */
#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})
static inline struct span span_of(const char *text)
{
    return (struct span){text ? text : "", text ? strlen(text) : 0};
}

/* Equality of bytes, with and without regard to ASCII case. Not for secrets: see base/hmac.h. */
static inline bool span_is(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is_nocase(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

bool span_starts(struct span text, struct span start);
bool span_starts_nocase(struct span text, struct span start);
bool span_ends_nocase(struct span text, struct span end);

/* Without its first `count` bytes, which it must have. */
void span_skip(struct span *text, size_t count);

/* Without ASCII white space at both ends. */
struct span span_trim(struct span text);

/* The part before the first `at`, which moves *rest behind it; without `at`, all of it, and *rest is empty.
 */
struct span span_cut(struct span *rest, char at);

/* Whether a terminal may act upon that byte: C0, DEL, and C1 as UTF-8 writes it, of which it is the second.
 */
bool span_is_control(struct span text, size_t at);

/* How many bytes come before the first that ends it. */
size_t span_run(struct span text, const bool ends[256]);

#endif

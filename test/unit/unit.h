/*
 * What the unit tests share: cmocka behind the headers it needs, and checks that name the row of a table
 * that failed.
 */
#ifndef PICKUPD_TEST_UNIT_H
#define PICKUPD_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/faults.h"

/* Like assert_true, with the name of a row. */
#define CHECK(row, condition)                                                                                \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg("%s: not so: %s", (row), #condition);                                                   \
    } while (0)

static inline void check_text(const char *row, struct span got, const char *want)
{
    if (!span_is(got, span_of(want)))
        fail_msg("%s:\n   got %.*s\n  want %s", row, (int)got.len, got.at, want);
}

static inline void check_int(const char *row, int64_t got, int64_t want)
{
    if (got != want)
        fail_msg("%s: got %lld, want %lld", row, (long long)got, (long long)want);
}

/* `want` holds all texts in their order, with "; " between them. */
static inline void check_faults(const char *row, const struct faults *faults, const char *want)
{
    struct buf got CLEANUP(buf_free) = {0};
    for (size_t i = 0; i < faults->count; i++)
        buf_printf(&got, "%s%s", i > 0 ? "; " : "", faults->texts[i]);
    check_text(row, buf_span(&got), want);
}

/* JSON is written with ' for " in the tests, so that it can be read. */
static inline struct span quoted(struct arena *arena, const char *text)
{
    char *copy = arena_copy(arena, span_of(text));
    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return span_of(copy);
}

/* One byte so many times over. */
static inline struct span repeat(struct arena *arena, int byte, size_t count)
{
    char *at = arena_alloc(arena, count + 1);
    memset(at, byte, count);
    return (struct span){at, count};
}

/* A copy whose last byte is the last of its block, so that the sanitizers see every read beyond it. */
static inline char *exact(struct span text)
{
    char *copy = mem_resize(NULL, text.len);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

/* The next of a row of random numbers, below `sides`. The same seed, not 0, gives the same row. */
static inline size_t roll(uint64_t *seed, size_t sides)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (size_t)(*seed >> 11) % sides;
}

#endif

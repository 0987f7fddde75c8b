/*
 * A growing run of bytes. Zero-initialised it lives on the heap and is released with buf_free; with an
 * arena set it lives there and needs no release.
 */
#ifndef PICKUPD_BASE_BUF_H
#define PICKUPD_BASE_BUF_H

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct buf {
    char *at;
    size_t len;
    size_t room;
    struct arena *arena;
};

/* Makes room for that many further bytes. */
void buf_reserve(struct buf *buf, size_t count);

/* That many further bytes, to be written by the caller before the next addition. */
static inline char *buf_extend(struct buf *buf, size_t count)
{
    if (buf->room - buf->len < count)
        buf_reserve(buf, count);
    buf->len += count;
    return buf->at + buf->len - count;
}

void buf_add_int(struct buf *buf, int64_t number);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void buf_add(struct buf *buf, struct span text)
{
    if (text.len > 0)
        memcpy(buf_extend(buf, text.len), text.at, text.len);
}

static inline void buf_add_char(struct buf *buf, char c)
{
    *buf_extend(buf, 1) = c;
}

/* The bytes so far; valid until the next addition. */
struct span buf_span(const struct buf *buf);

/* NUL-terminates without counting the NUL, and gives the bytes as a string. */
char *buf_text(struct buf *buf);

/* Releases a heap buffer, and empties it. */
void buf_free(struct buf *buf);

#endif

/*
 * A growing run of bytes. Zero-initialised it lives on the heap and is released with buf_free; with an
 * arena set it lives there and needs no release.
 */
#ifndef PICKUPD_BASE_BUF_H
#define PICKUPD_BASE_BUF_H

#include <stdint.h>

#include "base/mem.h"

struct buf {
    char *at;
    size_t len;
    size_t room;
    struct arena *arena;
};

void buf_add(struct buf *buf, struct span text);
/* That many further bytes, to be written by the caller before the next addition. */
char *buf_extend(struct buf *buf, size_t count);

void buf_add_int(struct buf *buf, int64_t number);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void buf_add_char(struct buf *buf, char c)
{
    *(buf->len < buf->room ? &buf->at[buf->len++] : buf_extend(buf, 1)) = c;
}

/* The bytes so far; valid until the next addition. */
struct span buf_span(const struct buf *buf);

/* NUL-terminates without counting the NUL, and gives the bytes as a string. */
char *buf_text(struct buf *buf);

/* Releases a heap buffer, and empties it. */
void buf_free(struct buf *buf);

#endif

/* Growing runs of bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_reserve(struct buf *buf, size_t count)
{
    if (buf->room - buf->len >= count)
        return;
    size_t room = buf->room ? buf->room * 2 : 256;
    while (room - buf->len < count)
        room *= 2;
    if (buf->arena != NULL) {
        char *at = arena_room(buf->arena, room);
        if (buf->len > 0)
            memcpy(at, buf->at, buf->len);
        buf->at = at;
    } else {
        buf->at = mem_resize(buf->at, room);
    }
    buf->room = room;
}

void buf_add_int(struct buf *buf, int64_t number)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        *--at = '-';
    buf_add(buf, (struct span){at, (size_t)(digits + sizeof digits - at)});
}

/* Writes into what room there is, and again if that was too little. */
void buf_printf(struct buf *buf, const char *format, ...)
{
    size_t room = 128;
    for (;;) {
        va_list args;
        buf_reserve(buf, room);
        va_start(args, format);
        int len = vsnprintf(buf->at + buf->len, room, format, args);
        va_end(args);
        if (len < 0)
            abort();
        if ((size_t)len < room) {
            buf->len += (size_t)len;
            return;
        }
        room = (size_t)len + 1;
    }
}

struct span buf_span(const struct buf *buf)
{
    return (struct span){buf->at ? buf->at : "", buf->len};
}

char *buf_text(struct buf *buf)
{
    buf_reserve(buf, 1);
    buf->at[buf->len] = '\0';
    return buf->at;
}

void buf_free(struct buf *buf)
{
    if (buf->arena == NULL)
        free(buf->at);
    *buf = (struct buf){.arena = buf->arena};
}

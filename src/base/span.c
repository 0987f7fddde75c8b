/* Runs of bytes. */
#include "base/span.h"

bool span_starts(struct span text, struct span start)
{
    return text.len >= start.len && span_is((struct span){text.at, start.len}, start);
}

bool span_starts_nocase(struct span text, struct span start)
{
    return text.len >= start.len && span_is_nocase((struct span){text.at, start.len}, start);
}

bool span_ends_nocase(struct span text, struct span end)
{
    return text.len >= end.len && span_is_nocase((struct span){text.at + text.len - end.len, end.len}, end);
}

void span_skip(struct span *text, size_t count)
{
    text->at += count;
    text->len -= count;
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span span_trim(struct span text)
{
    while (text.len > 0 && blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

struct span span_cut(struct span *rest, char at)
{
    struct span head = *rest;
    if (rest->len == 0)
        return head; /* it may have no bytes to point behind */
    const char *found = memchr(rest->at, at, rest->len);
    if (found == NULL) {
        *rest = (struct span){rest->at + rest->len, 0};
        return head;
    }
    head.len = (size_t)(found - head.at);
    rest->len -= head.len + 1;
    rest->at = found + 1;
    return head;
}

bool span_is_control(struct span text, size_t at)
{
    unsigned char c = (unsigned char)text.at[at];
    unsigned char before = at > 0 ? (unsigned char)text.at[at - 1] : 0;
    return c < 0x20 || c == 0x7f || (before == 0xc2 && c < 0xa0);
}

size_t span_run(struct span text, const bool ends[256])
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t i = 0;
    /* Runs are long, and four at a time cost half as much. */
    while (i + 4 <= text.len && !(ends[at[i]] | ends[at[i + 1]] | ends[at[i + 2]] | ends[at[i + 3]]))
        i += 4;
    while (i < text.len && !ends[at[i]])
        i++;
    return i;
}

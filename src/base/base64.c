/* Base64. */
#include "base/base64.h"

#include <string.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_write(struct buf *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (i + k < bytes.len ? (uint8_t)bytes.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(out, i + k > bytes.len ? '=' : standard[group >> (18 - 6 * k) & 63]);
    }
}

static bool digit(const char *alphabet, char c, uint32_t *value)
{
    const char *found = c != '\0' ? strchr(alphabet, c) : NULL;
    *value = found ? (uint32_t)(found - alphabet) : 0;
    return found != NULL;
}

/* `text` without its padding. */
static bool read_digits(struct buf *out, struct span text, const char *alphabet)
{
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value;
        if (!digit(alphabet, text.at[i], &value))
            return false;
        bits = bits << 6 | value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_add_char(out, (char)(bits >> count & 255));
        }
    }
    return count < 6 && (bits & ((1U << count) - 1)) == 0;
}

static struct span without_padding(struct span text)
{
    for (int i = 0; i < 2 && text.len > 0 && text.at[text.len - 1] == '='; i++)
        text.len--;
    return text;
}

bool base64_read(struct buf *out, struct span text)
{
    return text.len % 4 == 0 && read_digits(out, without_padding(text), standard);
}

bool base64url_read(struct buf *out, struct span text)
{
    struct span digits = without_padding(text);
    return (digits.len == text.len || text.len % 4 == 0) && read_digits(out, digits, for_urls);
}

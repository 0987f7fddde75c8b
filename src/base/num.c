/* Strict numbers. */
#include "base/num.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct unit {
    struct span name;
    int64_t factor;
};

bool num_parse(struct span text, int64_t *number)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    size_t start = negative ? 1 : 0;
    if (text.len == start || text.len - start > 19)
        return false;
    int64_t sum = 0;
    for (size_t i = start; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        int digit = text.at[i] - '0';
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return false;
    }
    *number = sum;
    return true;
}

bool num_real(struct span text, double *number)
{
    char *copy = mem_copy(text);
    char *end;
    *number = strtod(copy, &end);
    bool good = text.len > 0 && *end == '\0' && isfinite(*number);
    free(copy);
    return good;
}

static bool parse_with_unit(struct span text, const struct unit *units, size_t count, int64_t *number)
{
    int64_t factor = 1;
    for (size_t i = 0; i < count; i++) {
        if (text.len > units[i].name.len && span_ends_nocase(text, units[i].name)) {
            factor = units[i].factor;
            text.len -= units[i].name.len;
            break;
        }
    }
    int64_t base;
    return num_parse(text, &base) && base >= 0 && !__builtin_mul_overflow(base, factor, number);
}

bool num_parse_size(struct span text, int64_t *bytes)
{
    static const struct unit units[] = {
        {SPAN("KiB"), 1 << 10},
        {SPAN("MiB"), 1 << 20},
        {SPAN("GiB"), 1 << 30},
    };
    return parse_with_unit(text, units, 3, bytes);
}

bool num_parse_duration(struct span text, int64_t *seconds)
{
    static const struct unit units[] = {
        {SPAN("s"), 1}, {SPAN("m"), 60}, {SPAN("h"), 3600}, {SPAN("d"), 86400}};
    return parse_with_unit(text, units, 4, seconds);
}

bool num_digits(struct span text, size_t count, int *number)
{
    if (text.len < count || count > 9)
        return false;
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        sum = sum * 10 + (text.at[i] - '0');
    }
    *number = sum;
    return true;
}

void num_put_digits(char *at, int count, int number)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* Looking a header up. */
#include "base/request.h"

size_t request_header(const struct request *request, struct span name, struct span *value)
{
    size_t found = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!span_is_nocase(request->headers[i].name, name))
            continue;
        if (found++ == 0)
            *value = request->headers[i].value;
    }
    return found;
}

/* RFC 9110: what a token is made of. */
static const bool is_token[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

bool request_is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token[(unsigned char)name.at[i]])
            return false;
    return name.len > 0;
}

/* Looking a header up. */
#include "base/request.h"

#include <string.h>

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

bool request_is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", name.at[i]) != NULL)
            return false;
    return name.len > 0;
}

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

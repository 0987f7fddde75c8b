/* A list: there are as many as sources that have ever been in quarantine. */
#include "uses.h"

#include <stdlib.h>

#include "base/mem.h"

struct use *use_find(struct use *first, struct span origin)
{
    for (struct use *use = first; use != NULL; use = use->next)
        if (span_is(span_of(use->origin), origin))
            return use;
    return NULL;
}

struct use *use_of(struct use **first, struct span origin)
{
    struct use *use = use_find(*first, origin);
    if (use != NULL)
        return use;
    use = mem_alloc(sizeof *use);
    *use = (struct use){*first, mem_copy(origin), 0, 0};
    *first = use;
    return use;
}

void uses_free(struct use **first)
{
    while (*first != NULL) {
        struct use *use = *first;
        *first = use->next;
        free(use->origin);
        free(use);
    }
}

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

struct use *use_of(use_list *first, struct span origin)
{
    struct use *use = use_find(*first, origin);
    if (use != NULL)
        return use;
    use = mem_alloc(sizeof *use);
    use->next = *first;
    use->origin = mem_copy(origin);
    *first = use;
    return use;
}

void uses_keep(struct use *first)
{
    for (struct use *use = first; use != NULL; use = use->next) {
        atomic_store_explicit(&use->kept_rows, use->rows, memory_order_relaxed);
        atomic_store_explicit(&use->kept_bytes, use->bytes, memory_order_relaxed);
    }
}

void uses_free(use_list *first)
{
    while (*first != NULL) {
        struct use *use = *first;
        *first = use->next;
        free(use->origin);
        free(use);
    }
}

/* Finding sources. */
#include "model/source.h"

const struct source *sources_find(const struct sources *sources, struct span name)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->all[i].disabled == NULL && span_is(span_of(sources->all[i].name), name))
            return &sources->all[i];
    return NULL;
}

size_t sources_enabled(const struct sources *sources)
{
    size_t enabled = 0;
    for (size_t i = 0; i < sources->count; i++)
        enabled += sources->all[i].disabled == NULL;
    return enabled;
}

bool secret_live(const struct secret *secret, int64_t now)
{
    return now >= secret->not_before && now < secret->not_after;
}

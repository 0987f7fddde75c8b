/* What quarantine holds of each source: counted by the store, so that nobody has to count rows to know. */
#ifndef PICKUPD_STORE_USES_H
#define PICKUPD_STORE_USES_H

#include <stdint.h>

#include "base/span.h"

struct use {
    struct use *next;
    char *origin;
    int64_t rows;
    int64_t bytes;
};

/* NULL for an origin of which nothing was ever in quarantine: whoever publishes may name any number of them.
 */
struct use *use_find(struct use *first, struct span origin);

/* Adds one that is not there. */
struct use *use_of(struct use **first, struct span origin);

void uses_free(struct use **first);

#endif

/* What quarantine holds of each source: counted by the store, so that nobody has to count rows to know. */
#ifndef PICKUPD_STORE_USES_H
#define PICKUPD_STORE_USES_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/span.h"
#include "store/counts.h"

struct use {
    struct use *next;
    char *origin;
    int64_t rows;
    int64_t bytes;
    atomic_llong kept_rows, kept_bytes; /* as of the last transaction that was kept; for any thread */
};

/* NULL for an origin of which nothing was ever in quarantine: whoever publishes may name any number of them.
 */
struct use *use_find(struct use *first, struct span origin);

/* Adds one that is not there. */
struct use *use_of(use_list *first, struct span origin);

/* What is there now has been kept. */
void uses_keep(struct use *first);

void uses_free(use_list *first);

#endif

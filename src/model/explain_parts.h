/* The two halves of an explanation: why it is not authentic, and what becomes of it. */
#ifndef PICKUPD_MODEL_EXPLAIN_PARTS_H
#define PICKUPD_MODEL_EXPLAIN_PARTS_H

#include "model/definition.h"
#include "model/explain.h"

struct telling {
    struct arena arena;
    struct buf *out;
    const struct sources *sources; /* or NULL */
    const struct source *source;
    const struct request *request; /* or NULL */
    bool show_values;
};

/* "step         what", a line. */
void tell(struct telling *telling, const char *step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What the scheme says to a request that is not authentic, and every small change that would make it so. */
void tell_refusal(struct telling *telling, const struct proof *proof);

#endif

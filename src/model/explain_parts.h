/* The two halves of an explanation: why it is not authentic, and what becomes of it. */
#ifndef PICKUPD_MODEL_EXPLAIN_PARTS_H
#define PICKUPD_MODEL_EXPLAIN_PARTS_H

#include "model/definition.h"
#include "model/explain.h"

struct telling {
    struct arena arena;
    struct buf *out;
    const struct explain_case *asked; /* or NULL */
    const struct source *source;
    const struct request *request; /* or NULL */
    bool show_values;
    int barred; /* the status with which the server answers before it looks at the signature, or 0 */
};

/* "step         what", a line. */
void tell(struct telling *telling, const char *step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A line for every small change that would make the request authentic, whatever its time; false if none does.
 * With `of_time` only changes to how the time is read are tried.
 */
bool tell_changes(struct telling *telling, bool of_time);

/* How the request does if its time may be any; `reason` is NULL if it is authentic then. */
struct proof prove_at_any_time(struct telling *telling);

/* What the scheme says to a request that is not authentic, and every small change that would make it so. */
void tell_refusal(struct telling *telling, const struct proof *proof);

#endif

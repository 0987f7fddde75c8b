/*
 * The details that the built-in flows act on, by source and type: what they must look like when a program of
 * the lab publishes them. Members that are not known are kept; any other event's detail is any object.
 */
#ifndef PICKUPD_MODEL_DETAIL_H
#define PICKUPD_MODEL_DETAIL_H

#include "base/err.h"
#include "model/shape.h"

struct detail_kind {
    struct span source, type;
    const struct shape *shape;
    size_t most; /* bytes as compact text: what the flows keep many times over must be small */
};

#define DETAIL_KINDS 3
extern const struct detail_kind detail_kinds[DETAIL_KINDS];

/* How long a detail may be, as compact text; `otherwise` for those that the flows leave alone. */
size_t detail_most(struct span source, struct span type, size_t otherwise);

/* What is known of the members of a published detail: its kind's, or else those of any pickup's. */
const struct shape *detail_shape(struct span source, struct span type);

/* Whether the `detail` of an envelope is what its source and type ask for; faults as "Missing detail.caseId".
 */
MUST bool detail_check(struct span source, struct span type, const struct json *envelope,
                       struct faults *faults);

#endif

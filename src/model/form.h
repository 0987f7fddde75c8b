/* application/x-www-form-urlencoded, in a query or a body. */
#ifndef PICKUPD_MODEL_FORM_H
#define PICKUPD_MODEL_FORM_H

#include "base/mem.h"

#define FORM_FIELDS_MAX 1000

struct form_field {
    struct span name, value; /* decoded, in the arena */
};

/* The fields of a text in its order; their number, or -1 if it is no form or has more than FORM_FIELDS_MAX.
 */
int form_read(struct span text, struct arena *arena, struct form_field **fields);

#endif

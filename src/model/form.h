/* application/x-www-form-urlencoded, in a query or a body. */
#ifndef PICKUPD_MODEL_FORM_H
#define PICKUPD_MODEL_FORM_H

#include "base/faults.h"
#include "base/json.h"

#define FORM_FIELDS_MAX 1000

struct form_field {
    struct span name, value; /* decoded, in the arena */
};

/* The fields of a text in its order; their number, or -1 if it is no form or has more than FORM_FIELDS_MAX.
 */
int form_read(struct span text, struct arena *arena, struct form_field **fields);

/*
 * A form as an object of texts, owned by the caller; NULL with a fault if it is no form, holds a name twice,
 * or anything that is no UTF-8.
 */
struct json *form_json(struct span text, struct arena *arena, struct faults *faults);

#endif

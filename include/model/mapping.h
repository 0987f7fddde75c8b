/* From a vendor's payload to our detail: rules compiled once, run in one loop. */
#ifndef PICKUPD_MODEL_MAPPING_H
#define PICKUPD_MODEL_MAPPING_H

#include "base/buf.h"
#include "base/err.h"
#include "base/faults.h"
#include "base/json.h"
#include "base/zone.h"

#define MAP_ID_MAX 200 /* bytes of an id */

enum map_var {
#define VAR(name, text) MAP_VAR_##name,
#include "tbl/var.h"
    MAP_VAR_COUNT
};

struct mapping;

/* What a mapping looks at. Borrowed. */
struct data {
    const struct json *row;     /* what most paths count from: the payload, or one element of a list in it */
    const struct json *payload; /* what "$" is */
    const struct json *request; /* an object of "header" and "query", or NULL */
    bool texts;                 /* the payload was a form: all its values are texts */
};

/* What a run needs. */
struct map_input {
    struct data data;
    struct span vars[MAP_VAR_COUNT];
    const struct zone *zone; /* NULL: a time without a zone is a fault */
};

/* How a field of the detail came about, or why it did not. */
enum map_end { MAP_LEFT_OUT, MAP_WRITTEN, MAP_DEFAULT, MAP_MISSING, MAP_INVALID, MAP_BROKEN };

struct map_trace {
    enum map_end end;
    size_t path;        /* of the op's paths, the one that led to a value; else 0 */
    const char *broken; /* what a path could not step into, or NULL */
};

/* JSON texts inside `detail`; NULL where the mapping has no such field. Everything lives in the arena. */
struct mapped {
    struct buf detail;
    struct span pickup_id;
    struct span external_id;
    struct span window_start;
    size_t received_at;             /* where in detail the received time's text stands, or 0 */
    const struct map_trace *traces; /* one an op, for explanations; NULL if the row is no object */
};

/* ERR_BAD_WEBHOOK with all faults of the payload at once, in the order of the mapping. */
MUST enum err mapping_run(const struct mapping *mapping, const struct map_input *input, struct arena *arena,
                          struct mapped *mapped, struct faults *faults);

#endif

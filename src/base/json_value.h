/* A JSON value as it lies in memory: what the reader makes, and the door and the writer look at. */
#ifndef PICKUPD_BASE_JSON_VALUE_H
#define PICKUPD_BASE_JSON_VALUE_H

#include "base/json.h"

struct json {
    struct span name; /* of a member; NUL-terminated */
    union {
        const char *text;   /* JSON_STR, decoded and NUL-terminated; JSON_NUM, as it was written */
        struct json *items; /* JSON_OBJ, JSON_ARR */
        int64_t number;     /* JSON_INT; JSON_BOOL as 0 or 1 */
    };
    size_t count; /* bytes of a text, or items */
    enum json_type kind;
};

#endif

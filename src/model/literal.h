/* A value that a definition spells out, to compare a payload's with: a text, a whole number, true or false.
 */
#ifndef PICKUPD_MODEL_LITERAL_H
#define PICKUPD_MODEL_LITERAL_H

#include "node.h"

struct literal {
    enum json_type kind;
    struct span text;
    int64_t number; /* 0 or 1 for false and true */
};

/* False if the value is none of these. */
bool literal_load(struct node node, struct literal *literal);

bool literal_is(const struct literal *literal, const struct json *value, bool ignore_case);

#endif

/* How urgent something is; a greater one is more so. */
#ifndef PICKUPD_MODEL_PRIORITY_H
#define PICKUPD_MODEL_PRIORITY_H

#include "base/span.h"

enum priority { PRIORITY_STANDARD, PRIORITY_RUSH, PRIORITY_EMERGENCY, PRIORITY_COUNT };

/* STANDARD, RUSH, EMERGENCY; static. */
const char *priority_name(enum priority priority);

/* False for any other text. */
bool priority_read(struct span text, enum priority *priority);

static inline enum priority priority_higher(enum priority a, enum priority b)
{
    return a > b ? a : b;
}

#endif

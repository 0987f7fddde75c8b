/* The definitions inside the binary. */
#ifndef PICKUPD_MODEL_BUILTIN_H
#define PICKUPD_MODEL_BUILTIN_H

#include "base/span.h"

struct builtin {
    const char *vendor;
    const char *secret_env; /* where its secret comes from when there is no config file */
    struct span text;       /* the definition's JSON */
};

#define BUILTIN_COUNT 3

/* `index` below BUILTIN_COUNT. */
struct builtin builtin_at(size_t index);

#endif

/*
 * The one result type. Every function that can fail in a way its caller must handle returns it, and the
 * compiler refuses a caller that looks away.
 */
#ifndef PICKUPD_BASE_ERR_H
#define PICKUPD_BASE_ERR_H

enum err {
#define ERR(name, status, text) ERR_##name,
#include "tbl/err.h"
    ERR_COUNT
};

#define MUST       __attribute__((warn_unused_result))
#define CLEANUP(f) __attribute__((cleanup(f)))

/* The only macro that returns. */
#define TRY(e)                                                                                               \
    do {                                                                                                     \
        enum err e_ = (e);                                                                                   \
        if (e_ != ERR_OK)                                                                                    \
            return e_;                                                                                       \
    } while (0)

/* The HTTP status of an error, 200 to 599. */
int err_status(enum err e);

/* The text a client may read; static. */
const char *err_text(enum err e);

#endif

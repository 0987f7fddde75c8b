/* What a sender is answered where it requires something of its own. */
#ifndef PICKUPD_MODEL_REPLY_H
#define PICKUPD_MODEL_REPLY_H

#include "base/span.h"

struct reply {
    int status;       /* 0: what pickupd says by itself */
    struct span type; /* of the body; NUL-terminated */
    struct span body;
};

#endif

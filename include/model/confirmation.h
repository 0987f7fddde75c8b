/* The answer's confirmation in a vendor's own words. */
#ifndef PICKUPD_MODEL_CONFIRMATION_H
#define PICKUPD_MODEL_CONFIRMATION_H

#include "base/buf.h"

enum term {
#define TERM(name, text) TERM_##name,
#include "tbl/term.h"
    TERM_COUNT
};

struct confirmation;

/*
 * Writes it as JSON. Each term is a JSON text, such as "\"Pending\"" or "null". An object whose terms are all
 * null is written as null.
 */
void confirmation_write(const struct confirmation *confirmation, const struct span terms[TERM_COUNT],
                        struct buf *out);

#endif

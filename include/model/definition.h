/*
 * A definition: how a vendor signs and what its fields mean. Loaded once, then read by any thread.
 * The format is described in contrib/manual.md.
 */
#ifndef PICKUPD_MODEL_DEFINITION_H
#define PICKUPD_MODEL_DEFINITION_H

#include "base/faults.h"
#include "model/confirmation.h"
#include "model/mapping.h"
#include "model/scheme.h"

struct definition {
    struct arena arena; /* holds all of the below */
    struct span vendor;
    const struct scheme *scheme;
    struct span source; /* the envelope's source */
    struct span type;   /* the envelope's detailType */
    const struct mapping *mapping;
    const struct confirmation *confirmation;
};

/*
 * The definition in that text, owned by the caller; NULL with every mistake added to `faults`, as
 * "FILE: path.of.the.key: what".
 */
struct definition *definition_load(struct span text, const char *file, struct faults *faults);
void definition_free(struct definition *definition);

#endif

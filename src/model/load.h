/* The parts of a definition, each loaded by the room that owns it. */
#ifndef PICKUPD_MODEL_LOAD_H
#define PICKUPD_MODEL_LOAD_H

#include "model/confirmation.h"
#include "model/mapping.h"
#include "model/scheme.h"
#include "node.h"

const struct scheme *scheme_load(struct node node);
const struct mapping *mapping_load(struct node detail);

/* A pickup without an id, that is with another's, is a mistake. */
void mapping_require_pickup(struct node detail, const struct mapping *mapping);
const struct confirmation *confirmation_load(struct node node);

#endif

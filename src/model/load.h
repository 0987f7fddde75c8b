/* The parts of a definition, each loaded by the room that owns it. */
#ifndef PICKUPD_MODEL_LOAD_H
#define PICKUPD_MODEL_LOAD_H

#include "model/confirmation.h"
#include "model/mapping.h"
#include "model/scheme.h"
#include "node.h"

void scheme_load(struct node node, struct scheme *scheme);
const struct mapping *mapping_load(struct node detail);
const struct confirmation *confirmation_load(struct node node);

#endif

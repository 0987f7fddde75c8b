/* Conditions: what must stand where, so that an event or a handshake is meant. */
#ifndef PICKUPD_MODEL_WHEN_H
#define PICKUPD_MODEL_WHEN_H

#include "path.h"

struct when;

/* {"path": what}; absent means always. */
const struct when *when_load(struct node node);

/* Whether all of it holds. */
bool when_holds(const struct when *when, const struct data *data);

/* Adds the paths it looks at, with ", " between them: for people. */
void when_describe(const struct when *when, struct buf *out);

#endif

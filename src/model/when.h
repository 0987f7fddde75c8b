/* Conditions: what must stand where, so that an event or a handshake is meant. */
#ifndef PICKUPD_MODEL_WHEN_H
#define PICKUPD_MODEL_WHEN_H

#include "model/scheme.h"
#include "path.h"

struct when;

/* {"path": what}; absent means always. */
const struct when *when_load(struct node node);

/* Whether all of it holds. */
bool when_holds(const struct when *when, const struct data *data);

/* Whether all it looks at is signed, or the scheme signs nothing at all. */
bool when_is_covered(const struct when *when, const struct scheme *scheme, bool has_rows);

/* Whether it holds whatever comes. */
bool when_is_always(const struct when *when);

/* Adds, for people, what does not hold, with " and " between; without data, all that must. */
void when_describe(const struct when *when, const struct data *data, struct buf *out);

#endif

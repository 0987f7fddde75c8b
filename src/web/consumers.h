/* What the operations on consumers share. */
#ifndef PICKUPD_WEB_CONSUMERS_H
#define PICKUPD_WEB_CONSUMERS_H

#include "api.h"
#include "model/envelope.h"
#include "store/claims.h"

/* The consumer that the path names, in the arena: of the token's org, or the flows. */
MUST enum err consumers_find(struct view *view, const struct ask *ask, struct arena *arena,
                             struct consumer *consumer);

bool consumers_is_flows(struct span name);

/* Whether it is the flows, and a refusal was answered. */
bool consumers_refuse_flows(struct ask *ask);

#endif

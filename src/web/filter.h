/* The parameters source, origin and detailType of those who look at events. */
#ifndef PICKUPD_WEB_FILTER_H
#define PICKUPD_WEB_FILTER_H

#include "api.h"
#include "store/consumers.h"

/* What they let through of the token's org; in the arena. */
struct consumer_filter *filter_of(const struct ask *ask, struct arena *arena);

#endif

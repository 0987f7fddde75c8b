/* When a clinic of an organization is open. */
#ifndef PICKUPD_FLOW_OPENING_H
#define PICKUPD_FLOW_OPENING_H

#include "model/hours.h"
#include "store/view.h"

/* ERR_NOT_FOUND: it is not known; ERR_INTERNAL: its document can't be read any more. */
MUST enum err opening_find(struct view *view, struct span org, struct span clinic, struct hours *hours);

#endif

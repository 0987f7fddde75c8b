/* What the operations on consumers share. */
#ifndef PICKUPD_WEB_CONSUMERS_H
#define PICKUPD_WEB_CONSUMERS_H

#include "api.h"
#include "flow/consumers.h"
#include "model/envelope.h"

/* Whether it is the flows, and a refusal was answered. */
bool consumers_refuse_flows(struct ask *ask);

#endif

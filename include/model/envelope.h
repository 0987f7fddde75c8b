/* An event as the private API writes it: {"id","seq","source","origin","detailType","time","detail"}. */
#ifndef PICKUPD_MODEL_ENVELOPE_H
#define PICKUPD_MODEL_ENVELOPE_H

#include "base/buf.h"
#include "model/event.h"

/* A purged event has null for its detail. */
void envelope_write(struct buf *out, int64_t seq, const struct event *event);

#endif

/*
 * An event as CloudEvents 1.0 has it, in the JSON format. Beside what that asks for it has two extensions:
 * `sequence`, the event's seq with as many zeros before it as make texts sort as numbers do, and `origin`.
 */
#ifndef PICKUPD_MODEL_CLOUDEVENT_H
#define PICKUPD_MODEL_CLOUDEVENT_H

#include "base/buf.h"
#include "model/event.h"

#define CLOUDEVENT_TYPE       "application/cloudevents+json"
#define CLOUDEVENT_BATCH_TYPE "application/cloudevents-batch+json"

/* A purged event has no data. */
void cloudevent_write(struct buf *out, int64_t seq, const struct event *event);

#endif

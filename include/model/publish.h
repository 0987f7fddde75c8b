/*
 * An event that a program of the lab publishes: its envelope {"id","source","detailType","time","detail"} is
 * checked and becomes an event.
 */
#ifndef PICKUPD_MODEL_PUBLISH_H
#define PICKUPD_MODEL_PUBLISH_H

#include "base/err.h"
#include "base/faults.h"
#include "base/json.h"
#include "model/event.h"

#define PUBLISH_BATCH_MAX  1000 /* events in one request */
#define PUBLISH_ID_MAX     200  /* bytes, as of the next three */
#define PUBLISH_SOURCE_MAX 100
#define PUBLISH_TYPE_MAX   128
#define PUBLISH_DETAIL_MAX 1048576 /* as compact text */
#define PUBLISH_AHEAD_MS   300000  /* that a publisher's clock may be ahead of ours */

/*
 * Fills *event, in the arena, or adds all faults and returns false. `detail` may be any object here.
 *
 * Its origin is its source: of the two, only an origin that was published has a dot. Its time is what the
 * envelope says, else `now`. With an id of its publisher it is known by (org, source, id), and its content is
 * what type, time and detail say, however they are written; without one every event is another.
 */
MUST bool publish_read(struct arena *arena, const struct json *envelope, struct span org, int64_t now,
                       struct event *event, struct faults *faults);

/* Whether a text may be a source at all: two or more words of a-z, 0-9, '_' and '-', with dots between them.
 */
bool publish_is_source(struct span text);

/* Whether nobody but pickupd publishes as that source. */
bool publish_is_ours(struct span source);

/* Whether that is the origin of what was published. */
bool publish_is_origin(struct span origin);

#endif

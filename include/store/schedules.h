/* Schedules that make pickups, known as these by (org, origin, pickup_id). Writing is for calls. */
#ifndef PICKUPD_STORE_SCHEDULES_H
#define PICKUPD_STORE_SCHEDULES_H

#include "store/store.h"
#include "store/view.h"

struct schedule_row {
    struct span org, origin, pickup_id;
    struct span detail;  /* of the event that asked for it: JSON */
    struct span skipped; /* the dates to come for which the clinic is closed: a JSON list of YYYY-MM-DD */
    struct span horizon; /* pickups are made up to this local date, YYYY-MM-DD */
    int64_t seq;         /* of the event that changed it last */
    bool ended;          /* it was removed */
};

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err schedule_find(struct view *view, struct arena *arena, struct span org, struct span origin,
                            struct span pickup_id, struct schedule_row *schedule);

/*
 * The next one behind `after` (NULL: the first) in the order of their keys that has not ended and whose
 * horizon is before a date, in the arena. ERR_NOT_FOUND.
 */
MUST enum err schedule_find_due(struct view *view, struct arena *arena, const struct schedule_row *after,
                                struct span date, struct schedule_row *schedule);

MUST enum err schedule_put(struct store *store, const struct schedule_row *schedule);

#endif

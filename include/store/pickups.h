/*
 * Pickups. One is known by (org, origin, pickup_id): what another source calls the same is another. Writing
 * is for calls, reading for any view.
 */
#ifndef PICKUPD_STORE_PICKUPS_H
#define PICKUPD_STORE_PICKUPS_H

#include "model/hours.h"
#include "model/priority.h"
#include "model/states.h"
#include "store/store.h"
#include "store/view.h"

struct pickup {
    int64_t id; /* of the row */
    struct span org, origin, pickup_id;
    struct span series;     /* the pickup_id of the schedule that made it; or empty */
    struct span local_date; /* of the series, YYYYMMDD; or empty */
    struct span clinic_id, lab_id;
    enum pickup_status status;
    enum priority priority;
    struct window window;
    struct span detail;       /* JSON: what was asked for */
    struct span driver;       /* JSON, or {NULL, 0} */
    int64_t eta;              /* ms since 1970; 0 if not known */
    int64_t seq;              /* of the event that changed it last; a move of its status is none */
    int64_t created, updated; /* ms since 1970 */
};

struct pickup_list {
    struct pickup *all;
    size_t count;
};

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err pickup_find(struct view *view, struct arena *arena, struct span org, struct span origin,
                          struct span pickup_id, struct pickup *pickup);

/* Those of that id, one a source, in the arena. */
MUST enum err pickup_find_all(struct view *view, struct arena *arena, struct span org, struct span pickup_id,
                              struct pickup_list *list);

/* Those of a schedule whose windows start after that time, in their order, in the arena. */
MUST enum err pickup_find_series(struct view *view, struct arena *arena, struct span org, struct span origin,
                                 struct span series, int64_t after, struct pickup_list *list);

struct pickup_filter {
    struct span org;
    struct span status, clinic; /* empty for all */
    int64_t from, to;           /* windows that end at `from` or later, and start before `to` */
    int64_t after;              /* the id of a row; those behind it */
    int64_t limit;
};

/* In the order in which they were made; spans are valid during the call. */
typedef void pickup_fn(void *arg, const struct pickup *pickup);
MUST enum err pickup_each(struct view *view, const struct pickup_filter *filter, pickup_fn *row, void *arg);

/* Makes one, created at `updated`; *added is false if there is one of that key, which then stays as it is. */
MUST enum err pickup_add(struct store *store, const struct pickup *pickup, bool *added);

/* Gives a row another clinic, lab, priority, window, detail, seq and time of change. */
MUST enum err pickup_change(struct store *store, const struct pickup *pickup);

/* Gives a row another status and, where they are not empty and not 0, another driver and ETA. The rules are
 * kept, and others told, by flow/pickups.h. */
MUST enum err pickup_set_status(struct store *store, int64_t id, enum pickup_status status,
                                struct span driver, int64_t eta, int64_t now);

#endif

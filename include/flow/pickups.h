/* Moving pickups from one status to another. For calls (see store/store.h). */
#ifndef PICKUPD_FLOW_PICKUPS_H
#define PICKUPD_FLOW_PICKUPS_H

#include "store/pickups.h"

#define PICKUPS_SOURCE "logistics.pickups"   /* the source, and origin, of its events */
#define PICKUPS_MOVED  "PickupStatusChanged" /* their type */

struct pickup_move {
    enum pickup_status to;
    struct span by;     /* who says so: a token's name, or "flows" */
    struct span driver; /* JSON; or empty, which keeps what is known */
    int64_t eta;        /* ms since 1970; or 0, which keeps what is known */
    int64_t now;        /* ms since 1970 */
};

/*
 * Gives a pickup another status and publishes that, with
 * {"id","origin","clinicId","from","to","at","by","driver","eta"}. ERR_CONFLICT: its status does not allow
 * it, and nothing has changed.
 */
MUST enum err pickup_move(struct store *store, const struct pickup *pickup, const struct pickup_move *move);

#endif

/* What may happen to a delivery, and who hears of it. For calls (see store/store.h). */
#ifndef PICKUPD_FLOW_DELIVERIES_H
#define PICKUPD_FLOW_DELIVERIES_H

#include "store/deliveries.h"

#define DELIVERY_SOURCE     "logistics.deliveries"
#define DELIVERY_TYPE       "DeliveryStatusChanged"
#define DELIVERY_ID_BYTES   8
#define DELIVERY_FLOWS_NAME "flows" /* who changes what the flows do */

struct delivery_move {
    enum delivery_status to;
    int64_t at;         /* ms since 1970 */
    struct span by;     /* who says so */
    struct span driver; /* JSON; empty: as before */
    int64_t eta;        /* ms since 1970; 0: as before */
    struct span proof;  /* JSON; empty: as before */
    int64_t seq;        /* of the event that asks for it; 0: as before */
    int64_t now;        /* ms since 1970 */
};

/*
 * Gives a delivery another status, also in *delivery, and publishes the event that tells of it.
 * ERR_CONFLICT, and nothing happens: that status may not follow.
 */
MUST enum err delivery_move(struct store *store, struct delivery *delivery, const struct delivery_move *move);

/*
 * Puts a case of *like (its lab, clinic and date) into the open delivery of these, or into a new one of which
 * *like has seq and created. It is then in *delivery, in the arena; what it left must follow its cases.
 */
MUST enum err delivery_take_case(struct store *store, struct arena *arena, const struct delivery *like,
                                 struct delivery_case *one, struct delivery *delivery, bool *added);

/* Cases have left a delivery. A Pending one without any becomes Failed: there is nothing to be driven. */
MUST enum err delivery_after_leave(struct store *store, struct delivery *delivery, int64_t now);

#endif

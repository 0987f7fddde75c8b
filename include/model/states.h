/* The states of pickups and deliveries, and the moves between them. */
#ifndef PICKUPD_MODEL_STATES_H
#define PICKUPD_MODEL_STATES_H

#include "base/span.h"

/*
 *   Pending --> Assigned --> EnRoute --> Arrived --> Completed
 *      |           |            |           |
 *      +-----------+------------+-----------+--> Cancelled, Skipped
 */
enum pickup_status {
    PICKUP_PENDING,
    PICKUP_ASSIGNED,
    PICKUP_EN_ROUTE,
    PICKUP_ARRIVED,
    PICKUP_COMPLETED,
    PICKUP_CANCELLED,
    PICKUP_SKIPPED,
    PICKUP_STATUSES
};

/*
 *   Pending --> InTransit --> Delivered
 *      |            |
 *      +------------+--> Failed
 */
enum delivery_status {
    DELIVERY_PENDING,
    DELIVERY_IN_TRANSIT,
    DELIVERY_DELIVERED,
    DELIVERY_FAILED,
    DELIVERY_STATUSES
};

/* As they are written on the wire; static. */
const char *pickup_status_name(enum pickup_status status);
const char *delivery_status_name(enum delivery_status status);

/* False for any other text. */
bool pickup_status_read(struct span text, enum pickup_status *status);
bool delivery_status_read(struct span text, enum delivery_status *status);

/* Whether one may follow the other; none follows itself. */
bool pickup_may_become(enum pickup_status from, enum pickup_status to);
bool delivery_may_become(enum delivery_status from, enum delivery_status to);

#endif

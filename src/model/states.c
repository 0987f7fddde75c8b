/* The tables of states: a name, and the bits of those that may follow. */
#include "model/states.h"

struct state {
    const char *name;
    unsigned next;
};

#define BIT(status) (1u << (status))
#define GIVEN_UP    (BIT(PICKUP_CANCELLED) | BIT(PICKUP_SKIPPED))

static const struct state pickups[PICKUP_STATUSES] = {
    [PICKUP_PENDING] = {"Pending", BIT(PICKUP_ASSIGNED) | GIVEN_UP},
    [PICKUP_ASSIGNED] = {"Assigned", BIT(PICKUP_EN_ROUTE) | GIVEN_UP},
    [PICKUP_EN_ROUTE] = {"EnRoute", BIT(PICKUP_ARRIVED) | GIVEN_UP},
    [PICKUP_ARRIVED] = {"Arrived", BIT(PICKUP_COMPLETED) | GIVEN_UP},
    [PICKUP_COMPLETED] = {"Completed", 0},
    [PICKUP_CANCELLED] = {"Cancelled", 0},
    [PICKUP_SKIPPED] = {"Skipped", 0},
};

static const struct state deliveries[DELIVERY_STATUSES] = {
    [DELIVERY_PENDING] = {"Pending", BIT(DELIVERY_IN_TRANSIT) | BIT(DELIVERY_FAILED)},
    [DELIVERY_IN_TRANSIT] = {"InTransit", BIT(DELIVERY_DELIVERED) | BIT(DELIVERY_FAILED)},
    [DELIVERY_DELIVERED] = {"Delivered", 0},
    [DELIVERY_FAILED] = {"Failed", 0},
};

/* The place of a name in a table, or -1. */
static int find(const struct state *states, int count, struct span name)
{
    for (int i = 0; i < count; i++)
        if (span_is(name, span_of(states[i].name)))
            return i;
    return -1;
}

const char *pickup_status_name(enum pickup_status status)
{
    return pickups[status].name;
}

const char *delivery_status_name(enum delivery_status status)
{
    return deliveries[status].name;
}

bool pickup_status_read(struct span text, enum pickup_status *status)
{
    int at = find(pickups, PICKUP_STATUSES, text);
    if (at >= 0)
        *status = (enum pickup_status)at;
    return at >= 0;
}

bool delivery_status_read(struct span text, enum delivery_status *status)
{
    int at = find(deliveries, DELIVERY_STATUSES, text);
    if (at >= 0)
        *status = (enum delivery_status)at;
    return at >= 0;
}

bool pickup_may_become(enum pickup_status from, enum pickup_status to)
{
    return (pickups[from].next & BIT(to)) != 0;
}

bool delivery_may_become(enum delivery_status from, enum delivery_status to)
{
    return (deliveries[from].next & BIT(to)) != 0;
}

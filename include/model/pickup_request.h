/*
 * What is asked for by a PickupRequested: the detail of its event.
 *
 *   pickupId, clinicId, windowStart, windowEnd            must be there
 *   labId, isRush (false), packageCount (1), notes, requestedBy {name, phone, userId}, requestTime,
 *   metadata {preferredTime, ...}, recurringSchedule (see model/schedule.h)    may be
 */
#ifndef PICKUPD_MODEL_PICKUP_REQUEST_H
#define PICKUPD_MODEL_PICKUP_REQUEST_H

#include "base/buf.h"
#include "model/schedule.h"

#define PICKUP_ID_MAX       300 /* bytes; a vendor's own may have 200, and has a prefix */
#define PICKUP_PACKAGES_MAX 10000

/* Spans are borrowed from the JSON; empty for what is not there. */
struct pickup_request {
    struct span pickup_id, clinic_id, lab_id;
    struct window window;
    bool has_preferred; /* the window was made around a time, and may be clipped */
    int64_t preferred;
    bool is_rush;
    struct span contact_name, contact_phone;
    bool recurs;
    struct schedule schedule;
};

/* False with all faults at once. Any thread. */
bool pickup_request_read(const struct json *detail, struct pickup_request *request, struct faults *faults);

/*
 * What of the detail is kept with a pickup, as JSON: all that says what is wanted, but for the schedule. The
 * same request gives the same text, whenever it was sent and however it is written.
 */
void pickup_request_keep(struct buf *out, const struct json *detail);

#endif

/*
 * A clinic, as it is described to us in JSON:
 *
 *   clinicId, name, timezone (by its IANA name)                     must be there
 *   coordinates {lat, lng}, address, phone, contactEmail            may be
 *   operatingHours {"monday": [{"open": "08:00", "close": "17:00"}], "sunday": null}
 *
 * A day of operatingHours that is null, empty, or not there is closed. Without operatingHours nothing is
 * known of them, and nothing is refused for them. What else the document holds is kept beside, and means
 * nothing.
 */
#ifndef PICKUPD_MODEL_CLINIC_H
#define PICKUPD_MODEL_CLINIC_H

#include "base/faults.h"
#include "base/json.h"
#include "model/hours.h"

#define CLINIC_ID_MAX   200 /* bytes */
#define CLINIC_TEXT_MAX 500
#define CLINIC_MAX      32768 /* bytes of its document, written compactly */

/* Spans are borrowed from the JSON; empty for what is not there. */
struct clinic {
    struct span id, name, timezone, phone, email;
    bool is_placed; /* whether it has coordinates */
    double lat, lng;
    struct hours hours; /* with its zone */
};

/* False with all faults at once, such as "Missing name" or "Invalid operatingHours.monday". Any thread. */
bool clinic_read(const struct json *json, struct clinic *clinic, struct faults *faults);

/*
 * Whether a document may be kept, whoever brings it: also as the API's description has it, and no longer than
 * CLINIC_MAX as it was written. Fills in the clinic only then.
 */
bool clinic_check(const struct json *json, struct span document, struct clinic *clinic,
                  struct faults *faults);

#endif

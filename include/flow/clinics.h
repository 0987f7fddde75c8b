/* Putting clinics outside of a request: for the command line, with a running server or without one. */
#ifndef PICKUPD_FLOW_CLINICS_H
#define PICKUPD_FLOW_CLINICS_H

#include "store/clinics.h"

/* What came of one: "added", "replaced", or "not now" if the disk did not take it. */
struct clinic_putting {
    struct store_job job; /* first: it comes back from the writer */
    struct clinic_row row;
    bool added;
    int64_t revived;
};

/* Makes it ready for the writer, or for store_write; loop and done are the caller's. */
void clinic_putting_begin(struct clinic_putting *putting, const struct clinic_row *row);
const char *clinic_putting_result(const struct clinic_putting *putting);

#endif

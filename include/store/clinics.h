/* Clinics of each organization, as documents (see model/clinic.h). Writing is for calls, reading for any
 * view. */
#ifndef PICKUPD_STORE_CLINICS_H
#define PICKUPD_STORE_CLINICS_H

#include "store/store.h"
#include "store/view.h"

struct clinic_row {
    struct span org, id;
    struct span document; /* JSON */
    int64_t updated;      /* ms since 1970 */
};

/*
 * Adds or replaces a clinic, whose document was checked, and lets the flows try again what died for want of
 * it: they should be woken (see flow/flows.h) when *revived is not 0. *added tells whether it is new.
 */
MUST enum err clinic_put(struct store *store, const struct clinic_row *clinic, bool *added, int64_t *revived);

/* ERR_NOT_FOUND. Its pickups stay. */
MUST enum err clinic_drop(struct store *store, struct span org, struct span id);

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err clinic_find(struct view *view, struct arena *arena, struct span org, struct span id,
                          struct clinic_row *clinic);

/* Those whose ids come after `after`, in their order, at most `limit`; spans are valid during the call. */
typedef void clinic_fn(void *arg, const struct clinic_row *clinic);
MUST enum err clinic_each(struct view *view, struct span org, struct span after, int64_t limit,
                          clinic_fn *row, void *arg);

#endif

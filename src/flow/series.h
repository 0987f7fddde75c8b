/* The pickups that a recurring schedule makes, one a local date. Runs within a call. */
#ifndef PICKUPD_FLOW_SERIES_H
#define PICKUPD_FLOW_SERIES_H

#include "base/date.h"
#include "model/pickup_request.h"
#include "store/pickups.h"
#include "store/schedules.h"

/* A schedule, and what its pickups are to be. */
struct series {
    struct span org, origin;
    const struct pickup_request *request;
    const struct hours *hours; /* of the clinic */
    struct span kept;          /* with each pickup */
    int64_t seq;               /* of the event that asked for it */
    int64_t now;
};

/* In the arena. */
struct series_dates {
    struct schedule_date *fit; /* that are wanted, and when the clinic is open */
    size_t fit_count;
    struct schedule_date *skipped; /* that are wanted, but the clinic is closed */
    size_t skipped_count;
    int64_t horizon; /* the last date that was looked at */
};

/* The dates of the next SCHEDULE_DAYS days whose windows are not over. */
void series_plan(const struct series *series, struct arena *arena, struct series_dates *dates);

/* Makes those that are not there. One that was ever there, in whichever status, is not made again. */
MUST enum err series_make(struct store *store, const struct series *series, const struct series_dates *dates);

/* Brings what is Pending and to come up to date with a changed schedule: cancels what is no date of it any
 * more, and changes the rest. */
MUST enum err series_revise(struct store *store, struct arena *arena, const struct series *series,
                            const struct series_dates *dates);

/* Cancels what is Pending and to come. */
MUST enum err series_cancel(struct store *store, struct arena *arena, const struct series *series);

/* Keeps the schedule with what was planned; `detail` is that of its event. */
MUST enum err series_note(struct store *store, struct arena *arena, const struct series *series,
                          const struct series_dates *dates, struct span detail);

#endif

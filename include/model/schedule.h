/*
 * The recurringSchedule of a request for pickups:
 *
 *   frequency   DAILY, WEEKLY or BIWEEKLY
 *   daysOfWeek  a list of 0 (Sunday) to 6; WEEKLY and BIWEEKLY need one, DAILY with one means only those days
 *   timeWindow  {start, end} as HH:MM on the clinic's clock, the end later than the start
 *
 * Weeks begin on Sunday. The first date is the local date of windowStart if its day is listed, else the next
 * one that is; BIWEEKLY takes the week of the first date and every other one.
 */
#ifndef PICKUPD_MODEL_SCHEDULE_H
#define PICKUPD_MODEL_SCHEDULE_H

#include "base/faults.h"
#include "base/json.h"
#include "base/zone.h"
#include "model/hours.h"

enum frequency { FREQUENCY_DAILY, FREQUENCY_WEEKLY, FREQUENCY_BIWEEKLY };

struct schedule {
    enum frequency frequency;
    unsigned weekdays; /* one bit a day, 1 << 0 is Sunday; not 0 */
    int start, end;    /* minutes since midnight */
};

/* One date of a schedule: days since 1970, and its window in UTC. */
struct schedule_date {
    int64_t date;
    struct window window;
};

#define SCHEDULE_DAYS 90 /* ahead that pickups are made for */

/* False with all faults at once, as "Invalid recurringSchedule.frequency". */
bool schedule_read(const struct json *json, struct schedule *schedule, struct faults *faults);

/* The first date of a schedule asked for with this windowStart, in ms since 1970. */
int64_t schedule_first(const struct schedule *schedule, const struct zone *zone, int64_t window_start);

/*
 * The dates from one day to another, both included, of a schedule whose first date is `first`, in the arena;
 * returns their number. In the spring gap the offset before it counts: a window within the gap keeps its
 * length. One that would have none is left out.
 */
size_t schedule_list(const struct schedule *schedule, const struct zone *zone, int64_t first, int64_t from,
                     int64_t to, struct arena *arena, struct schedule_date **dates);

#endif

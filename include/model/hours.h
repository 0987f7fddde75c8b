/*
 * When a clinic is open, by the clock on its own wall, and what of a window lies within that. Times are
 * milliseconds since 1970 in UTC. Days meet at midnight: who is open to 24:00 and from 00:00 is open through.
 */
#ifndef PICKUPD_MODEL_HOURS_H
#define PICKUPD_MODEL_HOURS_H

#include "base/zone.h"

#define HOURS_RANGES_MAX  12 /* a day */
#define HOURS_SEARCH_DAYS 14 /* that hours_next looks ahead */

/* Minutes since midnight; 0 <= open < close <= 1440. */
struct hours_range {
    int open, close;
};

/* Ranges of a day are in their order and do not overlap. */
struct hours_day {
    struct hours_range ranges[HOURS_RANGES_MAX];
    int count; /* 0: closed */
};

struct hours {
    const struct zone *zone;
    bool known;               /* else nothing is known of them, and there is no restriction */
    struct hours_day days[7]; /* from Sunday */
};

struct window {
    int64_t start, end;
};

/* Puts a range in its place among the others; false if it is none, overlaps one, or is one too many. */
bool hours_add(struct hours_day *day, struct hours_range range);

/* Whether a window lies within one time of being open; the moment of closing still counts. */
bool hours_fit(const struct hours *hours, const struct window *window);

/* Clips a window to the time of being open that holds `time`, which the window must hold; false if it is
 * closed then. */
bool hours_clip(const struct hours *hours, int64_t time, struct window *window);

/*
 * The first window from that time on which fits, as long as `length` if within HOURS_SEARCH_DAYS there is
 * one, else the first shorter one; false if the clinic stays closed. It starts at a whole minute.
 */
bool hours_next(const struct hours *hours, int64_t from, int64_t length, struct window *next);

/* The local date of a moment, in days since 1970. */
int64_t hours_local_date(const struct zone *zone, int64_t time);

#endif

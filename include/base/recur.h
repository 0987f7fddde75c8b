/* Dates that recur, by the rules of RFC 5545. They say nothing of a zone. Any thread. */
#ifndef PICKUPD_BASE_RECUR_H
#define PICKUPD_BASE_RECUR_H

#include "base/date.h"

#define RECUR_ALL_DAYS 0x7fu

struct recur {
    bool weekly;       /* else daily */
    int every;         /* days or weeks, 1 to 52; weeks begin on Sunday */
    unsigned weekdays; /* one bit a day, 1 << 0 is Sunday; not 0 */
    int64_t first;     /* the first date, whose weekday is one of them */
};

/* Writes the dates from one day to another, both included, and gives their number: at most `room`. */
size_t recur_list(const struct recur *recur, int64_t from, int64_t to, int64_t *dates, size_t room);

#endif

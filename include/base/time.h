/*
 * Points in time. Inside they are milliseconds since 1970 in UTC; on the wire ISO 8601 with Z and whole
 * seconds, always 20 bytes.
 */
#ifndef PICKUPD_BASE_TIME_H
#define PICKUPD_BASE_TIME_H

#include "base/zone.h"

#define TIME_TEXT 21 /* with the NUL */

/* Now, by the system's clock. */
int64_t time_now(void);

/*
 * Reads YYYY-MM-DD, a T or a space, HH:MM, then optionally :SS and a fraction (cut to milliseconds), and
 * optionally a zone: Z, +HH:MM or +HHMM. Without one `zone` counts; without both it is false. Years 1970 to
 * 2099; a date that does not exist is false.
 */
bool time_parse(struct span text, const struct zone *zone, int64_t *ms);

/* Writes YYYY-MM-DDTHH:MM:SSZ and a NUL. `ms` within the years 1 to 9999. */
void time_write(char text[TIME_TEXT], int64_t ms);

#endif

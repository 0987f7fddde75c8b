/*
 * Points in time. Inside they are milliseconds since 1970 in UTC; on the wire ISO 8601 with Z
 * and whole seconds, always 20 bytes. Any thread may call these.
 */
#ifndef PICKUPD_BASE_TIME_H
#define PICKUPD_BASE_TIME_H

#include "base/buf.h"
#include "base/zone.h"

#define TIME_TEXT 21 /* with the NUL */

/* Now, by the system's clock. */
int64_t time_now(void);

/* Microseconds on a clock that never goes back; for measuring, not for telling the time. */
int64_t time_monotonic(void);

/*
 * Reads YYYY-MM-DD, a T or a space, HH:MM, then optionally :SS and a fraction (cut to milliseconds), and
 * optionally a zone: Z, +HH:MM or +HHMM. Without one `zone` counts; without both it is false. Years 1970 to
 * 2099; a date that does not exist is false.
 */
bool time_parse(struct span text, const struct zone *zone, int64_t *ms);

#define TIME_LAST INT64_C(4102444799999) /* the last millisecond of 2099, in UTC */
/*
 * As time_parse, for a text that is written as `pattern` says. Every character of a pattern stands for
 * itself, but:
 *
 *   %Y  year, 4 digits                 %H  hour, 00 to 23       %M  minute, 2 digits
 *   %m  month, 2 digits                %I  hour, 01 to 12       %S  second, 2 digits, 00 to 59
 *   %b  month, Jan, in any case        %p  AM or PM, any case   %f  fraction of a second, 1 to 9 digits
 *   %B  month, January, in any case    %d  day, 2 digits        %z  Z, z, +HH:MM, +HHMM, -HH:MM or -HHMM
 *
 * and %% for a percent sign. %-m, %-d, %-H and %-I take one digit, too, and two where there are two. The
 * whole text must be used up. Without a clock it is midnight, without %z `zone` counts. False if the text
 * or the pattern is wrong.
 */
bool time_parse_as(struct span pattern, struct span text, const struct zone *zone, int64_t *ms);

/*
 * Whether a pattern says year, month and day, nothing twice, %I and %p only together and not beside %H, and
 * has nothing else after a '%' than what stands above.
 */
bool time_is_pattern(struct span pattern);

/* Reads HH:MM, from 00:00 to 24:00, as minutes since midnight. */
#define TIME_DAY_MINUTES 1440
bool time_parse_clock(struct span text, int *minutes);

/* Writes YYYY-MM-DDTHH:MM:SSZ and a NUL. `ms` within the years 1 to 9999. */
void time_write(char text[TIME_TEXT], int64_t ms);

/* The same as a member of a JSON object; null for 0. */
void time_add(struct buf *out, const char *key, int64_t ms);

#endif

/*
 * Dates of the calendar, as days since 1970-01-01: a number to count and compare with. A date says nothing of
 * a zone. Any thread.
 */
#ifndef PICKUPD_BASE_DATE_H
#define PICKUPD_BASE_DATE_H

#include <stdint.h>

#include "base/span.h"

#define DATE_FIRST_YEAR 1970
#define DATE_LAST_YEAR  2099
#define DATE_LAST       47481 /* 2099-12-31 */
#define DATE_TEXT       11    /* bytes of YYYY-MM-DD, with the NUL */
#define DATE_COMPACT    9     /* of YYYYMMDD */

struct date {
    int year, month, day; /* months and days count from 1 */
};

/* Of a date that exists, in the years 1 to 9999 of the Gregorian calendar; and back. */
int64_t date_days(struct date date);
struct date date_of(int64_t days);

int date_month_days(int year, int month);

/* 0 is Sunday, 6 Saturday. */
int date_weekday(int64_t days);

/* Reads YYYY-MM-DD, or YYYYMMDD, of the years 1970 to 2099; false for a date that does not exist. */
bool date_parse(struct span text, int64_t *days);
bool date_parse_compact(struct span text, int64_t *days);

void date_write(char text[DATE_TEXT], int64_t days);
void date_write_compact(char text[DATE_COMPACT], int64_t days);

#endif

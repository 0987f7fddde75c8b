/* Counting days, and reading and writing them. */
#include "base/date.h"

#include "base/num.h"

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March. */
int64_t date_days(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t month = (date.month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date.day - 1 - 719468;
}

struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t rest = shifted % 146097;
    int64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    int64_t yday = rest - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * yday + 2) / 153;
    int64_t day = yday - (153 * month + 2) / 5 + 1;
    int64_t real_month = month < 10 ? month + 3 : month - 9;
    return (struct date){(int)(400 * era + year + (real_month <= 2)), (int)real_month, (int)day};
}

int date_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int date_weekday(int64_t days)
{
    int64_t day = (days + 4) % 7; /* 1970 began on a Thursday */
    return (int)(day < 0 ? day + 7 : day);
}

/* The year, month and day of a text, which stand at these places. */
static bool read_parts(struct span text, size_t month, size_t day, int64_t *days)
{
    struct date date;
    if (!num_digits(text, 4, &date.year) ||
        !num_digits((struct span){text.at + month, text.len - month}, 2, &date.month) ||
        !num_digits((struct span){text.at + day, text.len - day}, 2, &date.day))
        return false;
    if (date.year < DATE_FIRST_YEAR || date.year > DATE_LAST_YEAR || date.month < 1 || date.month > 12 ||
        date.day < 1 || date.day > date_month_days(date.year, date.month))
        return false;
    *days = date_days(date);
    return true;
}

bool date_parse(struct span text, int64_t *days)
{
    return text.len == DATE_TEXT - 1 && text.at[4] == '-' && text.at[7] == '-' &&
           read_parts(text, 5, 8, days);
}

bool date_parse_compact(struct span text, int64_t *days)
{
    return text.len == DATE_COMPACT - 1 && read_parts(text, 4, 6, days);
}

void date_write(char text[DATE_TEXT], int64_t days)
{
    struct date date = date_of(days);
    memcpy(text, "0000-00-00", DATE_TEXT);
    num_put_digits(text, 4, date.year);
    num_put_digits(text + 5, 2, date.month);
    num_put_digits(text + 8, 2, date.day);
}

void date_write_compact(char text[DATE_COMPACT], int64_t days)
{
    struct date date = date_of(days);
    num_put_digits(text, 4, date.year);
    num_put_digits(text + 4, 2, date.month);
    num_put_digits(text + 6, 2, date.day);
    text[DATE_COMPACT - 1] = '\0';
}

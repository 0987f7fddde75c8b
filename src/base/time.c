/* Reading and writing ISO 8601. */
#include "base/time.h"

#include <string.h>
#include <time.h>

#include "base/num.h"

#define FIRST_YEAR 1970
#define LAST_YEAR  2099

struct date {
    int year, month, day;
};

int64_t time_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March. */
static int64_t days_of(struct date d)
{
    int64_t year = d.month <= 2 ? d.year - 1 : d.year;
    int64_t month = (d.month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d.day - 1 - 719468;
}

static struct date date_of(int64_t days)
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

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_char(struct span *text, char c)
{
    if (text->len == 0 || text->at[0] != c)
        return false;
    span_skip(text, 1);
    return true;
}

static bool take_digits(struct span *text, size_t count, int low, int high, int *number)
{
    if (!num_digits(*text, count, number) || *number < low || *number > high)
        return false;
    span_skip(text, count);
    return true;
}

static bool take_date(struct span *text, int64_t *days)
{
    struct date d;
    if (!take_digits(text, 4, FIRST_YEAR, LAST_YEAR, &d.year) || !take_char(text, '-') ||
        !take_digits(text, 2, 1, 12, &d.month) || !take_char(text, '-') ||
        !take_digits(text, 2, 1, days_in_month(d.year, d.month), &d.day))
        return false;
    *days = days_of(d);
    return true;
}

/* Milliseconds of a fraction of one to nine digits. */
static bool take_fraction(struct span *text, int *ms)
{
    size_t count = 0;
    *ms = 0;
    while (count < text->len && text->at[count] >= '0' && text->at[count] <= '9')
        count++;
    if (count == 0 || count > 9)
        return false;
    for (size_t i = 0; i < 3; i++)
        *ms = *ms * 10 + (i < count ? text->at[i] - '0' : 0);
    span_skip(text, count);
    return true;
}

static bool take_clock(struct span *text, int64_t *ms)
{
    int hour, minute;
    int second = 0;
    int fraction = 0;
    if (!take_digits(text, 2, 0, 23, &hour) || !take_char(text, ':') || !take_digits(text, 2, 0, 59, &minute))
        return false;
    if (take_char(text, ':')) {
        if (!take_digits(text, 2, 0, 59, &second))
            return false;
        if (take_char(text, '.') && !take_fraction(text, &fraction))
            return false;
    }
    *ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + fraction;
    return true;
}

/* What is left of the text must be a whole offset. */
static bool parse_offset(struct span text, int *seconds)
{
    if (text.len == 1 && (text.at[0] == 'Z' || text.at[0] == 'z')) {
        *seconds = 0;
        return true;
    }
    bool west = text.len > 0 && text.at[0] == '-';
    int hours, minutes;
    if (!(take_char(&text, '+') || take_char(&text, '-')) || !take_digits(&text, 2, 0, 23, &hours))
        return false;
    take_char(&text, ':');
    if (!take_digits(&text, 2, 0, 59, &minutes) || text.len > 0)
        return false;
    *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

bool time_parse(struct span text, const struct zone *zone, int64_t *ms)
{
    int64_t days, clock;
    if (!take_date(&text, &days) ||
        !(take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ')) ||
        !take_clock(&text, &clock))
        return false;
    int64_t wall = days * 86400000 + clock;
    if (text.len > 0) {
        int offset;
        if (!parse_offset(text, &offset))
            return false;
        *ms = wall - offset * INT64_C(1000);
        return true;
    }
    if (zone == NULL)
        return false;
    int64_t fraction = wall % 1000;
    *ms = zone_to_utc(zone, wall / 1000) * 1000 + fraction;
    return true;
}

static void put_digits(char *at, int count, int number)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

void time_write(char text[TIME_TEXT], int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int clock = (int)(seconds - days * 86400);
    struct date d = date_of(days);
    memcpy(text, "0000-00-00T00:00:00Z", TIME_TEXT);
    put_digits(text, 4, d.year);
    put_digits(text + 5, 2, d.month);
    put_digits(text + 8, 2, d.day);
    put_digits(text + 11, 2, clock / 3600);
    put_digits(text + 14, 2, clock / 60 % 60);
    put_digits(text + 17, 2, clock % 60);
}

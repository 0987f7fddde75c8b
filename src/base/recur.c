/* libical's iterator of recurrences, with our days in front of it. */
#include "base/recur.h"

#include <libical/ical.h>

static struct icaltimetype to_ical(int64_t days)
{
    struct date date = date_of(days);
    return (struct icaltimetype){.year = date.year, .month = date.month, .day = date.day, .is_date = 1};
}

static struct icalrecurrencetype rule_of(const struct recur *recur)
{
    static const icalrecurrencetype_weekday names[] = {
        ICAL_SUNDAY_WEEKDAY,   ICAL_MONDAY_WEEKDAY, ICAL_TUESDAY_WEEKDAY,  ICAL_WEDNESDAY_WEEKDAY,
        ICAL_THURSDAY_WEEKDAY, ICAL_FRIDAY_WEEKDAY, ICAL_SATURDAY_WEEKDAY,
    };
    struct icalrecurrencetype rule;
    size_t count = 0;
    icalrecurrencetype_clear(&rule);
    rule.freq = recur->weekly ? ICAL_WEEKLY_RECURRENCE : ICAL_DAILY_RECURRENCE;
    rule.interval = (short)recur->every;
    rule.week_start = ICAL_SUNDAY_WEEKDAY;
    for (size_t day = 0; day < 7; day++)
        if (recur->weekdays & 1u << day)
            rule.by_day[count++] = (short)names[day];
    return rule;
}

/* Where to begin so that what lies far behind `from` is not gone through: a whole number of rounds later. */
static int64_t begin(const struct recur *recur, int64_t from)
{
    int64_t round = recur->every * INT64_C(7);
    int64_t behind = from - recur->first;
    return behind > 0 ? recur->first + behind / round * round : recur->first;
}

size_t recur_list(const struct recur *recur, int64_t from, int64_t to, int64_t *dates, size_t room)
{
    size_t count = 0;
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule_of(recur), to_ical(begin(recur, from)));
    if (iterator == NULL)
        return 0;
    while (count < room) {
        struct icaltimetype time = icalrecur_iterator_next(iterator);
        int64_t days = date_days((struct date){time.year, time.month, time.day});
        if (icaltime_is_null_time(time) || days > to)
            break;
        if (days >= from)
            dates[count++] = days;
    }
    icalrecur_iterator_free(iterator);
    return count;
}

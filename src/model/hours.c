/*
 * All is asked of one walk over the times of being open: ranges are placed in UTC day by day, and those that
 * touch are one.
 */
#include "model/hours.h"

#include "base/date.h"

#define DAY      INT64_C(86400)
#define MINUTE   INT64_C(60)
#define ROUND_MS INT64_C(60000)

bool hours_add(struct hours_day *day, struct hours_range range)
{
    int at = day->count;
    if (range.open < 0 || range.open >= range.close || range.close > DAY / MINUTE ||
        day->count == HOURS_RANGES_MAX)
        return false;
    while (at > 0 && day->ranges[at - 1].open > range.open)
        at--;
    if ((at > 0 && day->ranges[at - 1].close > range.open) ||
        (at < day->count && day->ranges[at].open < range.close))
        return false;
    for (int i = day->count++; i > at; i--)
        day->ranges[i] = day->ranges[i - 1];
    day->ranges[at] = range;
    return true;
}

/* Goes through the times of being open. */
struct walk {
    const struct hours *hours;
    int64_t date; /* of the next range */
    int range;
    int64_t last;        /* the last date that is looked at */
    struct window ahead; /* the next range, placed */
    bool is_ahead;
};

static struct window place(const struct hours *hours, int64_t date, const struct hours_range *range)
{
    return (struct window){zone_to_utc(hours->zone, date * DAY + range->open * MINUTE) * 1000,
                           zone_to_utc(hours->zone, date * DAY + range->close * MINUTE) * 1000};
}

/* A range that a change of the clock leaves nothing of is none. */
static void look_ahead(struct walk *walk)
{
    for (walk->is_ahead = false; !walk->is_ahead && walk->date <= walk->last;) {
        const struct hours_day *day = &walk->hours->days[date_weekday(walk->date)];
        if (walk->range == day->count) {
            walk->range = 0;
            walk->date++;
            continue;
        }
        walk->ahead = place(walk->hours, walk->date, &day->ranges[walk->range++]);
        walk->is_ahead = walk->ahead.start < walk->ahead.end;
    }
}

/* From the day before that time, whose hours may go on, to the day after the other one. */
static struct walk walk_from(const struct hours *hours, int64_t from, int64_t to)
{
    struct walk walk = {.hours = hours,
                        .date = hours_local_date(hours->zone, from) - 1,
                        .last = hours_local_date(hours->zone, to) + 1};
    look_ahead(&walk);
    return walk;
}

static bool next_open(struct walk *walk, struct window *open)
{
    if (!walk->is_ahead)
        return false;
    *open = walk->ahead;
    look_ahead(walk);
    while (walk->is_ahead && walk->ahead.start <= open->end) {
        open->end = walk->ahead.end > open->end ? walk->ahead.end : open->end;
        look_ahead(walk);
    }
    return true;
}

/* The time of being open that holds all of a window. */
static bool find_around(const struct hours *hours, const struct window *window, struct window *open)
{
    struct walk walk = walk_from(hours, window->start, window->end);
    while (next_open(&walk, open))
        if (open->start <= window->start && window->end <= open->end)
            return true;
    return false;
}

bool hours_fit(const struct hours *hours, const struct window *window)
{
    struct window open;
    return !hours->known || find_around(hours, window, &open);
}

bool hours_clip(const struct hours *hours, int64_t time, struct window *window)
{
    struct window open;
    if (!hours->known)
        return true;
    /* The whole window tells how far ranges that touch must be followed. */
    struct walk walk = walk_from(hours, window->start, window->end);
    while (next_open(&walk, &open)) {
        if (time < open.start || time > open.end)
            continue;
        window->start = window->start > open.start ? window->start : open.start;
        window->end = window->end < open.end ? window->end : open.end;
        return true;
    }
    return false;
}

bool hours_next(const struct hours *hours, int64_t from, int64_t length, struct window *next)
{
    struct window open;
    int64_t until = from + HOURS_SEARCH_DAYS * DAY * 1000;
    bool is_found = false;
    from = (from + ROUND_MS - 1) / ROUND_MS * ROUND_MS;
    if (!hours->known) {
        *next = (struct window){from, from + length};
        return true;
    }
    struct walk walk = walk_from(hours, from, until + length);
    while (next_open(&walk, &open) && open.start <= until) {
        int64_t start = open.start > from ? open.start : from;
        if (open.end - start >= length) {
            *next = (struct window){start, start + length};
            return true;
        }
        if (!is_found && open.end > start) {
            *next = (struct window){start, open.end};
            is_found = true;
        }
    }
    return is_found;
}

int64_t hours_local_date(const struct zone *zone, int64_t time)
{
    int64_t wall = zone_to_wall(zone, time / 1000 - (time % 1000 < 0));
    return wall / DAY - (wall % DAY < 0);
}

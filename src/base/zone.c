/*
 * libical knows the zones; this file asks it once for all changes of a zone, and answers from that table:
 * no lock, no allocation, and our own rule for the gap and the overlap.
 */
#include "base/zone.h"

#include <stdlib.h>

#include <libical/ical.h>

#include "base/mem.h"

#define DAY            86400
#define FIRST          0
#define LAST           ((int64_t)4102444800) /* 2100-01-01 */
#define NAME_MAX_BYTES 64

struct change {
    int64_t at;     /* UTC second from which it holds */
    int64_t offset; /* seconds east of UTC */
};

struct zone {
    struct zone *next;
    char *name;
    struct change *changes;
    size_t count;
};

static struct zone *loaded;

static int64_t ask(icaltimezone *ical, int64_t utc)
{
    struct icaltimetype t = icaltime_from_timet_with_zone((time_t)utc, 0, icaltimezone_get_utc_timezone());
    int is_daylight;
    return icaltimezone_get_utc_offset_of_utc_time(ical, &t, &is_daylight);
}

static void add_change(struct zone *zone, int64_t at, int64_t offset)
{
    zone->changes = mem_resize(zone->changes, (zone->count + 1) * sizeof *zone->changes);
    zone->changes[zone->count++] = (struct change){at, offset};
}

/* Looks at every day, and between two days that differ for the second of the change. */
static void collect(struct zone *zone, icaltimezone *ical)
{
    int64_t offset = ask(ical, FIRST);
    add_change(zone, INT64_MIN, offset);
    for (int64_t day = FIRST; day < LAST; day += DAY) {
        int64_t next = ask(ical, day + DAY);
        if (next == offset)
            continue;
        int64_t before = day;
        int64_t after = day + DAY;
        while (after - before > 1) {
            int64_t middle = before + (after - before) / 2;
            if (ask(ical, middle) == offset)
                before = middle;
            else
                after = middle;
        }
        add_change(zone, after, next);
        offset = next;
    }
}

const struct zone *zone_find(struct span name)
{
    for (struct zone *z = loaded; z != NULL; z = z->next)
        if (span_is(span_of(z->name), name))
            return z;
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return NULL;
    char *text = mem_copy(name);
    icaltimezone *ical = span_is(name, SPAN("UTC")) ? icaltimezone_get_utc_timezone()
                                                    : icaltimezone_get_builtin_timezone(text);
    if (ical == NULL) {
        free(text);
        return NULL;
    }
    struct zone *zone = mem_alloc(sizeof *zone);
    zone->name = text;
    collect(zone, ical);
    zone->next = loaded;
    loaded = zone;
    return zone;
}

static int64_t offset_at(const struct zone *zone, int64_t utc)
{
    size_t low = 0;
    size_t high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at <= utc)
            low = middle;
        else
            high = middle;
    }
    return zone->changes[low].offset;
}

int64_t zone_to_utc(const struct zone *zone, int64_t wall)
{
    int64_t before = offset_at(zone, wall - DAY);
    int64_t after = offset_at(zone, wall + DAY);
    if (offset_at(zone, wall - before) == before)
        return wall - before;
    if (offset_at(zone, wall - after) == after)
        return wall - after;
    return wall - before;
}

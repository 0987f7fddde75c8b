/*
 * libical knows the zones; this file asks it once for all changes of a zone, and answers from that table:
 * no lock, no allocation, and our own rule for the gap and the overlap.
 */
#include "base/zone.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <libical/ical.h>

#include "base/err.h"
#include "base/mem.h"

#define DAY            86400
#define FIRST          0
#define LAST           ((int64_t)4102444800) /* 2100-01-01 */
#define NAME_MAX_BYTES 64
/* No zone has changed and changed back within less since 1970: Recife's summer time of 2000 took 7 days. */
#define STEP (6 * DAY)

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

/* A list that only grows at its head, so that whoever walks it needs no lock. */
static _Atomic(struct zone *) loaded;
static atomic_flag is_loading = ATOMIC_FLAG_INIT;

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

/* The first second after `before` at which the offset is another than there; `after` is such a one. */
static int64_t find_change(icaltimezone *ical, int64_t before, int64_t after, int64_t offset)
{
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (ask(ical, middle) == offset)
            before = middle;
        else
            after = middle;
    }
    return after;
}

/* libical works out changes up to the year that it is asked for: the last one comes first, so that it does so
 * once. */
static void collect(struct zone *zone, icaltimezone *ical)
{
    ask(ical, LAST);
    int64_t offset = ask(ical, FIRST);
    add_change(zone, INT64_MIN, offset);
    for (int64_t at = FIRST; at < LAST;) {
        int64_t next = at + STEP;
        if (ask(ical, next) != offset) {
            next = find_change(ical, at, next, offset);
            offset = ask(ical, next);
            add_change(zone, next, offset);
        }
        at = next;
    }
}

static struct zone *find_loaded(struct span name)
{
    struct zone *zone = atomic_load_explicit(&loaded, memory_order_acquire);
    while (zone != NULL && !span_is(span_of(zone->name), name))
        zone = zone->next;
    return zone;
}

/* One thread at a time. */
static struct zone *load(struct span name)
{
    char *text CLEANUP(mem_drop) = mem_copy(name);
    icaltimezone *ical = span_is(name, SPAN("UTC")) ? icaltimezone_get_utc_timezone()
                                                    : icaltimezone_get_builtin_timezone(text);
    if (ical == NULL)
        return NULL;
    struct zone *zone = mem_alloc(sizeof *zone);
    zone->name = mem_copy(name);
    collect(zone, ical);
    zone->next = atomic_load_explicit(&loaded, memory_order_relaxed);
    atomic_store_explicit(&loaded, zone, memory_order_release);
    return zone;
}

const struct zone *zone_find(struct span name)
{
    struct zone *zone = find_loaded(name);
    if (zone != NULL || name.len == 0 || name.len > NAME_MAX_BYTES)
        return zone;
    while (atomic_flag_test_and_set_explicit(&is_loading, memory_order_acquire))
        sched_yield();
    zone = find_loaded(name); /* by another thread, just now */
    if (zone == NULL)
        zone = load(name);
    atomic_flag_clear_explicit(&is_loading, memory_order_release);
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

int64_t zone_to_wall(const struct zone *zone, int64_t utc)
{
    return utc + offset_at(zone, utc);
}

/* Reading schedules, and their dates. */
#include "model/schedule.h"

#include "base/recur.h"
#include "base/time.h"

#define DAY 86400

static bool read_frequency(const struct json *json, struct schedule *schedule, struct faults *faults)
{
    static const char *const names[] = {"DAILY", "WEEKLY", "BIWEEKLY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(json_str(json), span_of(names[i]))) {
            schedule->frequency = (enum frequency)i;
            return true;
        }
    }
    faults_add(faults, "%s recurringSchedule.frequency",
               json_kind(json) == JSON_ABSENT ? "Missing" : "Invalid");
    return false;
}

/* An empty list is as none. */
static void read_weekdays(const struct json *json, bool is_needed, struct schedule *schedule,
                          struct faults *faults)
{
    size_t count = json_count(json);
    bool is_list = json_kind(json) == JSON_ARR;
    bool is_right = is_list || json_kind(json) == JSON_ABSENT;
    for (size_t i = 0; is_list && i < count; i++) {
        const struct json *day = json_at(json, i);
        if (json_kind(day) == JSON_INT && json_int(day) >= 0 && json_int(day) <= 6)
            schedule->weekdays |= 1u << json_int(day);
        else
            is_right = false;
    }
    if (!is_right)
        faults_add(faults, "Invalid recurringSchedule.daysOfWeek");
    else if (count == 0 && is_needed)
        faults_add(faults, "Missing recurringSchedule.daysOfWeek");
    if (schedule->weekdays == 0)
        schedule->weekdays = RECUR_ALL_DAYS;
}

static bool read_clock(const struct json *json, const char *name, int *minutes, struct faults *faults)
{
    const struct json *value = json_get(json, name);
    if (time_parse_clock(json_str(value), minutes))
        return true;
    faults_add(faults, "%s recurringSchedule.timeWindow.%s",
               json_kind(value) == JSON_ABSENT ? "Missing" : "Invalid", name);
    return false;
}

static void read_window(const struct json *json, struct schedule *schedule, struct faults *faults)
{
    if (json_kind(json) != JSON_OBJ) {
        faults_add(faults, "%s recurringSchedule.timeWindow",
                   json_kind(json) == JSON_ABSENT ? "Missing" : "Invalid");
        return;
    }
    bool has_start = read_clock(json, "start", &schedule->start, faults);
    bool has_end = read_clock(json, "end", &schedule->end, faults);
    if (has_start && has_end && schedule->end <= schedule->start)
        faults_add(faults, "Invalid recurringSchedule.timeWindow");
}

bool schedule_read(const struct json *json, struct schedule *schedule, struct faults *faults)
{
    size_t before = faults->count;
    *schedule = (struct schedule){0};
    if (json_kind(json) != JSON_OBJ) {
        faults_add(faults, "Invalid recurringSchedule");
        return false;
    }
    bool is_known = read_frequency(json_get(json, "frequency"), schedule, faults);
    read_weekdays(json_get(json, "daysOfWeek"), is_known && schedule->frequency != FREQUENCY_DAILY, schedule,
                  faults);
    read_window(json_get(json, "timeWindow"), schedule, faults);
    return faults->count == before;
}

int64_t schedule_first(const struct schedule *schedule, const struct zone *zone, int64_t window_start)
{
    int64_t date = hours_local_date(zone, window_start);
    while ((schedule->weekdays & 1u << date_weekday(date)) == 0)
        date++;
    return date;
}

static struct window place(const struct schedule *schedule, const struct zone *zone, int64_t date)
{
    return (struct window){zone_to_utc(zone, date * DAY + schedule->start * 60) * 1000,
                           zone_to_utc(zone, date * DAY + schedule->end * 60) * 1000};
}

size_t schedule_list(const struct schedule *schedule, const struct zone *zone, int64_t first, int64_t from,
                     int64_t to, struct arena *arena, struct schedule_date **dates)
{
    struct recur recur = {.weekly = schedule->frequency != FREQUENCY_DAILY,
                          .every = schedule->frequency == FREQUENCY_BIWEEKLY ? 2 : 1,
                          .weekdays = schedule->weekdays,
                          .first = first};
    size_t room = to >= from ? (size_t)(to - from) + 1 : 0;
    int64_t *days = arena_alloc(arena, (room + 1) * sizeof *days);
    size_t listed = recur_list(&recur, from, to, days, room);
    size_t count = 0;
    *dates = arena_alloc(arena, (listed + 1) * sizeof **dates);
    for (size_t i = 0; i < listed; i++) {
        struct window window = place(schedule, zone, days[i]);
        if (window.start < window.end)
            (*dates)[count++] = (struct schedule_date){days[i], window};
    }
    return count;
}

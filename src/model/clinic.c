/* Reading clinics. */
#include "model/clinic.h"

#include "base/time.h"
#include "model/shapes.h"

/* Sunday first, as weekdays count. */
static const char *const days[7] = {"sunday",   "monday", "tuesday", "wednesday",
                                    "thursday", "friday", "saturday"};

/* A text, or a fault that names it. */
static struct span read_text(const struct json *json, const char *name, size_t most, bool is_required,
                             struct faults *faults)
{
    const struct json *value = json_get(json, name);
    struct span text = json_str(value);
    if (json_kind(value) == JSON_ABSENT || (json_kind(value) == JSON_STR && text.len == 0)) {
        if (is_required)
            faults_add(faults, "Missing %s", name);
    } else if (json_kind(value) != JSON_STR || text.len > most) {
        faults_add(faults, "Invalid %s", name);
    }
    return text;
}

static const struct zone *read_zone(struct span name, struct faults *faults)
{
    const struct zone *zone = zone_find(name);
    if (name.len > 0 && zone == NULL)
        faults_add(faults, "Invalid timezone");
    return zone;
}

static double read_degrees(const struct json *json, const char *name, double most, struct faults *faults)
{
    const struct json *value = json_get(json, name);
    double degrees = json_number(value);
    if (json_kind(value) == JSON_ABSENT)
        faults_add(faults, "Missing coordinates.%s", name);
    else if ((json_kind(value) != JSON_INT && json_kind(value) != JSON_NUM) || degrees < -most ||
             degrees > most)
        faults_add(faults, "Invalid coordinates.%s", name);
    return degrees;
}

static void read_coordinates(const struct json *json, struct clinic *clinic, struct faults *faults)
{
    if (json_kind(json) == JSON_ABSENT)
        return;
    if (json_kind(json) != JSON_OBJ) {
        faults_add(faults, "Invalid coordinates");
        return;
    }
    clinic->is_placed = true;
    clinic->lat = read_degrees(json, "lat", 90, faults);
    clinic->lng = read_degrees(json, "lng", 180, faults);
}

static bool read_range(const struct json *json, struct hours_day *day)
{
    struct hours_range range;
    return time_parse_clock(json_str(json_get(json, "open")), &range.open) &&
           time_parse_clock(json_str(json_get(json, "close")), &range.close) && hours_add(day, range);
}

static bool read_day(const struct json *json, struct hours_day *day)
{
    if (json_kind(json) != JSON_ARR)
        return json_kind(json) == JSON_ABSENT;
    for (size_t i = 0; i < json_count(json); i++)
        if (!read_range(json_at(json, i), day))
            return false;
    return true;
}

/* A day by another name would silently be a closed one. */
static bool has_only_days(const struct json *json)
{
    size_t known = 0;
    size_t members = 0;
    void *at = NULL;
    const char *name;
    const struct json *value;
    while (json_next(json, &at, &name, &value)) {
        members++;
        for (size_t i = 0; i < 7; i++)
            known += strcmp(name, days[i]) == 0;
    }
    return known == members;
}

static void read_hours(const struct json *json, struct hours *hours, struct faults *faults)
{
    hours->known = json_kind(json) != JSON_ABSENT;
    if (!hours->known)
        return;
    if (json_kind(json) != JSON_OBJ || !has_only_days(json)) {
        faults_add(faults, "Invalid operatingHours");
        return;
    }
    for (size_t i = 0; i < 7; i++)
        if (!read_day(json_get(json, days[i]), &hours->days[i]))
            faults_add(faults, "Invalid operatingHours.%s", days[i]);
}

bool clinic_read(const struct json *json, struct clinic *clinic, struct faults *faults)
{
    size_t before = faults->count;
    *clinic = (struct clinic){0};
    if (json_kind(json) != JSON_OBJ) {
        faults_add(faults, "Invalid clinic");
        return false;
    }
    clinic->id = read_text(json, "clinicId", CLINIC_ID_MAX, true, faults);
    clinic->name = read_text(json, "name", CLINIC_TEXT_MAX, true, faults);
    clinic->timezone = read_text(json, "timezone", CLINIC_TEXT_MAX, true, faults);
    clinic->hours.zone = read_zone(clinic->timezone, faults);
    read_coordinates(json_get(json, "coordinates"), clinic, faults);
    enum json_type address = json_kind(json_get(json, "address"));
    if (address != JSON_ABSENT && address != JSON_STR && address != JSON_OBJ)
        faults_add(faults, "Invalid address");
    clinic->phone = read_text(json, "phone", CLINIC_TEXT_MAX, false, faults);
    clinic->email = read_text(json, "contactEmail", CLINIC_TEXT_MAX, false, faults);
    read_hours(json_get(json, "operatingHours"), &clinic->hours, faults);
    return faults->count == before;
}

bool clinic_check(const struct json *json, struct span document, struct clinic *clinic, struct faults *faults)
{
    if (document.len > CLINIC_MAX)
        faults_add(faults, "Invalid clinic: longer than %d bytes", CLINIC_MAX);
    else if (shape_check(&shape_clinic, json, faults))
        return clinic_read(json, clinic, faults);
    return false;
}

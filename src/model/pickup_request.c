/* Reading requests for pickups. */
#include "model/pickup_request.h"

#include "base/time.h"

static bool is_absent(const struct json *value)
{
    return json_kind(value) == JSON_ABSENT;
}

static struct span read_id(const struct json *detail, const char *name, bool is_required,
                           struct faults *faults)
{
    const struct json *value = json_get(detail, name);
    struct span text = json_str(value);
    if (is_absent(value) || (json_kind(value) == JSON_STR && text.len == 0)) {
        if (is_required)
            faults_add(faults, "Missing %s", name);
    } else if (json_kind(value) != JSON_STR || text.len > PICKUP_ID_MAX) {
        faults_add(faults, "Invalid %s", name);
    }
    return text;
}

static bool read_time(const struct json *detail, const char *name, int64_t *time, struct faults *faults)
{
    const struct json *value = json_get(detail, name);
    if (time_parse(json_str(value), NULL, time))
        return true;
    faults_add(faults, "%s %s", is_absent(value) ? "Missing" : "Invalid", name);
    return false;
}

static void read_window(const struct json *detail, struct pickup_request *request, struct faults *faults)
{
    const struct json *metadata = json_get(detail, "metadata");
    const struct json *preferred = json_get(metadata, "preferredTime");
    struct window *window = &request->window;
    bool has_start = read_time(detail, "windowStart", &window->start, faults);
    bool has_end = read_time(detail, "windowEnd", &window->end, faults);
    bool is_window = has_start && has_end && window->start < window->end;
    if (has_start && has_end && !is_window)
        faults_add(faults, "Invalid windowEnd");
    request->has_preferred = !is_absent(preferred);
    if (!is_absent(metadata) && json_kind(metadata) != JSON_OBJ)
        faults_add(faults, "Invalid metadata");
    else if (request->has_preferred &&
             (!time_parse(json_str(preferred), NULL, &request->preferred) ||
              (is_window && (request->preferred < window->start || request->preferred > window->end))))
        faults_add(faults, "Invalid metadata.preferredTime");
}

/* A text that may be absent or empty. */
static struct span read_text(const struct json *object, const char *name, const char *place,
                             struct faults *faults)
{
    const struct json *value = json_get(object, name);
    if (!is_absent(value) && json_kind(value) != JSON_STR)
        faults_add(faults, "Invalid %s%s", place, name);
    return json_str(value);
}

static void read_contact(const struct json *contact, struct pickup_request *request, struct faults *faults)
{
    if (!is_absent(contact) && json_kind(contact) != JSON_OBJ)
        faults_add(faults, "Invalid requestedBy");
    request->contact_name = read_text(contact, "name", "requestedBy.", faults);
    request->contact_phone = read_text(contact, "phone", "requestedBy.", faults);
    (void)read_text(contact, "userId", "requestedBy.", faults);
}

static void read_rest(const struct json *detail, struct pickup_request *request, struct faults *faults)
{
    int64_t asked;
    const struct json *rush = json_get(detail, "isRush");
    const struct json *packages = json_get(detail, "packageCount");
    if (!is_absent(rush) && json_kind(rush) != JSON_BOOL)
        faults_add(faults, "Invalid isRush");
    request->is_rush = json_bool(rush);
    if (!is_absent(packages) && (json_kind(packages) != JSON_INT || json_int(packages) < 1 ||
                                 json_int(packages) > PICKUP_PACKAGES_MAX))
        faults_add(faults, "Invalid packageCount");
    (void)read_text(detail, "notes", "", faults);
    if (!is_absent(json_get(detail, "requestTime")))
        (void)read_time(detail, "requestTime", &asked, faults);
}

bool pickup_request_read(const struct json *detail, struct pickup_request *request, struct faults *faults)
{
    size_t before = faults->count;
    const struct json *schedule = json_get(detail, "recurringSchedule");
    *request = (struct pickup_request){.recurs = !is_absent(schedule)};
    if (json_kind(detail) != JSON_OBJ) {
        faults_add(faults, "Invalid detail");
        return false;
    }
    request->pickup_id = read_id(detail, "pickupId", true, faults);
    request->clinic_id = read_id(detail, "clinicId", true, faults);
    request->lab_id = read_id(detail, "labId", false, faults);
    read_window(detail, request, faults);
    read_rest(detail, request, faults);
    read_contact(json_get(detail, "requestedBy"), request, faults);
    if (request->recurs)
        schedule_read(schedule, &request->schedule, faults);
    return faults->count == before;
}

void pickup_request_keep(struct buf *out, const struct json *detail)
{
    static const char *const names[] = {"clinicId",  "isRush",       "labId",    "metadata",
                                        "notes",     "packageCount", "pickupId", "requestedBy",
                                        "windowEnd", "windowStart"};
    json_open(out, '{');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *value = json_get(detail, names[i]);
        if (is_absent(value))
            continue;
        json_key(out, span_of(names[i]));
        json_put_sorted(out, value);
    }
    json_close(out, '}');
}

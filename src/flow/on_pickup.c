/* PickupRequested: pickups, and schedules of them. */
#include "base/time.h"
#include "flow/pickups.h"
#include "handlers.h"
#include "opening.h"
#include "series.h"
#include "tell.h"

#define LATEST_MS INT64_C(86400000) /* that a window may have been over when it was asked for */

/* One request on its way. */
struct visit {
    struct store *store;
    const struct flow_event *event;
    struct flow_result *result;
    struct pickup_request request;
    struct hours hours; /* of the clinic */
    struct span kept;
    struct pickup before; /* what is there by that id, if has_before */
    bool has_before;
    struct schedule_row schedule; /* the same of the schedule */
    bool has_schedule;            /* one that has not ended */
};

/* Refusals. Each fills the result; the caller then has nothing more to do. */

static void refuse(struct visit *visit, struct span reason)
{
    visit->result->outcome = FLOW_PERMANENT;
    visit->result->reason = reason;
}

static void refuse_clinic(struct visit *visit, const char *what)
{
    struct buf reason = {.arena = visit->event->arena};
    buf_printf(&reason, "the clinic %.*s %s", (int)visit->request.clinic_id.len, visit->request.clinic_id.at,
               what);
    refuse(visit, buf_span(&reason));
    visit->result->subject = visit->request.clinic_id;
}

static void add_time(struct buf *out, const char *key, int64_t time)
{
    char text[TIME_TEXT];
    time_write(text, time);
    json_add_str(out, key, span_of(text));
}

/* {"nextWindow": {"start", "end"} or null}: one of the same length that would fit, from then on or from now.
 */
static struct span next_window(struct visit *visit, const struct window *window)
{
    struct window next;
    struct buf out = {.arena = visit->event->arena};
    int64_t from = window->start > visit->event->now ? window->start : visit->event->now;
    json_open(&out, '{');
    json_key(&out, SPAN("nextWindow"));
    if (hours_next(&visit->hours, from, window->end - window->start, &next)) {
        json_open(&out, '{');
        add_time(&out, "start", next.start);
        add_time(&out, "end", next.end);
        json_close(&out, '}');
    } else {
        json_put_raw(&out, SPAN("null"));
    }
    json_close(&out, '}');
    return buf_span(&out);
}

static void refuse_window(struct visit *visit, const struct window *window, const char *what)
{
    refuse_clinic(visit, what);
    visit->result->more = next_window(visit, window);
}

/* What the dispatcher is told. */

static enum err tell(struct visit *visit, const char *kind, struct span about, struct span reason)
{
    const struct pickup_request *request = &visit->request;
    struct buf detail = {.arena = visit->event->arena};
    json_open(&detail, '{');
    json_add_str(&detail, "pickupId", request->pickup_id);
    json_add_str(&detail, "origin", visit->event->event->origin);
    json_add_str(&detail, "clinicId", request->clinic_id);
    add_time(&detail, "windowStart", request->window.start);
    add_time(&detail, "windowEnd", request->window.end);
    json_add_raw(&detail, "recurring", request->recurs ? SPAN("true") : SPAN("false"));
    json_add_str(&detail, "contactName", request->contact_name);
    json_add_str(&detail, "contactPhone", request->contact_phone);
    if (reason.len > 0)
        json_add_str(&detail, "reason", reason);
    if (visit->result->more.len > 0)
        json_add_raw(&detail, "more", visit->result->more);
    json_close(&detail, '}');
    return flow_tell(visit->store, visit->event, kind, about, buf_span(&detail));
}

/* Once for a pickup or a schedule. */
static enum err tell_rush(struct visit *visit)
{
    struct buf about = {.arena = visit->event->arena};
    if (!visit->request.is_rush)
        return ERR_OK;
    buf_add(&about, visit->event->event->origin);
    buf_add_char(&about, '\n');
    buf_add(&about, visit->request.pickup_id);
    return tell(visit, "pickup.rush", buf_span(&about), SPAN(""));
}

/* Once for an event. */
static enum err tell_refused(struct visit *visit, struct span reason)
{
    return tell(visit, "pickup.refused", flow_event_id(visit->event), reason);
}

/* What is there already. */

static enum err find_before(struct visit *visit)
{
    struct view *view = store_view(visit->store);
    struct arena *arena = visit->event->arena;
    const struct event *event = visit->event->event;
    struct span id = visit->request.pickup_id;
    enum err err = pickup_find(view, arena, event->org, event->origin, id, &visit->before);
    visit->has_before = err == ERR_OK;
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    err = schedule_find(view, arena, event->org, event->origin, id, &visit->schedule);
    visit->has_schedule = err == ERR_OK && !visit->schedule.ended;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Whether this event, or a later one, has been handled. */
static bool is_superseded(const struct visit *visit)
{
    int64_t seq = visit->event->seq;
    return (visit->has_before && visit->before.seq >= seq) || visit->schedule.seq >= seq;
}

/* False if it was refused. */
static enum err find_clinic(struct visit *visit, bool *is_known)
{
    enum err err = opening_find(store_view(visit->store), visit->event->event->org, visit->request.clinic_id,
                                &visit->hours);
    *is_known = err == ERR_OK;
    if (store_is_lost(err))
        return err;
    if (err == ERR_NOT_FOUND)
        refuse_clinic(visit, "is not known");
    else if (err != ERR_OK)
        refuse_clinic(visit, "has a document that can't be read any more");
    return ERR_OK;
}

/* Whether the window may stand; clips one that was made around a time. */
static bool fit_window(struct visit *visit)
{
    struct pickup_request *request = &visit->request;
    struct window asked = request->window;
    if (asked.end + LATEST_MS < visit->event->event->time) {
        refuse(visit, SPAN("the window had ended more than 24 hours before it was asked for"));
        return false;
    }
    if (request->has_preferred ? hours_clip(&visit->hours, request->preferred, &request->window)
                               : hours_fit(&visit->hours, &request->window))
        return true;
    refuse_window(visit, &asked, "is closed at that time");
    return false;
}

/* One pickup. */

static struct pickup wanted(const struct visit *visit)
{
    const struct pickup_request *request = &visit->request;
    return (struct pickup){.id = visit->before.id,
                           .org = visit->event->event->org,
                           .origin = visit->event->event->origin,
                           .pickup_id = request->pickup_id,
                           .series = SPAN(""),
                           .local_date = SPAN(""),
                           .clinic_id = request->clinic_id,
                           .lab_id = request->lab_id,
                           .status = PICKUP_PENDING,
                           .priority = request->is_rush ? PRIORITY_RUSH : PRIORITY_STANDARD,
                           .window = request->window,
                           .detail = visit->kept,
                           .seq = visit->event->seq,
                           .updated = visit->event->now};
}

static enum err put_pickup(struct visit *visit)
{
    bool added;
    struct pickup pickup = wanted(visit);
    if (visit->has_before)
        TRY(pickup_change(visit->store, &pickup));
    else
        TRY(pickup_add(visit->store, &pickup, &added));
    return tell_rush(visit);
}

/* What is under way, or over, is not changed by its sender any more: nor by a schedule that ends, which had
 * cancelled it. */
static enum err leave(struct visit *visit)
{
    struct buf reason = {.arena = visit->event->arena};
    if (span_is(visit->kept, visit->before.detail) && !visit->has_schedule)
        return ERR_OK;
    buf_printf(&reason, "the pickup was changed when it was %s", pickup_status_name(visit->before.status));
    return tell_refused(visit, buf_span(&reason));
}

static enum err handle_one(struct visit *visit)
{
    bool is_known;
    if (visit->has_before && visit->before.status != PICKUP_PENDING)
        return leave(visit);
    TRY(find_clinic(visit, &is_known));
    return is_known && fit_window(visit) ? put_pickup(visit) : ERR_OK;
}

/* A schedule. */

static struct series series_of(const struct visit *visit)
{
    return (struct series){.org = visit->event->event->org,
                           .origin = visit->event->event->origin,
                           .request = &visit->request,
                           .hours = &visit->hours,
                           .kept = visit->kept,
                           .seq = visit->event->seq,
                           .now = visit->event->now};
}

/* A pickup that became a schedule would otherwise be there beside the one of its date. */
static enum err replace_pickup(struct visit *visit)
{
    struct pickup_move move = {.to = PICKUP_CANCELLED, .by = SPAN("flows"), .now = visit->event->now};
    if (!visit->has_before || visit->before.status != PICKUP_PENDING)
        return ERR_OK;
    return pickup_move(visit->store, &visit->before, &move);
}

static enum err handle_schedule(struct visit *visit)
{
    bool is_known;
    struct series_dates dates;
    struct series series = series_of(visit);
    struct arena *arena = visit->event->arena;
    TRY(find_clinic(visit, &is_known));
    if (!is_known)
        return ERR_OK;
    series_plan(&series, arena, &dates);
    if (dates.fit_count == 0 && dates.skipped_count > 0) {
        refuse_window(visit, &dates.skipped[0].window, "is closed on all dates of the schedule");
        return ERR_OK;
    }
    TRY(replace_pickup(visit));
    TRY(series_revise(visit->store, arena, &series, &dates));
    TRY(series_make(visit->store, &series, &dates));
    TRY(series_note(visit->store, arena, &series, &dates,
                    (struct span){visit->event->event->detail, visit->event->event->detail_len}));
    return tell_rush(visit);
}

/*
 * The same id without its schedule: what it made is cancelled, and one pickup is made instead. If that can't
 * be, the schedule is removed all the same, and the dispatcher is told; a window that is over needs no
 * pickup.
 */
static enum err remove_schedule(struct visit *visit)
{
    struct series series = series_of(visit);
    struct schedule_row row = visit->schedule;
    row.seq = visit->event->seq;
    row.ended = true;
    row.skipped = SPAN("[]");
    TRY(series_cancel(visit->store, visit->event->arena, &series));
    TRY(schedule_put(visit->store, &row));
    if (visit->request.window.end <= visit->event->event->time)
        return ERR_OK;
    TRY(handle_one(visit));
    if (visit->result->outcome == FLOW_DONE)
        return ERR_OK;
    TRY(tell_refused(visit, visit->result->reason));
    *visit->result = (struct flow_result){0};
    return ERR_OK;
}

enum err on_pickup(struct store *store, const struct flow_event *event, struct flow_result *result)
{
    struct visit visit = {.store = store, .event = event, .result = result};
    struct faults faults = {.arena = event->arena};
    struct buf kept = {.arena = event->arena};
    if (!pickup_request_read(event->detail, &visit.request, &faults))
        return handler_refuse(event, &faults, result);
    pickup_request_keep(&kept, event->detail);
    visit.kept = buf_span(&kept);
    TRY(find_before(&visit));
    if (is_superseded(&visit))
        return ERR_OK;
    if (visit.request.recurs)
        return handle_schedule(&visit);
    return visit.has_schedule ? remove_schedule(&visit) : handle_one(&visit);
}

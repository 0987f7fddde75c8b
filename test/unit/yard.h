/* A store in which events are handled as the flows do it, and what became of them as text. */
#ifndef PICKUPD_TEST_YARD_H
#define PICKUPD_TEST_YARD_H

#include "../../src/flow/handlers.h"
#include "base/time.h"
#include "flow/pickups.h"
#include "shelf.h"
#include "store/clinics.h"
#include "store/notices.h"

struct yard {
    struct store_job job; /* first */
    struct shelf *shelf;
    struct store *store;
    int64_t now, arrived; /* ms since 1970; arrived 0: now */
    int64_t seq;          /* of the next event */
    const char *origin, *source;
    struct flow_event event;
    struct event told;
    struct flow_result result; /* of the last event */
    struct clinic_row clinic;
    int64_t revived;
    enum pickup_status to;
    const char *pickup;
    const char *driver;
    int64_t eta;
    enum err err; /* of the last call */
};

static inline int64_t at(const char *time)
{
    int64_t ms = 0;
    CHECK(time, time_parse(span_of(time), NULL, &ms));
    return ms;
}

static inline void yard_open(struct yard *yard, struct shelf *shelf, const char *now)
{
    *yard =
        (struct yard){.shelf = shelf, .now = at(now), .seq = 100, .origin = "north", .source = "ehr.dentrix"};
    yard->store = open_store(shelf);
}

static inline void yard_run(struct yard *yard, store_call *call)
{
    yard->job = (struct store_job){.kind = STORE_CALL, .call = call};
    store_write(yard->store, &yard->job);
    yard->err = yard->job.err;
}

static inline enum err yard_handle_part(struct store *store, void *arg)
{
    struct yard *yard = arg;
    flow_handler *handle = handler_find(&yard->told);
    assert_non_null(handle);
    yard->result = (struct flow_result){0};
    TRY(handle(store, &yard->event, &yard->result));
    return yard->result.outcome == FLOW_DONE ? ERR_OK : ERR_BAD_REQUEST;
}

/* Like the flows, twice: the second time must change nothing. */
static inline enum err yard_handle(struct store *store, struct store_job *job)
{
    struct yard *yard = (struct yard *)job;
    enum err err = store_attempt(store, yard_handle_part, yard);
    if (err != ERR_OK)
        return store_is_lost(err) ? err : ERR_OK;
    int64_t seq = store_seq(store);
    err = store_attempt(store, yard_handle_part, yard);
    assert_int_equal(store_seq(store), seq);
    return err;
}

/* The detail with ' for ". Returns "done" or "REASON MORE [SUBJECT]", of what may be absent nothing. */
static inline const char *yard_ask_as(struct yard *yard, int64_t seq, const char *detail)
{
    struct json_fault fault;
    struct arena *arena = &yard->shelf->arena;
    struct buf out = {.arena = arena};
    struct span text = quoted(arena, detail);
    struct json *json = json_parse(text, &fault);
    CHECK(detail, json != NULL);
    yard->told = (struct event){.id = event_id(span_of(yard->origin), SPAN("body"), text),
                                .origin = span_of(yard->origin),
                                .source = span_of(yard->source),
                                .type = SPAN("PickupRequested"),
                                .org = SPAN("default"),
                                .time = yard->arrived != 0 ? yard->arrived : yard->now,
                                .detail = (char *)text.at,
                                .detail_len = text.len};
    yard->event = (struct flow_event){seq, &yard->told, json, yard->now, arena};
    yard_run(yard, yard_handle);
    assert_int_equal(yard->err, ERR_OK);
    json_free(json);
    const struct flow_result *result = &yard->result;
    if (result->outcome == FLOW_DONE)
        return "done";
    CHECK(detail, result->outcome == FLOW_PERMANENT);
    buf_printf(&out, "%.*s", (int)result->reason.len, result->reason.at);
    if (result->more.len > 0)
        buf_printf(&out, " %.*s", (int)result->more.len, result->more.at);
    if (result->subject.len > 0)
        buf_printf(&out, " [%.*s]", (int)result->subject.len, result->subject.at);
    return buf_text(&out);
}

static inline const char *yard_ask(struct yard *yard, const char *detail)
{
    return yard_ask_as(yard, yard->seq++, detail);
}

static inline void check_ask(struct yard *yard, const char *detail, const char *want)
{
    check_text(detail, span_of(yard_ask(yard, detail)), quoted(&yard->shelf->arena, want).at);
}

static inline enum err yard_put_clinic(struct store *store, struct store_job *job)
{
    struct yard *yard = (struct yard *)job;
    bool added;
    return clinic_put(store, &yard->clinic, &added, &yard->revived);
}

/* {'operatingHours': HOURS} in a zone, with ' for ". */
static inline void yard_clinic(struct yard *yard, const char *id, const char *zone, const char *hours)
{
    struct buf document = {.arena = &yard->shelf->arena};
    buf_printf(&document, "{'clinicId':'%s','name':'Smile','timezone':'%s','operatingHours':%s}", id, zone,
               hours);
    yard->clinic = (struct clinic_row){SPAN("default"), span_of(id),
                                       quoted(&yard->shelf->arena, buf_text(&document)), yard->now};
    yard_run(yard, yard_put_clinic);
    assert_int_equal(yard->err, ERR_OK);
}

static inline enum err yard_move_call(struct store *store, struct store_job *job)
{
    struct yard *yard = (struct yard *)job;
    struct pickup pickup;
    struct pickup_move move = {yard->to, SPAN("dispatch"), span_of(yard->driver), yard->eta, yard->now};
    TRY(pickup_find(store_view(store), &yard->shelf->arena, SPAN("default"), span_of(yard->origin),
                    span_of(yard->pickup), &pickup));
    return pickup_move(store, &pickup, &move);
}

static inline enum err yard_move(struct yard *yard, const char *pickup, enum pickup_status to)
{
    yard->pickup = pickup;
    yard->to = to;
    yard_run(yard, yard_move_call);
    return yard->err;
}

static inline void yard_note_pickup(void *arg, const struct pickup *pickup)
{
    char start[TIME_TEXT], end[TIME_TEXT];
    time_write(start, pickup->window.start);
    time_write(end, pickup->window.end);
    separate(arg);
    buf_printf(arg, "%.*s %s %s %.11s %.5s", (int)pickup->pickup_id.len, pickup->pickup_id.at,
               pickup_status_name(pickup->status), pickup->priority == PRIORITY_RUSH ? "rush" : "-",
               start + 5, end + 11);
}

/* "ID STATUS rush|- MM-DDTHH:MM HH:MM; ..." */
static inline const char *yard_pickups(struct yard *yard)
{
    struct buf seen = {.arena = &yard->shelf->arena};
    struct pickup_filter all = {.org = SPAN("default"),
                                .status = SPAN(""),
                                .clinic = SPAN(""),
                                .from = INT64_MIN,
                                .to = INT64_MAX,
                                .limit = 1000};
    assert_int_equal(pickup_each(store_view(yard->store), &all, yard_note_pickup, &seen), ERR_OK);
    return buf_text(&seen);
}

#define check_pickups(yard, want) check_text("pickups", span_of(yard_pickups(yard)), want)

static inline void yard_note_notice(void *arg, const struct notice *notice)
{
    separate(arg);
    buf_printf(arg, "%.*s %.*s", (int)notice->kind.len, notice->kind.at, (int)notice->detail.len,
               notice->detail.at);
}

/* Kind and detail; ' for ". */
static inline void check_notices(struct yard *yard, const char *want)
{
    struct buf seen = {.arena = &yard->shelf->arena};
    assert_int_equal(
        notice_each(store_view(yard->store), SPAN("default"), 0, -1, 100, yard_note_notice, &seen), ERR_OK);
    check_text("notices", span_of(buf_text(&seen)), quoted(&yard->shelf->arena, want).at);
}

static inline void yard_note_event(void *arg, const struct view_event *row)
{
    separate(arg);
    buf_printf(arg, "%.*s", (int)row->event.detail_len, row->event.detail);
}

/* The details of the changes of status, in the order of the log; ' for ". */
static inline const char *yard_changes(struct yard *yard)
{
    struct buf seen = {.arena = &yard->shelf->arena};
    struct view_filter filter = {
        .source = SPAN(PICKUPS_SOURCE), .type = SPAN(PICKUPS_MOVED), .since = INT64_MIN, .limit = 1000};
    assert_int_equal(view_events(store_view(yard->store), &filter, yard_note_event, &seen), ERR_OK);
    return buf_text(&seen);
}

#endif

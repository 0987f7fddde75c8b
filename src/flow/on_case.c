/*
 * CaseReadyToShip: a case goes into the Pending delivery of its lab, clinic and date. A case that is named
 * again stays where it is, unless another lab, clinic or date is asked for.
 */
#include "base/date.h"
#include "base/hash.h"
#include "base/hex.h"
#include "flow/deliveries.h"
#include "handlers.h"
#include "tell.h"

/* What is asked for. */
struct ready {
    struct delivery like; /* where it is to go */
    struct delivery_case one;
};

static struct span required(const struct json *detail, const char *key, struct faults *faults)
{
    const struct json *value = json_get(detail, key);
    struct span text = json_str(value);
    if (text.len == 0)
        faults_add(faults, "%s %s", json_kind(value) == JSON_ABSENT ? "Missing" : "Invalid", key);
    return text;
}

static enum priority read_priority(const struct json *detail, struct faults *faults)
{
    enum priority priority = PRIORITY_STANDARD;
    const struct json *value = json_get(detail, "priority");
    if (json_kind(value) != JSON_ABSENT && !priority_read(json_str(value), &priority))
        faults_add(faults, "Invalid priority");
    return priority;
}

static struct ready read_detail(const struct flow_event *event, struct faults *faults)
{
    const struct json *detail = event->detail;
    int64_t days;
    struct ready ready = {
        .like = {.org = event->event->org,
                 .lab_id = required(detail, "labId", faults),
                 .clinic_id = required(detail, "clinicId", faults),
                 .date = required(detail, "requestedDeliveryDate", faults),
                 .seq = event->seq,
                 .created = event->now},
        .one = {.org = event->event->org,
                .id = required(detail, "caseId", faults),
                .priority = read_priority(detail, faults),
                .detail = {event->event->detail, event->event->detail_len},
                .place = event->seq,
                .seq = event->seq},
    };
    if (ready.like.date.len > 0 &&
        (ready.like.date.len != DATE_TEXT - 1 || !date_parse(ready.like.date, &days)))
        faults_add(faults, "Invalid requestedDeliveryDate");
    return ready;
}

static struct span describe(const struct flow_event *event, const struct ready *ready,
                            const struct delivery *delivery)
{
    struct buf out = {.arena = event->arena};
    json_open(&out, '{');
    json_add_str(&out, "caseId", ready->one.id);
    json_add_str(&out, "deliveryId", delivery->id);
    json_add_str(&out, "deliveryStatus", span_of(delivery_status_name(delivery->status)));
    json_add_str(&out, "labId", ready->like.lab_id);
    json_add_str(&out, "clinicId", ready->like.clinic_id);
    json_add_str(&out, "requestedDeliveryDate", ready->like.date);
    json_add_str(&out, "priority", span_of(priority_name(ready->one.priority)));
    json_close(&out, '}');
    return buf_span(&out);
}

/* One thing that tells apart what was asked for: of the same, the dispatcher is told once. */
static struct span about(const struct flow_event *event, const struct ready *ready, struct span where)
{
    struct buf out = {.arena = event->arena};
    buf_add(&out, ready->one.id);
    buf_add_char(&out, '\n');
    buf_add(&out, where);
    return buf_span(&out);
}

static enum err take(struct store *store, const struct flow_event *event, struct ready *ready)
{
    struct delivery delivery;
    bool added;
    TRY(delivery_take_case(store, event->arena, &ready->like, &ready->one, &delivery, &added));
    if (ready->one.priority == PRIORITY_STANDARD)
        return ERR_OK;
    return flow_tell(store, event, "delivery.rush", about(event, ready, delivery.id),
                     describe(event, ready, &delivery));
}

static bool is_same_place(const struct ready *ready, const struct delivery *now)
{
    return span_is(ready->like.lab_id, now->lab_id) && span_is(ready->like.clinic_id, now->clinic_id) &&
           span_is(ready->like.date, now->date);
}

static bool is_same_detail(const struct flow_event *event, const struct delivery_case *before)
{
    struct json_fault fault;
    struct json *detail = json_parse(before->detail, &fault);
    bool same = json_same(detail, event->detail);
    json_free(detail);
    return same;
}

/* A name for what the detail says, in whatever order. */
static struct span digest_of(const struct flow_event *event)
{
    struct buf sorted = {.arena = event->arena};
    uint8_t digest[HASH_BYTES];
    char *text = arena_alloc(event->arena, 2 * HASH_BYTES + 1);
    json_put_sorted(&sorted, event->detail);
    hash_text(buf_span(&sorted), digest);
    hex_write(text, digest, HASH_BYTES);
    return span_of(text);
}

/* The case is in a delivery already. */
static enum err take_again(struct store *store, const struct flow_event *event, struct ready *ready,
                           struct delivery_case *before)
{
    struct delivery delivery;
    if (before->seq > event->seq)
        return ERR_OK; /* superseded */
    TRY(delivery_find(store_view(store), event->arena, before->org, before->delivery_id, &delivery));
    if (!is_same_place(ready, &delivery) && delivery.status == DELIVERY_PENDING) {
        TRY(take(store, event, ready));
        return delivery_after_leave(store, &delivery, event->now);
    }
    before->seq = event->seq;
    TRY(delivery_put_case(store, before));
    if (!is_same_place(ready, &delivery))
        return flow_tell(store, event, "case.moved_late", about(event, ready, ready->like.date),
                         describe(event, ready, &delivery));
    if (is_same_detail(event, before))
        return ERR_OK;
    return flow_tell(store, event, "case.changed", about(event, ready, digest_of(event)),
                     describe(event, ready, &delivery));
}

enum err on_case(struct store *store, const struct flow_event *event, struct flow_result *result)
{
    struct faults faults = {.arena = event->arena};
    struct ready ready = read_detail(event, &faults);
    struct delivery_case before;
    if (faults.count > 0)
        return handler_refuse(event, &faults, result);
    enum err err = delivery_find_case(store_view(store), event->arena, ready.one.org, ready.one.id, &before);
    if (err == ERR_NOT_FOUND)
        return take(store, event, &ready);
    return err != ERR_OK ? err : take_again(store, event, &ready, &before);
}

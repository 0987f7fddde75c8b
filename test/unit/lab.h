/*
 * A lab: a store whose handlers are given events one by one, and what it then holds, as text. Deliveries are
 * called D1, D2 and so on, in the order in which they were made.
 */
#ifndef PICKUPD_TEST_LAB_H
#define PICKUPD_TEST_LAB_H

#include "flow/handler.h"
#include "shelf.h"
#include "store/clinics.h"
#include "store/deliveries.h"
#include "store/invoices.h"
#include "store/notices.h"

#define LAB_TIME INT64_C(1768921200000) /* 2026-01-20T15:00:00Z */

flow_handler on_case, on_delivered;

struct lab {
    struct store_job job; /* first: of the call */
    struct arena *arena;
    struct store *store;
    flow_handler *handle;
    struct event event;
    int64_t seq; /* of the event, counted up unless a test sets it */
    int64_t next;
    struct flow_result result;
    enum err err; /* of the handler */
    struct clinic_row clinic;
    struct invoice invoice;
    struct invoice_cases cases;
    struct buf shown;
};

static inline struct lab lab_open(struct shelf *shelf)
{
    return (struct lab){
        .arena = &shelf->arena, .store = open_store(shelf), .shown = {.arena = &shelf->arena}};
}

static inline enum err lab_run(struct lab *lab, store_call *call)
{
    lab->job = (struct store_job){.kind = STORE_CALL, .call = call};
    store_write(lab->store, &lab->job);
    return lab->job.err;
}

static inline enum err lab_attempt(struct store *store, void *arg)
{
    struct lab *lab = arg;
    struct json_fault fault;
    struct json *detail = json_parse((struct span){lab->event.detail, lab->event.detail_len}, &fault);
    struct flow_event event = {lab->seq, &lab->event, detail, LAB_TIME, lab->arena};
    lab->result = (struct flow_result){0};
    lab->err = lab->handle(store, &event, &lab->result);
    json_free(detail);
    return lab->err != ERR_OK ? lab->err : lab->result.outcome == FLOW_DONE ? ERR_OK : ERR_BAD_REQUEST;
}

static inline enum err lab_call(struct store *store, struct store_job *job)
{
    return store_attempt(store, lab_attempt, job);
}

/* An event of that seq; the same text of the same org is the same event. */
static inline void lab_give_at(struct lab *lab, int64_t seq, flow_handler *handle, const char *org,
                               const char *text)
{
    struct span detail = quoted(lab->arena, text);
    lab->handle = handle;
    lab->seq = seq;
    lab->event = (struct event){.id = event_id(span_of(org), SPAN("body"), detail),
                                .origin = SPAN("some.source"),
                                .source = SPAN("some.source"),
                                .type = SPAN("SomeType"),
                                .org = span_of(org),
                                .time = LAB_TIME,
                                .detail = (char *)detail.at,
                                .detail_len = detail.len};
    enum err err = lab_run(lab, lab_call);
    check_int(text, lab->err, ERR_OK);
    check_int(text, err, lab->result.outcome == FLOW_DONE ? ERR_OK : ERR_BAD_REQUEST);
}

static inline void lab_give(struct lab *lab, flow_handler *handle, const char *text)
{
    lab_give_at(lab, ++lab->next, handle, "default", text);
    check_text(text, lab->result.reason.at != NULL ? lab->result.reason : SPAN(""), "");
}

static inline void lab_check_refused(struct lab *lab, flow_handler *handle, const char *text,
                                     const char *reason)
{
    lab_give_at(lab, ++lab->next, handle, "default", text);
    check_int(text, lab->result.outcome, FLOW_PERMANENT);
    check_text(text, lab->result.reason, reason);
}

/* What there is. */

static inline void lab_name(struct lab *lab, struct span delivery_id)
{
    struct delivery delivery;
    check_int("delivery",
              delivery_find(store_view(lab->store), lab->arena, SPAN("default"), delivery_id, &delivery),
              ERR_OK);
    buf_printf(&lab->shown, "D%lld", (long long)delivery.number);
}

static inline void lab_note_case(void *arg, const struct delivery_case *one)
{
    struct lab *lab = arg;
    buf_printf(&lab->shown, " %.*s", (int)one->id.len, one->id.at);
}

/* All deliveries of an org: name, clinic, date, status, priority, cases, (notes). */
struct lab_list {
    struct lab *lab;
    struct delivery all[50];
    size_t count;
};

static inline void lab_keep(void *arg, const struct delivery *delivery)
{
    struct lab_list *list = arg;
    struct delivery *kept = &list->all[list->count++];
    *kept = *delivery;
    struct span *texts[] = {&kept->org,       &kept->id,   &kept->lab_id,
                            &kept->clinic_id, &kept->date, &kept->notes};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        texts[i]->at = arena_copy(list->lab->arena, *texts[i]);
    if (kept->proof.at != NULL)
        kept->proof.at = arena_copy(list->lab->arena, kept->proof);
}

static inline struct lab_list lab_deliveries(struct lab *lab, const char *org)
{
    struct lab_list list = {.lab = lab};
    struct delivery_filter all = {.org = span_of(org), .limit = 50};
    check_int("deliveries", delivery_each(store_view(lab->store), &all, lab_keep, &list), ERR_OK);
    return list;
}

static inline void lab_check(struct lab *lab, const char *org, const char *want)
{
    struct lab_list list = lab_deliveries(lab, org);
    lab->shown.len = 0;
    for (size_t i = 0; i < list.count; i++) {
        const struct delivery *one = &list.all[i];
        separate(&lab->shown);
        buf_printf(&lab->shown, "D%lld %.*s %.*s %s %s", (long long)one->number, (int)one->clinic_id.len,
                   one->clinic_id.at, (int)one->date.len, one->date.at, delivery_status_name(one->status),
                   priority_name(one->priority));
        check_int("cases",
                  delivery_each_case(store_view(lab->store), span_of(org), one->id, lab_note_case, lab),
                  ERR_OK);
        if (one->notes.len > 0)
            buf_printf(&lab->shown, " (%.*s)", (int)one->notes.len, one->notes.at);
    }
    check_text("deliveries", buf_span(&lab->shown), want);
}

static inline void lab_note_notice(void *arg, const struct notice *notice)
{
    struct lab *lab = arg;
    separate(&lab->shown);
    buf_add(&lab->shown, notice->kind);
}

/* The kinds of all notices, in their order. */
static inline void lab_check_told(struct lab *lab, const char *want)
{
    lab->shown.len = 0;
    check_int("notices",
              notice_each(store_view(lab->store), SPAN("default"), 0, -1, 100, lab_note_notice, lab), ERR_OK);
    check_text("told", buf_span(&lab->shown), want);
}

static inline void lab_note_detail(void *arg, const struct notice *notice)
{
    struct lab *lab = arg;
    lab->shown.len = 0;
    buf_add(&lab->shown, notice->detail);
}

/* The detail of the last notice, in which ids of deliveries are replaced by their names. */
static inline void lab_check_last(struct lab *lab, const char *want)
{
    struct lab_list list = lab_deliveries(lab, "default");
    check_int("notices",
              notice_each(store_view(lab->store), SPAN("default"), 0, -1, 100, lab_note_detail, lab), ERR_OK);
    char *text = buf_text(&lab->shown);
    for (size_t i = 0; i < list.count; i++) {
        char name[30];
        int len = snprintf(name, sizeof name, "D%lld", (long long)list.all[i].number);
        for (char *at; (at = strstr(text, list.all[i].id.at)) != NULL;) {
            memcpy(at, name, (size_t)len);
            memmove(at + len, at + list.all[i].id.len, strlen(at + list.all[i].id.len) + 1);
        }
    }
    check_text("last notice", span_of(text), quoted(lab->arena, want).at);
}

/* Events of our own of one type: what `path` of their details says, and of changes from and to. */
static inline void lab_note_event(void *arg, const struct view_event *row)
{
    struct lab *lab = arg;
    struct json_fault fault;
    struct json *detail = json_parse((struct span){row->event.detail, row->event.detail_len}, &fault);
    separate(&lab->shown);
    if (json_get(detail, "invoiceIds") != NULL) {
        json_put(&lab->shown, json_get(detail, "invoiceIds"));
    } else {
        struct span from = json_str(json_get(detail, "from")), to = json_str(json_get(detail, "to"));
        lab_name(lab, json_str(json_get(detail, "id")));
        buf_printf(&lab->shown, " %.*s>%.*s", (int)from.len, from.at, (int)to.len, to.at);
    }
    json_free(detail);
}

static inline void lab_check_events(struct lab *lab, const char *type, const char *want)
{
    struct view_filter filter = {
        .source = SPAN(""), .type = span_of(type), .since = INT64_MIN, .limit = 1000};
    lab->shown.len = 0;
    check_int(type, view_events(store_view(lab->store), &filter, lab_note_event, lab), ERR_OK);
    check_text(type, buf_span(&lab->shown), want);
}

#endif

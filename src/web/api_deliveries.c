/* Deliveries: looked at, moved. */
#include "base/time.h"
#include "flow/deliveries.h"
#include "page.h"
#include "trip.h"

static void put_head(struct buf *out, const struct delivery *delivery)
{
    json_add_str(out, "deliveryId", delivery->id);
    json_add_str(out, "labId", delivery->lab_id);
    json_add_str(out, "clinicId", delivery->clinic_id);
    json_add_str(out, "date", delivery->date);
    json_add_str(out, "status", span_of(delivery_status_name(delivery->status)));
    json_add_str(out, "priority", span_of(priority_name(delivery->priority)));
    json_add_str(out, "notes", delivery->notes);
    trip_put(out, delivery->driver, delivery->eta);
    json_add_raw(out, "proof", delivery->proof.len > 0 ? delivery->proof : SPAN("null"));
    json_add_int(out, "seq", delivery->seq);
    time_add(out, "created", delivery->created);
    time_add(out, "updated", delivery->updated);
}

static void put_case_id(void *arg, const struct delivery_case *one)
{
    json_put_str(arg, one->id);
}

static enum err put_case_ids(struct view *view, struct buf *out, const struct delivery *delivery)
{
    json_key(out, SPAN("caseIds"));
    json_open(out, '[');
    TRY(delivery_each_case(view, delivery->org, delivery->id, put_case_id, out));
    json_close(out, ']');
    return ERR_OK;
}

/* A page. */

struct listing {
    struct page *page;
    struct view *view;
    enum err err;
};

static void put_row(void *arg, const struct delivery *delivery)
{
    struct listing *listing = arg;
    struct buf *out = &listing->page->out;
    if (!page_note_number(listing->page, delivery->number))
        return;
    json_open(out, '{');
    put_head(out, delivery);
    if (listing->err == ERR_OK)
        listing->err = put_case_ids(listing->view, out, delivery);
    json_close(out, '}');
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    struct listing listing = {page, view, ERR_OK};
    struct delivery_filter filter = {.org = ask_org(ask),
                                     .status = ask_text(ask, "status"),
                                     .clinic_id = ask_text(ask, "clinicId"),
                                     .lab_id = ask_text(ask, "labId"),
                                     .date = ask_text(ask, "date"),
                                     .after = page->after_number,
                                     .limit = page->limit};
    TRY(delivery_each(view, &filter, put_row, &listing));
    return listing.err;
}

void api_deliveries(struct ask *ask)
{
    page_begin(ask, "deliveries");
    ask_read(ask, run_page, page_answer);
}

/* One, with its cases. */

static void put_case(void *arg, const struct delivery_case *one)
{
    struct buf *out = arg;
    json_open(out, '{');
    json_add_str(out, "caseId", one->id);
    json_add_str(out, "priority", span_of(priority_name(one->priority)));
    json_add_raw(out, "detail", one->detail);
    json_close(out, '}');
}

static enum err write_one(struct view *view, struct ask *ask, struct buf *out)
{
    struct delivery delivery;
    TRY(delivery_find(view, ask_arena(ask), ask_org(ask), ask->names[0], &delivery));
    *out = (struct buf){.arena = ask_arena(ask)};
    json_open(out, '{');
    put_head(out, &delivery);
    TRY(put_case_ids(view, out, &delivery));
    json_key(out, SPAN("cases"));
    json_open(out, '[');
    TRY(delivery_each_case(view, ask_org(ask), ask->names[0], put_case, out));
    json_close(out, ']');
    json_close(out, '}');
    return ERR_OK;
}

static enum err run_one(struct view *view, struct ask *ask)
{
    return write_one(view, ask, ask->data);
}

static void answer_one(struct ask *ask, enum err err)
{
    if (err == ERR_CONFLICT)
        ask_refuse(ask, err, "The delivery's status does not allow that");
    else if (ask_is_good(ask, err))
        ask_answer(ask, 200, buf_span(ask->data));
}

void api_delivery(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct buf));
    ask_read(ask, run_one, answer_one);
}

static enum err call_move(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct delivery delivery;
    int64_t now = time_now();
    struct delivery_move move = {.at = now,
                                 .by = span_of(ask->token->name),
                                 .driver = trip_driver(ask),
                                 .eta = trip_eta(ask),
                                 .proof = SPAN(""),
                                 .now = now};
    TRY(delivery_find(store_view(store), ask_arena(ask), ask_org(ask), ask->names[0], &delivery));
    if (!delivery_status_read(json_str(json_get(ask->body, "status")), &move.to))
        return ERR_BAD_REQUEST;
    TRY(delivery_move(store, &delivery, &move));
    return write_one(store_view(store), ask, ask->data);
}

void api_delivery_status(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct buf));
    ask_grow(ask, call_move, answer_one);
}

/* Deliveries: looking, and moving them on. */
#include "api.h"
#include "base/time.h"
#include "flow/deliveries.h"

/* Writing. */

/* The cases of one delivery: their ids, and themselves. */
struct casing {
    struct buf ids, cases;
};

static void put_case(void *arg, const struct delivery_case *one)
{
    struct casing *casing = arg;
    struct json_fault fault;
    struct json *detail = json_parse(one->detail, &fault);
    const struct json *specs = json_get(detail, "packageSpecs");
    struct buf *out = &casing->cases;
    json_put_str(&casing->ids, one->id);
    json_open(out, '{');
    json_add_str(out, "caseId", one->id);
    json_add_str(out, "priority", span_of(priority_name(one->priority)));
    json_add_str(out, "notes", json_str(json_get(detail, "notes")));
    json_key(out, SPAN("packageSpecs"));
    if (json_kind(specs) == JSON_OBJ)
        json_put(out, specs);
    else
        json_put_raw(out, SPAN("null"));
    json_close(out, '}');
    json_free(detail);
}

static enum err put_cases(struct view *view, struct buf *out, const struct delivery *delivery)
{
    struct casing casing = {.ids = {.arena = out->arena}, .cases = {.arena = out->arena}};
    json_open(&casing.ids, '[');
    json_open(&casing.cases, '[');
    TRY(delivery_each_case(view, delivery->org, delivery->id, put_case, &casing));
    json_close(&casing.ids, ']');
    json_close(&casing.cases, ']');
    json_add_raw(out, "caseIds", buf_span(&casing.ids));
    json_add_raw(out, "cases", buf_span(&casing.cases));
    return ERR_OK;
}

static void add_raw(struct buf *out, const char *key, struct span json)
{
    json_add_raw(out, key, json.len > 0 ? json : SPAN("null"));
}

static enum err put_delivery(struct view *view, struct buf *out, const struct delivery *delivery)
{
    json_open(out, '{');
    json_add_str(out, "deliveryId", delivery->id);
    json_add_str(out, "labId", delivery->lab_id);
    json_add_str(out, "clinicId", delivery->clinic_id);
    json_add_str(out, "date", delivery->date);
    json_add_str(out, "status", span_of(delivery_status_name(delivery->status)));
    json_add_str(out, "priority", span_of(priority_name(delivery->priority)));
    TRY(put_cases(view, out, delivery));
    json_add_str(out, "notes", delivery->notes);
    add_raw(out, "driver", delivery->driver);
    ask_put_time(out, "eta", delivery->eta);
    add_raw(out, "proof", delivery->proof);
    ask_put_time(out, "created", delivery->created);
    ask_put_time(out, "updated", delivery->updated);
    json_close(out, '}');
    return ERR_OK;
}

/* A page. */

struct paging {
    struct view *view;
    struct delivery_filter filter;
    struct buf out;
    int64_t rows;
    enum err err;
};

static void put_listed(void *arg, const struct delivery *delivery)
{
    struct paging *paging = arg;
    paging->rows++;
    paging->filter.after = delivery->number;
    if (paging->err == ERR_OK)
        paging->err = put_delivery(paging->view, &paging->out, delivery);
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct paging *paging = ask->data;
    struct delivery_filter filter = paging->filter;
    paging->view = view;
    TRY(delivery_each(view, &filter, put_listed, paging));
    return paging->err;
}

static void answer_page(struct ask *ask, enum err err)
{
    struct paging *paging = ask->data;
    struct buf *out = &paging->out;
    if (!ask_is_good(ask, err))
        return;
    json_close(out, ']');
    if (paging->rows == paging->filter.limit)
        json_add_int(out, "next", paging->filter.after);
    else
        json_add_raw(out, "next", SPAN("null"));
    json_close(out, '}');
    ask_answer(ask, 200, buf_span(out));
}

void api_deliveries(struct ask *ask)
{
    struct paging *paging = arena_alloc(ask_arena(ask), sizeof *paging);
    paging->filter = (struct delivery_filter){.org = ask_org(ask),
                                              .status = ask_param(ask, "status"),
                                              .clinic_id = ask_param(ask, "clinicId"),
                                              .lab_id = ask_param(ask, "labId"),
                                              .date = ask_param(ask, "date"),
                                              .after = ask_param_int(ask, "cursor", 0),
                                              .limit = ask_param_int(ask, "limit", API_PAGE)};
    paging->out.arena = ask_arena(ask);
    json_open(&paging->out, '{');
    json_key(&paging->out, SPAN("deliveries"));
    json_open(&paging->out, '[');
    ask->data = paging;
    ask_read(ask, run_page, answer_page);
}

/* One. */

struct showing {
    struct buf out;
    struct delivery_move move;
    bool refused; /* the move */
};

static enum err show(struct view *view, struct ask *ask)
{
    struct showing *showing = ask->data;
    struct delivery delivery;
    showing->out = (struct buf){.arena = ask_arena(ask)};
    TRY(delivery_find(view, ask_arena(ask), ask_org(ask), ask->names[0], &delivery));
    return put_delivery(view, &showing->out, &delivery);
}

static void answer_one(struct ask *ask, enum err err)
{
    const struct showing *showing = ask->data;
    if (err == ERR_CONFLICT)
        ask_refuse(ask, err, "the delivery's status does not allow that");
    else if (ask_is_good(ask, err))
        ask_answer(ask, 200, buf_span(&showing->out));
}

void api_delivery(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct showing));
    ask_read(ask, show, answer_one);
}

/* A move. */

static enum err call_move(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    const struct showing *showing = ask->data;
    struct delivery delivery;
    TRY(delivery_find(store_view(store), ask_arena(ask), ask_org(ask), ask->names[0], &delivery));
    TRY(delivery_move(store, &delivery, &showing->move));
    return show(store_view(store), ask);
}

static struct span driver_of(struct ask *ask)
{
    struct buf out = {.arena = ask_arena(ask)};
    const struct json *driver = json_get(ask->body, "driver");
    if (json_kind(driver) == JSON_OBJ)
        json_put(&out, driver);
    return buf_span(&out);
}

void api_delivery_status(struct ask *ask)
{
    struct showing *showing = arena_alloc(ask_arena(ask), sizeof *showing);
    struct delivery_move *move = &showing->move;
    *move =
        (struct delivery_move){.by = span_of(ask->token->name), .driver = driver_of(ask), .now = time_now()};
    move->at = move->now;
    delivery_status_read(json_str(json_get(ask->body, "status")), &move->to);
    if (!time_parse(json_str(json_get(ask->body, "eta")), NULL, &move->eta))
        move->eta = 0; /* absent */
    ask->data = showing;
    ask_write(ask, call_move, answer_one);
}

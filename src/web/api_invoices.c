/* Invoices: putting and looking. */
#include "api.h"
#include "base/time.h"
#include "store/invoices.h"

/* Writing. */

static enum err put_invoice(struct view *view, struct buf *out, const struct invoice *invoice)
{
    struct invoice_cases cases;
    TRY(invoice_find_cases(view, out->arena, invoice->org, invoice->id, &cases));
    json_open(out, '{');
    json_add_str(out, "invoiceId", invoice->id);
    json_add_str(out, "clinicId", invoice->clinic_id);
    json_key(out, SPAN("caseIds"));
    json_open(out, '[');
    for (size_t i = 0; i < cases.count; i++)
        json_put_str(out, cases.ids[i]);
    json_close(out, ']');
    json_add_int(out, "amountMinor", invoice->amount_minor);
    json_add_str(out, "currency", invoice->currency);
    json_add_str(out, "status", span_of(invoice_status_name(invoice->status)));
    json_add_raw(out, "delivered", invoice->delivered.len > 0 ? invoice->delivered : SPAN("null"));
    ask_put_time(out, "updated", invoice->updated);
    json_close(out, '}');
    return ERR_OK;
}

/* A page. */

struct paging {
    struct view *view;
    struct invoice_filter filter;
    struct buf out;
    struct span last; /* the id of the last one */
    int64_t rows;
    enum err err;
};

static void put_listed(void *arg, const struct invoice *invoice)
{
    struct paging *paging = arg;
    paging->rows++;
    paging->last = (struct span){arena_copy(paging->out.arena, invoice->id), invoice->id.len};
    if (paging->err == ERR_OK)
        paging->err = put_invoice(paging->view, &paging->out, invoice);
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct paging *paging = ask->data;
    paging->view = view;
    TRY(invoice_each(view, &paging->filter, put_listed, paging));
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
        json_add_str(out, "next", paging->last);
    else
        json_add_raw(out, "next", SPAN("null"));
    json_close(out, '}');
    ask_answer(ask, 200, buf_span(out));
}

void api_invoices(struct ask *ask)
{
    struct paging *paging = arena_alloc(ask_arena(ask), sizeof *paging);
    paging->filter = (struct invoice_filter){.org = ask_org(ask),
                                             .after = ask_param(ask, "cursor"),
                                             .status = ask_param(ask, "status"),
                                             .clinic_id = ask_param(ask, "clinicId"),
                                             .limit = ask_param_int(ask, "limit", API_PAGE)};
    paging->out.arena = ask_arena(ask);
    json_open(&paging->out, '{');
    json_key(&paging->out, SPAN("invoices"));
    json_open(&paging->out, '[');
    ask->data = paging;
    ask_read(ask, run_page, answer_page);
}

/* One. */

struct showing {
    struct buf out;
    struct invoice invoice;
    struct invoice_cases cases;
    bool added;
};

static enum err show(struct view *view, struct ask *ask)
{
    struct showing *showing = ask->data;
    struct invoice invoice;
    showing->out = (struct buf){.arena = ask_arena(ask)};
    TRY(invoice_find(view, ask_arena(ask), ask_org(ask), ask->names[0], &invoice));
    return put_invoice(view, &showing->out, &invoice);
}

static void answer_one(struct ask *ask, enum err err)
{
    const struct showing *showing = ask->data;
    if (ask_is_good(ask, err))
        ask_answer(ask, showing->added ? 201 : 200, buf_span(&showing->out));
}

void api_invoice(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct showing));
    ask_read(ask, show, answer_one);
}

static enum err call_put(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct showing *showing = ask->data;
    TRY(invoice_put(store, &showing->invoice, &showing->cases, &showing->added));
    return show(store_view(store), ask);
}

static struct invoice_cases cases_of(struct ask *ask)
{
    const struct json *list = json_get(ask->body, "caseIds");
    struct invoice_cases cases = {.count = json_count(list)};
    cases.ids = arena_alloc(ask_arena(ask), (cases.count + 1) * sizeof *cases.ids);
    for (size_t i = 0; i < cases.count; i++)
        cases.ids[i] = json_str(json_at(list, i));
    return cases;
}

static bool is_of_path(struct ask *ask)
{
    struct faults faults = {.arena = ask_arena(ask)};
    struct span id = json_str(json_get(ask->body, "invoiceId"));
    if (id.len == 0 || span_is(id, ask->names[0]))
        return true;
    faults_add(&faults, "Invalid invoiceId: the path names another");
    ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
    return false;
}

void api_invoice_put(struct ask *ask)
{
    struct showing *showing = arena_alloc(ask_arena(ask), sizeof *showing);
    showing->cases = cases_of(ask);
    showing->invoice = (struct invoice){.org = ask_org(ask),
                                        .id = ask->names[0],
                                        .clinic_id = json_str(json_get(ask->body, "clinicId")),
                                        .amount_minor = ask_int(ask, "amountMinor", 0),
                                        .currency = json_str(json_get(ask->body, "currency")),
                                        .updated = time_now()};
    if (!invoice_status_read(json_str(json_get(ask->body, "status")), &showing->invoice.status))
        showing->invoice.status = INVOICE_ISSUED; /* absent */
    ask->data = showing;
    if (is_of_path(ask))
        ask_write(ask, call_put, answer_one);
}

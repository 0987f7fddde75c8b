/* Invoices: put by finance, looked at. */
#include <string.h>

#include "base/time.h"
#include "page.h"
#include "store/invoices.h"

/* One that was read. */
struct one {
    struct invoice invoice;
    struct invoice_cases cases;
    bool added;
};

static void put_invoice(struct buf *out, const struct invoice *invoice, const struct invoice_cases *cases)
{
    json_open(out, '{');
    json_add_str(out, "invoiceId", invoice->id);
    json_add_str(out, "clinicId", invoice->clinic_id);
    json_key(out, SPAN("caseIds"));
    json_open(out, '[');
    for (size_t i = 0; i < cases->count; i++)
        json_put_str(out, cases->ids[i]);
    json_close(out, ']');
    json_add_int(out, "amountMinor", invoice->amount_minor);
    json_add_str(out, "currency", invoice->currency);
    json_add_str(out, "status", span_of(invoice_status_name(invoice->status)));
    json_add_raw(out, "delivered", invoice->delivered.len > 0 ? invoice->delivered : SPAN("null"));
    time_add(out, "updated", invoice->updated);
    json_close(out, '}');
}

static enum err find(struct view *view, struct ask *ask)
{
    struct one *one = ask->data;
    TRY(invoice_find(view, ask_arena(ask), ask_org(ask), ask->names[0], &one->invoice));
    return invoice_find_cases(view, ask_arena(ask), ask_org(ask), ask->names[0], &one->cases);
}

static void answer_one(struct ask *ask, enum err err)
{
    const struct one *one = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    put_invoice(&out, &one->invoice, &one->cases);
    ask_answer(ask, one->added ? 201 : 200, buf_span(&out));
}

void api_invoice(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct one));
    ask_read(ask, find, answer_one);
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

static enum err call_put(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct one *one = ask->data;
    struct invoice_cases cases = cases_of(ask);
    struct invoice invoice = {.org = ask_org(ask),
                              .id = ask->names[0],
                              .clinic_id = json_str(json_get(ask->body, "clinicId")),
                              .amount_minor = ask_int(ask, "amountMinor", 0),
                              .currency = json_str(json_get(ask->body, "currency")),
                              .updated = time_now()};
    if (!invoice_status_read(json_str(json_get(ask->body, "status")), &invoice.status))
        invoice.status = INVOICE_ISSUED;
    TRY(invoice_put(store, &invoice, &cases, &one->added));
    note_status(ask, one->added ? 201 : 200);
    return find(store_view(store), ask);
}

void api_invoice_put(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct one));
    ask_grow(ask, call_put, answer_one);
}

/* A page; each row's cases are read once its list's statement is done. */

struct listing {
    struct arena *arena;
    struct invoice *all;
    size_t count;
};

static struct span keep(struct arena *arena, struct span text)
{
    return text.at == NULL ? text : (struct span){arena_copy(arena, text), text.len};
}

static void keep_row(void *arg, const struct invoice *row)
{
    struct listing *listing = arg;
    struct invoice *kept = &listing->all[listing->count++];
    *kept = *row;
    kept->id = keep(listing->arena, row->id);
    kept->clinic_id = keep(listing->arena, row->clinic_id);
    kept->currency = keep(listing->arena, row->currency);
    kept->delivered = keep(listing->arena, row->delivered);
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    struct listing listing = {ask_arena(ask), NULL, 0};
    struct invoice_filter filter = {.org = ask_org(ask),
                                    .after = page->after,
                                    .status = ask_text(ask, "status"),
                                    .clinic_id = ask_text(ask, "clinicId"),
                                    .limit = page->limit};
    listing.all = arena_alloc(listing.arena, (size_t)page->limit * sizeof *listing.all);
    TRY(invoice_each(view, &filter, keep_row, &listing));
    for (size_t i = 0; i < listing.count; i++) {
        struct invoice_cases cases;
        if (!page_note(page, listing.all[i].id))
            break;
        TRY(invoice_find_cases(view, listing.arena, ask_org(ask), listing.all[i].id, &cases));
        put_invoice(&page->out, &listing.all[i], &cases);
    }
    return ERR_OK;
}

void api_invoices(struct ask *ask)
{
    page_begin(ask, "invoices");
    ask_read(ask, run_page, page_answer);
}

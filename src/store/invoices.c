/* The tables of invoices and their cases. */
#include "store/invoices.h"

#include "room.h"

/* Spans are valid until the next step. */
static struct invoice read_row(struct db *db, enum sql sql)
{
    struct invoice invoice = {
        .org = db_span(db, sql, 0),
        .id = db_span(db, sql, 1),
        .clinic_id = db_span(db, sql, 2),
        .amount_minor = db_int(db, sql, 3),
        .currency = db_span(db, sql, 4),
        .delivered = db_is_null(db, sql, 6) ? (struct span){0} : db_span(db, sql, 6),
        .seq = db_int(db, sql, 7),
        .updated = db_int(db, sql, 8),
    };
    invoice_status_read(db_span(db, sql, 5), &invoice.status);
    return invoice;
}

enum err invoice_find(struct view *view, struct arena *arena, struct span org, struct span id,
                      struct invoice *invoice)
{
    bool row;
    db_bind_text(view->db, SQL_INVOICE, 1, org);
    db_bind_text(view->db, SQL_INVOICE, 2, id);
    enum err err = db_step(view->db, SQL_INVOICE, &row);
    if (err == ERR_OK && row) {
        *invoice = read_row(view->db, SQL_INVOICE);
        struct span *texts[] = {&invoice->org, &invoice->id, &invoice->clinic_id, &invoice->currency,
                                &invoice->delivered};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            if (texts[i]->at != NULL)
                texts[i]->at = arena_copy(arena, *texts[i]);
    }
    db_reset(view->db, SQL_INVOICE);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

enum err invoice_find_cases(struct view *view, struct arena *arena, struct span org, struct span id,
                            struct invoice_cases *cases)
{
    bool row;
    size_t room = 0;
    *cases = (struct invoice_cases){0};
    db_bind_text(view->db, SQL_INVOICE_CASES, 1, org);
    db_bind_text(view->db, SQL_INVOICE_CASES, 2, id);
    enum err err = db_step(view->db, SQL_INVOICE_CASES, &row);
    while (err == ERR_OK && row) {
        if (cases->count == room) {
            struct span *more = arena_alloc(arena, (2 * room + 4) * sizeof *more);
            if (room > 0)
                memcpy(more, cases->ids, room * sizeof *more);
            cases->ids = more;
            room = 2 * room + 4;
        }
        cases->ids[cases->count++] = room_copy(arena, view->db, SQL_INVOICE_CASES, 0);
        err = db_step(view->db, SQL_INVOICE_CASES, &row);
    }
    db_reset(view->db, SQL_INVOICE_CASES);
    return err;
}

static enum err each_row(struct db *db, enum sql sql, invoice_fn *fn, void *arg)
{
    bool row;
    enum err err = db_step(db, sql, &row);
    while (err == ERR_OK && row) {
        struct invoice invoice = read_row(db, sql);
        fn(arg, &invoice);
        err = db_step(db, sql, &row);
    }
    db_reset(db, sql);
    return err;
}

enum err invoice_each(struct view *view, const struct invoice_filter *filter, invoice_fn *row, void *arg)
{
    db_bind_text(view->db, SQL_INVOICES, 1, filter->org);
    db_bind_text(view->db, SQL_INVOICES, 2, room_filter(filter->after));
    db_bind_text(view->db, SQL_INVOICES, 3, room_filter(filter->status));
    db_bind_text(view->db, SQL_INVOICES, 4, room_filter(filter->clinic_id));
    db_bind_int(view->db, SQL_INVOICES, 5, filter->limit);
    return each_row(view->db, SQL_INVOICES, row, arg);
}

enum err invoice_each_of_case(struct view *view, struct span org, struct span case_id, invoice_fn *row,
                              void *arg)
{
    db_bind_text(view->db, SQL_INVOICES_OF_CASE, 1, org);
    db_bind_text(view->db, SQL_INVOICES_OF_CASE, 2, case_id);
    return each_row(view->db, SQL_INVOICES_OF_CASE, row, arg);
}

static enum err put_cases(struct store *store, const struct invoice *invoice,
                          const struct invoice_cases *cases)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_INVOICE_CASES_FORGET, 1, invoice->org);
    db_bind_text(db, SQL_INVOICE_CASES_FORGET, 2, invoice->id);
    TRY(db_run(db, SQL_INVOICE_CASES_FORGET));
    for (size_t i = 0; i < cases->count; i++) {
        db_bind_text(db, SQL_INVOICE_CASE_ADD, 1, invoice->org);
        db_bind_text(db, SQL_INVOICE_CASE_ADD, 2, invoice->id);
        db_bind_text(db, SQL_INVOICE_CASE_ADD, 3, cases->ids[i]);
        TRY(db_run(db, SQL_INVOICE_CASE_ADD));
    }
    return ERR_OK;
}

enum err invoice_put(struct store *store, const struct invoice *invoice, const struct invoice_cases *cases,
                     bool *added)
{
    struct db *db = store_db(store);
    struct arena arena CLEANUP(arena_free) = {0};
    struct invoice before;
    enum invoice_status status = invoice->status;
    enum err err = invoice_find(store_view(store), &arena, invoice->org, invoice->id, &before);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    *added = err == ERR_NOT_FOUND;
    if (!*added && before.status == INVOICE_DELIVERED && status == INVOICE_ISSUED)
        status = INVOICE_DELIVERED;
    db_bind_text(db, SQL_INVOICE_PUT, 1, invoice->org);
    db_bind_text(db, SQL_INVOICE_PUT, 2, invoice->id);
    db_bind_text(db, SQL_INVOICE_PUT, 3, invoice->clinic_id);
    db_bind_int(db, SQL_INVOICE_PUT, 4, invoice->amount_minor);
    db_bind_text(db, SQL_INVOICE_PUT, 5, invoice->currency);
    db_bind_text(db, SQL_INVOICE_PUT, 6, span_of(invoice_status_name(status)));
    db_bind_int(db, SQL_INVOICE_PUT, 7, invoice->updated);
    TRY(db_run(db, SQL_INVOICE_PUT));
    return put_cases(store, invoice, cases);
}

enum err invoice_deliver(struct store *store, const struct invoice *invoice, struct span delivered,
                         int64_t seq, int64_t now, bool *became)
{
    struct db *db = store_db(store);
    *became = invoice->status == INVOICE_ISSUED;
    enum invoice_status status = *became ? INVOICE_DELIVERED : invoice->status;
    db_bind_text(db, SQL_INVOICE_DELIVER, 1, invoice->org);
    db_bind_text(db, SQL_INVOICE_DELIVER, 2, invoice->id);
    db_bind_text(db, SQL_INVOICE_DELIVER, 3, span_of(invoice_status_name(status)));
    db_bind_text(db, SQL_INVOICE_DELIVER, 4, delivered);
    db_bind_int(db, SQL_INVOICE_DELIVER, 5, seq);
    db_bind_int(db, SQL_INVOICE_DELIVER, 6, now);
    return db_run(db, SQL_INVOICE_DELIVER);
}

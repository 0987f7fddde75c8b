/* Invoices, and the cases that each is for. Writing is for calls (see store/store.h), reading for any view.
 */
#ifndef PICKUPD_STORE_INVOICES_H
#define PICKUPD_STORE_INVOICES_H

#include "model/invoice.h"
#include "store/store.h"
#include "store/view.h"

struct invoice {
    struct span org, id;
    struct span clinic_id;
    int64_t amount_minor;
    struct span currency;
    enum invoice_status status;
    struct span delivered; /* JSON: proof, receiver and time; or {NULL, 0} */
    int64_t seq;           /* of the event that delivered it; 0 if none has */
    int64_t updated;       /* ms since 1970 */
};

struct invoice_cases {
    struct span *ids;
    size_t count;
};

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err invoice_find(struct view *view, struct arena *arena, struct span org, struct span id,
                           struct invoice *invoice);

/* The cases of an invoice, in the order of their ids, in the arena. */
MUST enum err invoice_find_cases(struct view *view, struct arena *arena, struct span org, struct span id,
                                 struct invoice_cases *cases);

/* Those whose ids come after `after`, in their order, at most `limit`; of one status and clinic, or (empty)
 * of all. Spans are valid during the call. */
struct invoice_filter {
    struct span org, after, status, clinic_id;
    int64_t limit;
};
typedef void invoice_fn(void *arg, const struct invoice *invoice);
MUST enum err invoice_each(struct view *view, const struct invoice_filter *filter, invoice_fn *row,
                           void *arg);

/* Those that are for a case. */
MUST enum err invoice_each_of_case(struct view *view, struct span org, struct span case_id, invoice_fn *row,
                                   void *arg);

/*
 * Adds an invoice from org, id, clinic_id, amount_minor, currency, status and updated, or gives it all these
 * anew. One that is Delivered stays so when it is put as Issued: finance need not know. *added tells whether
 * it is new.
 */
MUST enum err invoice_put(struct store *store, const struct invoice *invoice,
                          const struct invoice_cases *cases, bool *added);

/*
 * It was delivered: one that is Issued becomes Delivered, and *became says so. It carries `delivered` unless
 * it carries something already, and the seq of the event.
 */
MUST enum err invoice_deliver(struct store *store, const struct invoice *invoice, struct span delivered,
                              int64_t seq, int64_t now, bool *became);

#endif

/* The names of what an invoice may be. */
#include "model/invoice.h"

static const char *const names[INVOICE_STATUSES] = {
    [INVOICE_ISSUED] = "Issued",
    [INVOICE_DELIVERED] = "Delivered",
    [INVOICE_PAID] = "Paid",
    [INVOICE_VOID] = "Void",
};

const char *invoice_status_name(enum invoice_status status)
{
    return names[status];
}

bool invoice_status_read(struct span text, enum invoice_status *status)
{
    for (int i = 0; i < INVOICE_STATUSES; i++) {
        if (span_is(text, span_of(names[i]))) {
            *status = (enum invoice_status)i;
            return true;
        }
    }
    return false;
}

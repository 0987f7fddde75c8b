/* What an invoice may be. */
#ifndef PICKUPD_MODEL_INVOICE_H
#define PICKUPD_MODEL_INVOICE_H

#include "base/span.h"

/* Delivered comes from deliveries, the others from finance. */
enum invoice_status {
    INVOICE_ISSUED,
    INVOICE_DELIVERED,
    INVOICE_PAID,
    INVOICE_VOID,
    INVOICE_STATUSES,
};

/* As they are written on the wire; static. */
const char *invoice_status_name(enum invoice_status status);

/* False for any other text. */
bool invoice_status_read(struct span text, enum invoice_status *status);

#endif

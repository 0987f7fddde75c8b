/* Deliveries, invoices, and what the dispatcher is told. */
#include "model/shapes.h"

#define PLAIN_TEXT .type = SHAPE_TEXT, .required = true
#define PLAIN_TIME .type = SHAPE_TIME, .required = true
#define PRIORITY   .type = SHAPE_WORD, .required = true, .words = "STANDARD|RUSH|EMERGENCY"
#define ID         .type = SHAPE_TEXT, .least = 1, .most = 200
#define LINE       .type = SHAPE_TEXT, .least = 0, .most = 500

#define NEXT .type = SHAPE_WHOLE, .help = "The cursor of the next page; null at the end."

/* Deliveries. */

static const struct shape_field text = {.type = SHAPE_TEXT, .required = true};

static const struct shape_field delivery_case[] = {
    {"caseId", PLAIN_TEXT},
    {"priority", PRIORITY},
    {"notes", PLAIN_TEXT},
    {"packageSpecs", .type = SHAPE_OBJECT, .help = "As they were published; null if they were not."},
};
const struct shape shape_delivery_case = {"DeliveryCase", "A case of a delivery.",
                                          SHAPE_FIELDS(delivery_case)};

static const struct shape_field driver[] = {
    {"name", LINE},
    {"phone", LINE},
};
const struct shape shape_delivery_driver = {"DeliveryDriver", "Who drives.", SHAPE_FIELDS(driver)};

static const struct shape_field one_case = {.type = SHAPE_OBJECT, .of = &shape_delivery_case};
static const struct shape_field delivery[] = {
    {"deliveryId", PLAIN_TEXT},
    {"labId", PLAIN_TEXT},
    {"clinicId", PLAIN_TEXT},
    {"date", .type = SHAPE_DATE, .required = true},
    {"status", .type = SHAPE_WORD, .required = true, .words = "Pending|InTransit|Delivered|Failed"},
    {"priority", PRIORITY, .help = "The highest of its cases."},
    {"caseIds", .type = SHAPE_LIST, .required = true, .element = &text},
    {"cases", .type = SHAPE_LIST, .required = true, .element = &one_case,
     .help = "In the order in which they were ready."},
    {"notes", PLAIN_TEXT, .help = "Of its cases, a line each."},
    {"driver", .type = SHAPE_OBJECT, .of = &shape_delivery_driver},
    {"eta", .type = SHAPE_TIME},
    {"proof", .type = SHAPE_OBJECT, .help = "Of what was delivered: time, receiver, and what shows it."},
    {"created", PLAIN_TIME},
    {"updated", PLAIN_TIME},
};
const struct shape shape_delivery = {"Delivery", "What a courier brings from a lab to a clinic on a day.",
                                     SHAPE_FIELDS(delivery)};

static const struct shape_field one_delivery = {.type = SHAPE_OBJECT, .of = &shape_delivery};
static const struct shape_field delivery_page[] = {
    {"deliveries", .type = SHAPE_LIST, .required = true, .element = &one_delivery,
     .help = "In the order in which they were made."},
    {"next", NEXT},
};
const struct shape shape_delivery_page = {"DeliveryPage", "A page of deliveries.",
                                          SHAPE_FIELDS(delivery_page)};

static const struct shape_field delivery_status[] = {
    {"status", .type = SHAPE_WORD, .required = true, .words = "InTransit|Delivered|Failed",
     .help = "Pending may become InTransit or Failed, and InTransit Delivered or Failed."},
    {"driver", .type = SHAPE_OBJECT, .of = &shape_delivery_driver, .help = "As before unless given."},
    {"eta", .type = SHAPE_TIME, .help = "As before unless given."},
};
const struct shape shape_delivery_status = {"DeliveryStatus", "What becomes of a delivery.",
                                            SHAPE_FIELDS(delivery_status)};

/* Invoices. */

static const struct shape_field case_id = {.type = SHAPE_TEXT, .required = true, .least = 1, .most = 200};

#define AMOUNT                                                                                               \
    .type = SHAPE_WHOLE, .required = true, .least = -1000000000000000, .most = 1000000000000000,             \
    .help = "In the currency's smallest unit."
#define STATUS .type = SHAPE_WORD, .words = "Issued|Delivered|Paid|Void"

static const struct shape_field invoice_put[] = {
    {"invoiceId", ID, .help = "As in the path, if at all."},
    {"clinicId", ID, .required = true},
    {"caseIds", .type = SHAPE_LIST, .required = true, .least = 1, .most = 1000, .element = &case_id},
    {"amountMinor", AMOUNT},
    {"currency", .type = SHAPE_TEXT, .required = true, .least = 3, .most = 3, .help = "Such as USD."},
    {"status", STATUS, .help = "Issued unless given; one that is Delivered does not become Issued again."},
};
const struct shape shape_invoice_put = {"InvoicePut", "An invoice as finance has it.",
                                        SHAPE_FIELDS(invoice_put)};

static const struct shape_field invoice[] = {
    {"invoiceId", PLAIN_TEXT},
    {"clinicId", PLAIN_TEXT},
    {"caseIds", .type = SHAPE_LIST, .required = true, .element = &text},
    {"amountMinor", AMOUNT},
    {"currency", PLAIN_TEXT},
    {"status", STATUS, .required = true},
    {"delivered", .type = SHAPE_OBJECT,
     .help = "Of what was delivered: time, receiver, and what shows it; else null."},
    {"updated", PLAIN_TIME},
};
const struct shape shape_invoice = {"Invoice", "What a clinic pays for cases.", SHAPE_FIELDS(invoice)};

static const struct shape_field one_invoice = {.type = SHAPE_OBJECT, .of = &shape_invoice};
static const struct shape_field invoice_page[] = {
    {"invoices", .type = SHAPE_LIST, .required = true, .element = &one_invoice, .help = "By their ids."},
    {"next", .type = SHAPE_TEXT, .help = "The cursor of the next page; null at the end."},
};
const struct shape shape_invoice_page = {"InvoicePage", "A page of invoices.", SHAPE_FIELDS(invoice_page)};

/* Notifications. */

static const struct shape_field notification[] = {
    {"id", PLAIN_TEXT, .help = "The webhook-id of every attempt, and the id of its event."},
    {"kind", PLAIN_TEXT, .help = "Such as pickup.rush, delivery.rush or dead_letter."},
    {"time", PLAIN_TIME},
    {"org", PLAIN_TEXT},
    {"detail", .type = SHAPE_OBJECT, .required = true},
    {"state", .type = SHAPE_WORD, .required = true, .words = "pending|sent|dead|kept",
     .help = "dead: given up after about a day; kept: there was no notify_url."},
    {"attempts", .type = SHAPE_WHOLE, .required = true},
    {"due", .type = SHAPE_TIME, .help = "Of the next attempt, while it is pending."},
    {"error", .type = SHAPE_TEXT, .help = "Of the last attempt; null if it did not fail."},
};
const struct shape shape_notification = {"Notification", "What the dispatcher is told.",
                                         SHAPE_FIELDS(notification)};

static const struct shape_field one_notification = {.type = SHAPE_OBJECT, .of = &shape_notification};
static const struct shape_field notification_page[] = {
    {"notifications", .type = SHAPE_LIST, .required = true, .element = &one_notification,
     .help = "In the order in which they came."},
    {"next", NEXT},
};
const struct shape shape_notification_page = {"NotificationPage", "A page of notifications.",
                                              SHAPE_FIELDS(notification_page)};

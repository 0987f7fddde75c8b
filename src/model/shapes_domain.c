/* Clinics, pickups, deliveries, invoices, and what the dispatcher is told. */
#include "model/shapes.h"

#define PLAIN_TEXT   .type = SHAPE_TEXT, .required = true
#define PLAIN_NUMBER .type = SHAPE_WHOLE, .required = true
#define PLAIN_TIME   .type = SHAPE_TIME, .required = true
#define ID           .type = SHAPE_TEXT, .required = true, .least = 1, .most = 200
#define TEXT(bytes)  .type = SHAPE_TEXT, .most = (bytes)

#define NEXT                                                                                                 \
    {                                                                                                        \
        "next", .type = SHAPE_WHOLE, .help = "The cursor of the next page; null at the end."                 \
    }
#define NEXT_ID                                                                                              \
    {                                                                                                        \
        "next", .type = SHAPE_TEXT, .help = "The cursor of the next page; null at the end."                  \
    }
#define PAGE(list, of)                                                                                       \
    {                                                                                                        \
        list, .type = SHAPE_LIST, .required = true, .element = &(of)                                         \
    }

static const struct shape_field text = {.type = SHAPE_TEXT, .required = true};

/* Clinics. */

static const struct shape_field coordinates[] = {
    {"lat", .type = SHAPE_NUMBER, .required = true, .least = -90, .most = 90},
    {"lng", .type = SHAPE_NUMBER, .required = true, .least = -180, .most = 180},
};
const struct shape shape_coordinates = {"Coordinates", "In degrees.", SHAPE_FIELDS(coordinates)};

static const struct shape_field opening[] = {
    {"open", .type = SHAPE_TEXT, .required = true, .least = 5, .most = 5, .help = "HH:MM"},
    {"close", .type = SHAPE_TEXT, .required = true, .least = 5, .most = 5, .help = "HH:MM, up to 24:00"},
};
const struct shape shape_opening = {"Opening", "A range of a day, by the clinic's own clocks.",
                                    SHAPE_FIELDS(opening)};

static const struct shape_field one_opening = {.type = SHAPE_OBJECT, .of = &shape_opening};
#define DAY(name)                                                                                            \
    {                                                                                                        \
        name, .type = SHAPE_LIST, .most = 24, .element = &one_opening                                        \
    }
static const struct shape_field operating_hours[] = {
    DAY("monday"), DAY("tuesday"),  DAY("wednesday"), DAY("thursday"),
    DAY("friday"), DAY("saturday"), DAY("sunday"),
};
const struct shape shape_operating_hours = {"OperatingHours", "A day that is null or not there is closed.",
                                            SHAPE_FIELDS(operating_hours)};

static const struct shape_field clinic[] = {
    {"clinicId", ID, .help = "As it is in the path."},
    {"name", .type = SHAPE_TEXT, .required = true, .least = 1, .most = 500},
    {"timezone", .type = SHAPE_TEXT, .required = true, .least = 1, .most = 64, .help = "Its IANA name."},
    {"coordinates", .type = SHAPE_OBJECT, .of = &shape_coordinates},
    {"address", .type = SHAPE_ANY, .help = "A text, or an object."},
    {"phone", TEXT(500)},
    {"contactEmail", TEXT(500)},
    {"operatingHours", .type = SHAPE_OBJECT, .of = &shape_operating_hours,
     .help = "Without them no pickup is refused for its time."},
};
const struct shape shape_clinic = {"Clinic", "A clinic. What else it holds is kept.", true,
                                   SHAPE_FIELDS(clinic)};

static const struct shape_field one_clinic = {.type = SHAPE_OBJECT, .of = &shape_clinic};
static const struct shape_field clinic_page[] = {PAGE("clinics", one_clinic), NEXT_ID};
const struct shape shape_clinic_page = {"ClinicPage", "A page of clinics.", SHAPE_FIELDS(clinic_page)};

const struct shape shape_clinic_list = {
    .name = "ClinicList",
    .help = "A list of clinics.",
    .keyword = "anyOf",
    .schema =
        "[{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"$ref\":\"#/components/schemas/Clinic\"}}]"};

static const struct shape_field import_result[] = {
    {"clinicId", .type = SHAPE_TEXT, .help = "null where there is none."},
    {"result", .type = SHAPE_WORD, .required = true, .words = "added|replaced|rejected"},
    {"errors", .type = SHAPE_LIST, .element = &text, .help = "All faults; they name fields, never values."},
};
const struct shape shape_import_result = {"ImportResult", "What became of one clinic.",
                                          SHAPE_FIELDS(import_result)};

static const struct shape_field one_import = {.type = SHAPE_OBJECT, .of = &shape_import_result};
static const struct shape_field import_results[] = {
    {"results", .type = SHAPE_LIST, .required = true, .element = &one_import,
     .help = "In the order of the clinics."},
    {"rejected", PLAIN_NUMBER},
};
const struct shape shape_import_results = {"ImportResults", "What became of each clinic.",
                                           SHAPE_FIELDS(import_results)};

/* Pickups. */

static const struct shape_field driver[] = {
    {"id", TEXT(200)},
    {"name", TEXT(200)},
    {"phone", TEXT(200)},
};
const struct shape shape_driver = {"Driver", "Who drives.", SHAPE_FIELDS(driver)};

static const struct shape_field window[] = {{"start", PLAIN_TIME}, {"end", PLAIN_TIME}};
const struct shape shape_window = {"Window", "When to come.", SHAPE_FIELDS(window)};

#define PICKUP_WORDS "Pending|Assigned|EnRoute|Arrived|Completed|Cancelled|Skipped"
#define DRIVER                                                                                               \
    {                                                                                                        \
        "driver", .type = SHAPE_OBJECT, .of = &shape_driver                                                  \
    }
#define ETA                                                                                                  \
    {                                                                                                        \
        "eta", .type = SHAPE_TIME, .help = "When the driver is expected."                                    \
    }
#define CHANGES                                                                                              \
    {"created", PLAIN_TIME},                                                                                 \
    {                                                                                                        \
        "updated", PLAIN_TIME                                                                                \
    }
#define SEQ                                                                                                  \
    {                                                                                                        \
        "seq", PLAIN_NUMBER, .help = "Of the event that changed it last; changes of its status are none."    \
    }

static const struct shape_field pickup[] = {
    {"pickupId", PLAIN_TEXT},
    {"origin", PLAIN_TEXT, .help = "The source that made it, and alone may change it."},
    {"clinicId", PLAIN_TEXT},
    {"labId", PLAIN_TEXT},
    {"status", .type = SHAPE_WORD, .required = true, .words = PICKUP_WORDS},
    {"priority", .type = SHAPE_WORD, .required = true, .words = "STANDARD|RUSH|EMERGENCY"},
    {"window", .type = SHAPE_OBJECT, .required = true, .of = &shape_window},
    {"series", .type = SHAPE_TEXT, .help = "The pickupId of the schedule that made it."},
    DRIVER,
    ETA,
    {"detail", .type = SHAPE_OBJECT, .required = true, .help = "What was asked for."},
    SEQ,
    CHANGES,
};
const struct shape shape_pickup = {"Pickup", "A pickup.", SHAPE_FIELDS(pickup)};

static const struct shape_field one_pickup = {.type = SHAPE_OBJECT, .of = &shape_pickup};
static const struct shape_field pickup_page[] = {PAGE("pickups", one_pickup), NEXT};
const struct shape shape_pickup_page = {"PickupPage", "A page of pickups.", SHAPE_FIELDS(pickup_page)};

const struct shape shape_pickup_or_confirmation = {
    .name = "PickupOrConfirmation",
    .help = "A pickup; with `as` an object in that vendor's words.",
    .keyword = "anyOf",
    .schema = "[{\"$ref\":\"#/components/schemas/Pickup\"},{\"type\":\"object\"}]"};

static const struct shape_field pickup_move[] = {
    {"status", .type = SHAPE_WORD, .required = true, .words = PICKUP_WORDS},
    DRIVER,
    ETA,
    {"origin", TEXT(200), .help = "Whose pickup, where several sources have one of that id."},
};
const struct shape shape_pickup_move = {"PickupMove", "What a pickup is to become.",
                                        SHAPE_FIELDS(pickup_move)};

/* Deliveries. */

#define DELIVERY_WORDS "Pending|InTransit|Delivered|Failed"

static const struct shape_field delivery_case[] = {
    {"caseId", PLAIN_TEXT},
    {"priority", .type = SHAPE_WORD, .required = true, .words = "STANDARD|RUSH|EMERGENCY"},
    {"detail", .type = SHAPE_OBJECT, .required = true,
     .help = "Of the event that made it ready, with its packageSpecs."},
};
const struct shape shape_delivery_case = {"DeliveryCase", "A case of a delivery.",
                                          SHAPE_FIELDS(delivery_case)};

static const struct shape_field one_case = {.type = SHAPE_OBJECT, .of = &shape_delivery_case};
#define DELIVERY                                                                                             \
    {"deliveryId", PLAIN_TEXT}, {"labId", PLAIN_TEXT}, {"clinicId", PLAIN_TEXT},                             \
        {"date", .type = SHAPE_DATE, .required = true},                                                      \
        {"status", .type = SHAPE_WORD, .required = true, .words = DELIVERY_WORDS},                           \
        {"priority", .type = SHAPE_WORD, .required = true, .words = "STANDARD|RUSH|EMERGENCY",               \
         .help = "The highest of its cases."},                                                               \
        {"notes", PLAIN_TEXT, .help = "Of its cases, a line each."}, DRIVER, ETA,                            \
        {"proof", .type = SHAPE_OBJECT, .help = "Who took it, when, and what shows it."}, SEQ, CHANGES

static const struct shape_field one_case_id = {.type = SHAPE_TEXT, .required = true};
static const struct shape_field delivery[] = {
    DELIVERY,
    {"caseIds", .type = SHAPE_LIST, .required = true, .element = &one_case_id,
     .help = "In the order in which they came."},
    {"cases", .type = SHAPE_LIST, .element = &one_case, .help = "Of one delivery; a page leaves them out."},
};
const struct shape shape_delivery = {"Delivery", "A delivery.", SHAPE_FIELDS(delivery)};

static const struct shape_field one_delivery = {.type = SHAPE_OBJECT, .of = &shape_delivery};
static const struct shape_field delivery_page[] = {PAGE("deliveries", one_delivery), NEXT};
const struct shape shape_delivery_page = {"DeliveryPage", "A page of deliveries.",
                                          SHAPE_FIELDS(delivery_page)};

static const struct shape_field delivery_move[] = {
    {"status", .type = SHAPE_WORD, .required = true, .words = DELIVERY_WORDS},
    DRIVER,
    ETA,
};
const struct shape shape_delivery_move = {"DeliveryMove", "What a delivery is to become.",
                                          SHAPE_FIELDS(delivery_move)};

/* Invoices. */

static const struct shape_field case_id = {.type = SHAPE_TEXT, .least = 1, .most = 200};
#define INVOICE_WORDS "Issued|Delivered|Paid|Void"
#define INVOICE                                                                                              \
    {"clinicId", ID},                                                                                        \
        {"caseIds", .type = SHAPE_LIST, .required = true, .least = 1, .most = 1000, .element = &case_id},    \
        {"amountMinor", .type = SHAPE_WHOLE,   .required = true,                                             \
         .least = 0,    .most = 1000000000000, .help = "In the currency's smallest unit."},                  \
    {                                                                                                        \
        "currency", .type = SHAPE_TEXT, .required = true, .least = 3, .most = 3,                             \
                    .help = "ISO 4217, such as USD."                                                         \
    }

static const struct shape_field invoice_put[] = {
    INVOICE,
    {"status", .type = SHAPE_WORD, .words = INVOICE_WORDS,
     .help = "Issued unless given. One that was delivered stays so if it is put as Issued."},
};
const struct shape shape_invoice_put = {"InvoicePut", "An invoice as it should be.",
                                        SHAPE_FIELDS(invoice_put)};

static const struct shape_field invoice[] = {
    {"invoiceId", PLAIN_TEXT},
    INVOICE,
    {"status", .type = SHAPE_WORD, .required = true, .words = INVOICE_WORDS},
    {"delivered", .type = SHAPE_OBJECT, .help = "Proof, receiver and time, once its cases were delivered."},
    {"updated", PLAIN_TIME},
};
const struct shape shape_invoice = {"Invoice", "An invoice.", SHAPE_FIELDS(invoice)};

static const struct shape_field one_invoice = {.type = SHAPE_OBJECT, .of = &shape_invoice};
static const struct shape_field invoice_page[] = {PAGE("invoices", one_invoice), NEXT_ID};
const struct shape shape_invoice_page = {"InvoicePage", "A page of invoices.", SHAPE_FIELDS(invoice_page)};

/* Notifications. */

static const struct shape_field notification[] = {
    {"id", PLAIN_TEXT, .help = "Also the webhook-id it is sent under, and its event's id."},
    {"kind", PLAIN_TEXT},
    {"time", PLAIN_TIME},
    {"org", PLAIN_TEXT},
    {"detail", .type = SHAPE_OBJECT, .required = true},
    {"state", .type = SHAPE_WORD, .required = true, .words = "pending|sent|dead|kept",
     .help = "kept: there is no notify_url."},
    {"attempts", PLAIN_NUMBER},
    {"due", .type = SHAPE_TIME, .help = "Of the next attempt, while it is pending."},
    {"error", .type = SHAPE_TEXT, .help = "Of the last attempt."},
};
const struct shape shape_notification = {"Notification", "What the dispatcher is told.",
                                         SHAPE_FIELDS(notification)};

static const struct shape_field one_notification = {.type = SHAPE_OBJECT, .of = &shape_notification};
static const struct shape_field notification_page[] = {PAGE("notifications", one_notification), NEXT};
const struct shape shape_notification_page = {"NotificationPage", "A page of notifications.",
                                              SHAPE_FIELDS(notification_page)};

/* Tables of what is published, and the few rules that no table says. */
#include "model/detail.h"

#include "base/time.h"
#include "model/geohash.h"
#include "model/schedule.h"
#include "model/shapes.h"

#define ID    .type = SHAPE_TEXT, .least = 1, .most = 200
#define LINE  .type = SHAPE_TEXT, .least = 0, .most = 500
#define NOTES .type = SHAPE_TEXT, .least = 0, .most = 10000
#define URL   .type = SHAPE_TEXT, .least = 1, .most = 2000
#define FROM0 .type = SHAPE_NUMBER, .least = 0, .most = 1000000

/* PickupRequested. */

static const struct shape_field clock_fields[] = {
    {"start", .type = SHAPE_CLOCK, .required = true, .help = "On the clinic's clock."},
    {"end", .type = SHAPE_CLOCK, .required = true, .help = "Later than the start."},
};
const struct shape shape_time_window = {"TimeWindow", "A span of a day.", SHAPE_FIELDS(clock_fields)};

static const struct shape_field weekday = {NULL, .type = SHAPE_WHOLE, .least = 0, .most = 6};

static const struct shape_field schedule_fields[] = {
    {"frequency", .type = SHAPE_WORD, .required = true, .words = "DAILY|WEEKLY|BIWEEKLY"},
    {"daysOfWeek", .type = SHAPE_LIST, .least = 0, .most = 7, .element = &weekday,
     .help = "0 is Sunday; WEEKLY and BIWEEKLY need at least one."},
    {"timeWindow", .type = SHAPE_OBJECT, .required = true, .of = &shape_time_window},
};
const struct shape shape_recurring_schedule = {"RecurringSchedule",
                                               "Pickups for the next 90 days, on the clinic's clock.",
                                               SHAPE_FIELDS(schedule_fields)};

static const struct shape_field requester_fields[] = {
    {"name", LINE},
    {"phone", LINE},
    {"userId", LINE},
};
const struct shape shape_requested_by = {"RequestedBy", "Who asked for a pickup.", true,
                                         SHAPE_FIELDS(requester_fields)};

static const struct shape_field metadata_fields[] = {
    {"preferredTime", .type = SHAPE_TIME,
     .help = "Must lie within the clinic's hours, to which the window is then clipped."},
    {"externalId", LINE, .help = "What the asking system knows the pickup by."},
};
const struct shape shape_pickup_metadata = {"PickupMetadata", "What else is known of a pickup.", true,
                                            SHAPE_FIELDS(metadata_fields)};

static const struct shape_field pickup_fields[] = {
    {"pickupId", ID, .required = true, .help = "The same one again changes the pickup while it is Pending."},
    {"clinicId", ID, .required = true},
    {"labId", ID},
    {"windowStart", .type = SHAPE_TIME, .required = true},
    {"windowEnd", .type = SHAPE_TIME, .required = true, .help = "Later than the start."},
    {"isRush", .type = SHAPE_BOOL},
    {"packageCount", .type = SHAPE_WHOLE, .least = 1, .most = 10000},
    {"notes", NOTES},
    {"requestedBy", .type = SHAPE_OBJECT, .of = &shape_requested_by},
    {"requestTime", .type = SHAPE_TIME},
    {"metadata", .type = SHAPE_OBJECT, .of = &shape_pickup_metadata},
    {"recurringSchedule", .type = SHAPE_OBJECT, .of = &shape_recurring_schedule},
};
const struct shape shape_pickup_requested = {"PickupRequested", "The detail of a request for a pickup.", true,
                                             SHAPE_FIELDS(pickup_fields)};

/* CaseReadyToShip. */

static const struct shape_field dimension_fields[] = {
    {"length", FROM0},
    {"width", FROM0},
    {"height", FROM0},
};
const struct shape shape_dimensions = {"Dimensions", "In cm.", true, SHAPE_FIELDS(dimension_fields)};

static const struct shape_field package_fields[] = {
    {"weight", FROM0, .help = "In kg."},       {"dimensions", .type = SHAPE_OBJECT, .of = &shape_dimensions},
    {"fragile", .type = SHAPE_BOOL},           {"temperatureControlled", .type = SHAPE_BOOL},
    {"requiresSignature", .type = SHAPE_BOOL},
};
const struct shape shape_package_specs = {"PackageSpecs", "What a case is shipped as.", true,
                                          SHAPE_FIELDS(package_fields)};

static const struct shape_field case_fields[] = {
    {"caseId", ID, .required = true},
    {"labId", ID, .required = true},
    {"clinicId", ID, .required = true},
    {"patientName", LINE},
    {"completedAt", .type = SHAPE_TIME},
    {"packageSpecs", .type = SHAPE_OBJECT, .of = &shape_package_specs},
    {"priority", .type = SHAPE_WORD, .words = "STANDARD|RUSH|EMERGENCY",
     .help = "STANDARD unless it is said."},
    {"requestedDeliveryDate", .type = SHAPE_DATE, .required = true},
    {"notes", NOTES},
};
const struct shape shape_case_ready = {"CaseReadyToShip", "The detail of a case that is finished.", true,
                                       SHAPE_FIELDS(case_fields)};

/* DeliveryCompleted. */

static const struct shape_field driver_fields[] = {
    {"driverId", LINE},
    {"driverName", LINE},
};
const struct shape shape_delivered_by = {"DeliveredBy", "Who drove.", true, SHAPE_FIELDS(driver_fields)};

static const struct shape_field receiver_fields[] = {
    {"name", .type = SHAPE_TEXT, .required = true, .least = 1, .most = 500},
    {"title", LINE},
};
const struct shape shape_received_by = {"ReceivedBy", "Who took the delivery.", true,
                                        SHAPE_FIELDS(receiver_fields)};

static const struct shape_field proof_fields[] = {
    {"signatureUrl", URL, .required = true},
    {"photoUrl", URL},
    {"verificationCode", LINE},
    {"geoHash", .type = SHAPE_TEXT, .least = 1, .most = GEOHASH_MAX},
};
const struct shape shape_proof_of_delivery = {"ProofOfDelivery", "What shows that it was delivered.", true,
                                              SHAPE_FIELDS(proof_fields)};

static const struct shape_field case_id = {NULL, ID};

static const struct shape_field delivery_fields[] = {
    {"stopId", LINE},
    {"routeId", LINE},
    {"caseIds", .type = SHAPE_LIST, .required = true, .least = 1, .most = 1000, .element = &case_id},
    {"clinicId", ID, .required = true},
    {"deliveredAt", .type = SHAPE_TIME, .required = true},
    {"deliveredBy", .type = SHAPE_OBJECT, .of = &shape_delivered_by},
    {"receivedBy", .type = SHAPE_OBJECT, .of = &shape_received_by},
    {"proofOfDelivery", .type = SHAPE_OBJECT, .required = true, .of = &shape_proof_of_delivery},
};
const struct shape shape_delivery_completed = {"DeliveryCompleted", "The detail of a stop that is done.",
                                               true, SHAPE_FIELDS(delivery_fields)};

const struct detail_kind detail_kinds[DETAIL_KINDS] = {
    {SPAN("crm.portal"), SPAN("PickupRequested"), &shape_pickup_requested, 32768},
    {SPAN("cases.production"), SPAN("CaseReadyToShip"), &shape_case_ready, 32768},
    {SPAN("logistics.driver"), SPAN("DeliveryCompleted"), &shape_delivery_completed, 1048576},
};

/* What no table says; of a detail that is as its table says. */

/* schedule_read names its fields from the detail on. */
static void check_schedule(const struct json *schedule, struct faults *faults)
{
    struct schedule read;
    struct faults found CLEANUP(faults_free) = {0};
    if (json_kind(schedule) == JSON_ABSENT || schedule_read(schedule, &read, &found))
        return;
    for (size_t i = 0; i < found.count; i++) {
        struct span field = span_of(found.texts[i]);
        struct span what = span_cut(&field, ' ');
        faults_add(faults, "%.*s detail.%.*s", (int)what.len, what.at, (int)field.len, field.at);
    }
}

static void check_window(const struct json *detail, struct faults *faults)
{
    int64_t start, end;
    if (time_parse(json_str(json_get(detail, "windowStart")), NULL, &start) &&
        time_parse(json_str(json_get(detail, "windowEnd")), NULL, &end) && end <= start)
        faults_add(faults, "Invalid detail.windowEnd: is not later than windowStart");
}

static void check_place(const struct json *proof, struct faults *faults)
{
    struct geo_cell cell;
    const struct json *hash = json_get(proof, "geoHash");
    if (json_kind(hash) != JSON_ABSENT && !geohash_read(json_str(hash), &cell))
        faults_add(faults, "Invalid detail.proofOfDelivery.geoHash");
}

static const struct detail_kind *find(struct span source, struct span type)
{
    for (size_t i = 0; i < DETAIL_KINDS; i++)
        if (span_is(detail_kinds[i].source, source) && span_is(detail_kinds[i].type, type))
            return &detail_kinds[i];
    return NULL;
}

size_t detail_most(struct span source, struct span type, size_t otherwise)
{
    const struct detail_kind *kind = find(source, type);
    return kind != NULL ? kind->most : otherwise;
}

const struct shape *detail_shape(struct span source, struct span type)
{
    const struct detail_kind *kind = find(source, type);
    return kind != NULL ? kind->shape : &shape_pickup_requested;
}

bool detail_check(struct span source, struct span type, const struct json *envelope, struct faults *faults)
{
    size_t before = faults->count;
    const struct detail_kind *kind = find(source, type);
    const struct json *detail = json_get(envelope, "detail");
    if (kind == NULL)
        return true;
    struct shape_field field = {"detail", SHAPE_OBJECT, true, .of = kind->shape};
    struct shape around = {.open = true, .fields = &field, .count = 1};
    if (!shape_check(&around, envelope, faults))
        return false;
    check_window(detail, faults);
    check_schedule(json_get(detail, "recurringSchedule"), faults);
    check_place(json_get(detail, "proofOfDelivery"), faults);
    return faults->count == before;
}

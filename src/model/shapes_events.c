/* Publishing, and looking at events and at quarantine. */
#include "model/publish.h"
#include "model/shapes.h"

#define PLAIN_TEXT   .type = SHAPE_TEXT, .required = true
#define PLAIN_NUMBER .type = SHAPE_WHOLE, .required = true
#define PLAIN_TIME   .type = SHAPE_TIME, .required = true

#define NEXT                                                                                                 \
    {                                                                                                        \
        "next", .type = SHAPE_WHOLE, .help = "The cursor of the next page; null at the end."                 \
    }

#define DIGITS(number)  DIGITS_(number)
#define DIGITS_(number) #number
#define REFERENCE(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

static const struct shape_field text = {.type = SHAPE_TEXT, .required = true};

#define ERRORS                                                                                               \
    {                                                                                                        \
        "errors", .type = SHAPE_LIST, .required = true, .element = &text,                                    \
                  .help = "All faults; they name fields, never values."                                      \
    }

/* Publishing. */

const struct shape shape_publish = {
    .name = "Publish",
    .help = "An event, or a list of events.",
    .keyword = "oneOf",
    .schema = "[" REFERENCE("TypedEnvelope") ",{\"type\":\"array\",\"maxItems\":" DIGITS(
        PUBLISH_BATCH_MAX) ",\"items\":" REFERENCE("TypedEnvelope") "}]"};

/* As the table in src/model/detail.c has it. */
#define TYPED(source, type)                                                                                  \
    "{\"if\":{\"properties\":{\"source\":{\"const\":\"" source "\"},\"detailType\":{\"const\":\"" type       \
    "\"}}},\"then\":{\"properties\":{\"detail\":" REFERENCE(type) "}}}"
const struct shape shape_typed_envelope = {
    .name = "TypedEnvelope",
    .help = "An event that is published, with the detail that goes with its source and type.",
    .keyword = "allOf",
    .schema = "[" REFERENCE("Envelope") "," TYPED("crm.portal", "PickupRequested") "," TYPED(
        "cases.production", "CaseReadyToShip") "," TYPED("logistics.driver", "DeliveryCompleted") "]"};

static const struct shape_field envelope[] = {
    {"id", .type = SHAPE_TEXT, .least = 1, .most = PUBLISH_ID_MAX,
     .help = "The publisher's own key: the event is known by its organization, source and id. Without one "
             "every event is new."},
    {"source", .type = SHAPE_TEXT, .required = true, .least = 3, .most = PUBLISH_SOURCE_MAX,
     .help = "Two or more words of a-z, 0-9, _ and -, with dots between them; not ehr.ANYTHING, "
             "pickupd.ANYTHING, logistics.pickups, logistics.deliveries or finance.billing."},
    {"detailType", .type = SHAPE_TEXT, .required = true, .least = 1, .most = PUBLISH_TYPE_MAX},
    {"time", .type = SHAPE_TIME, .help = "When it happened; the time of its arrival unless given."},
    {"detail", .type = SHAPE_OBJECT, .required = true,
     .help = "As PickupRequested of crm.portal, CaseReadyToShip of cases.production or DeliveryCompleted of "
             "logistics.driver; of any other source and type anything."},
};
const struct shape shape_envelope = {"Envelope", "An event that is published.", true, SHAPE_FIELDS(envelope)};

static const struct shape_field publish_result[] = {
    {"result", .type = SHAPE_WORD, .required = true, .words = "stored|duplicate|rejected"},
    {"eventId", .type = SHAPE_TEXT, .help = "Of what is stored; not of what is rejected."},
    {"seq", .type = SHAPE_WHOLE, .help = "Of what was stored just now."},
    {"errors", .type = SHAPE_LIST, .element = &text,
     .help = "All faults of what is rejected; they name fields, never values."},
};
const struct shape shape_publish_result = {"PublishResult", "What became of one event.",
                                           SHAPE_FIELDS(publish_result)};

static const struct shape_field one_result = {.type = SHAPE_OBJECT, .of = &shape_publish_result};
static const struct shape_field publish_results[] = {
    {"results", .type = SHAPE_LIST, .required = true, .element = &one_result,
     .help = "In the order of the events."},
    {"stored", PLAIN_NUMBER},
    {"duplicates", PLAIN_NUMBER},
    {"rejected", PLAIN_NUMBER},
};
const struct shape shape_publish_results = {"PublishResults", "What became of a list of events.",
                                            SHAPE_FIELDS(publish_results)};

const struct shape shape_published = {.name = "Published",
                                      .help = "A result, or a list of them for a list of events.",
                                      .keyword = "oneOf",
                                      .schema =
                                          "[" REFERENCE("PublishResult") "," REFERENCE("PublishResults") "]"};

/* Events. */

static const struct shape_field one_event = {.type = SHAPE_OBJECT, .of = &shape_event};
static const struct shape_field event_page[] = {
    {"events", .type = SHAPE_LIST, .required = true, .element = &one_event},
    {"next", .type = SHAPE_WHOLE,
     .help = "The cursor of the next page, which may be empty and still have a next one, as a page looks at "
             "so many events at most; null at the end."},
};
const struct shape shape_event_page = {"EventPage", "A page of the log.", SHAPE_FIELDS(event_page)};

static const struct shape_field one_attempt = {.type = SHAPE_OBJECT, .of = &shape_attempt};
static const struct shape_field event_step[] = {
    {"consumer", PLAIN_TEXT, .help = "Its name."},
    {"state", .type = SHAPE_WORD, .required = true, .words = "notWanted|notReached|leased|waiting|dead|done",
     .help = "notWanted: its filter does not let the event through; waiting: for its next attempt."},
    {"attempts", .type = SHAPE_WHOLE, .help = "Of what is leased, waiting or dead, as all below."},
    {"worker", .type = SHAPE_TEXT, .help = "Who had the last lease."},
    {"due", .type = SHAPE_TIME, .help = "When the lease ends, when it is tried again, or when it died."},
    {"history", .type = SHAPE_LIST, .element = &one_attempt,
     .help = "The last 20 attempts that failed, oldest first."},
};
const struct shape shape_event_step = {"EventStep", "What one consumer has made of an event.",
                                       SHAPE_FIELDS(event_step)};

static const struct shape_field one_step = {.type = SHAPE_OBJECT, .of = &shape_event_step};
static const struct shape_field event_way[] = {
    {"event", .type = SHAPE_OBJECT, .required = true, .of = &shape_event},
    {"consumers", .type = SHAPE_LIST, .required = true, .element = &one_step,
     .help = "By their names, the flows last."},
};
const struct shape shape_event_way = {"EventWay", "An event and its way.", SHAPE_FIELDS(event_way)};

static const struct shape_field cloud_event[] = {
    {"specversion", .type = SHAPE_WORD, .required = true, .words = "1.0"},
    {"id", PLAIN_TEXT},
    {"source", PLAIN_TEXT},
    {"type", PLAIN_TEXT, .help = "The detailType."},
    {"time", PLAIN_TIME},
    {"sequence", PLAIN_TEXT, .help = "The seq as 19 digits."},
    {"origin", PLAIN_TEXT},
    {"datacontenttype", .type = SHAPE_TEXT},
    {"data", .type = SHAPE_OBJECT, .help = "The detail; absent once it has been purged."},
};
const struct shape shape_cloud_event = {"CloudEvent", "An event as CloudEvents 1.0 has it.",
                                        SHAPE_FIELDS(cloud_event)};

/* Quarantine. */

#define ROW                                                                                                  \
    {"id", PLAIN_TEXT, .help = "The id that the event will have."}, {"origin", PLAIN_TEXT},                  \
        {"firstSeen", PLAIN_TIME}, {"lastSeen", PLAIN_TIME},                                                 \
        {"count", PLAIN_NUMBER, .help = "How often it came."}, ERRORS,                                       \
    {                                                                                                        \
        "bytes", PLAIN_NUMBER, .help = "Of its body."                                                        \
    }

static const struct shape_field quarantine_row[] = {ROW};
const struct shape shape_quarantine_row = {"QuarantineRow", "A webhook that could not be mapped.",
                                           SHAPE_FIELDS(quarantine_row)};

static const struct shape_field one_row = {.type = SHAPE_OBJECT, .of = &shape_quarantine_row};
static const struct shape_field quarantine_page[] = {
    {"quarantine", .type = SHAPE_LIST, .required = true, .element = &one_row,
     .help = "In the order in which they came."},
    NEXT,
};
const struct shape shape_quarantine_page = {"QuarantinePage", "A page of quarantine.",
                                            SHAPE_FIELDS(quarantine_page)};

static const struct shape_field quarantined[] = {
    ROW,
    {"head", .type = SHAPE_OBJECT, .help = "What the definition saw of the request's head."},
    {"body", .type = SHAPE_TEXT, .help = "null if it is no UTF-8."},
    {"bodyBase64", PLAIN_TEXT},
};
const struct shape shape_quarantined = {"Quarantined", "A webhook that could not be mapped, whole.",
                                        SHAPE_FIELDS(quarantined)};

static const struct shape_field quarantine_result[] = {
    {"id", PLAIN_TEXT},
    {"result", .type = SHAPE_WORD, .required = true,
     .words = "stored|stored in part|duplicate|ignored|still faulty|unknown source|not found|not now"},
    ERRORS,
};
const struct shape shape_quarantine_result = {"QuarantineResult", "What became of a webhook.",
                                              SHAPE_FIELDS(quarantine_result)};

static const struct shape_field one_retried = {.type = SHAPE_OBJECT, .of = &shape_quarantine_result};
static const struct shape_field quarantine_results[] = {
    {"results", .type = SHAPE_LIST, .required = true, .element = &one_retried, .help = "Of the first 1,000."},
    {"tried", PLAIN_NUMBER},
    {"failed", PLAIN_NUMBER, .help = "How many are still in quarantine."},
};
const struct shape shape_quarantine_results = {"QuarantineResults", "What became of all of them.",
                                               SHAPE_FIELDS(quarantine_results)};

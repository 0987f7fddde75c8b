/* Problems, tokens, events, consumers. */
#include "model/shapes.h"

#define TEXTS                                                                                                \
    {                                                                                                        \
        .type = SHAPE_TEXT, .least = 1, .most = 200                                                          \
    }
#define PLAIN_TEXT   .type = SHAPE_TEXT, .required = true
#define PLAIN_NUMBER .type = SHAPE_WHOLE, .required = true

const struct shape *const shapes[] = {
#define SHAPE(name) &shape_##name,
#include "tbl/shape.h"
};

const size_t shape_count = sizeof shapes / sizeof shapes[0];

const struct shape shape_none = {.name = "None", .help = "Nothing."};
const struct shape shape_any = {.name = "Any", .help = "Any JSON object.", .open = true};

static const struct shape_field text = TEXTS;
static const struct shape_field fault = {.type = SHAPE_TEXT};

static const struct shape_field problem[] = {
    {"type", PLAIN_TEXT, .help = "about:blank: the status says it all."},
    {"title", PLAIN_TEXT, .help = "What kind of problem it is."},
    {"status", PLAIN_NUMBER, .help = "The HTTP status."},
    {"detail", .type = SHAPE_TEXT, .help = "What is wrong with this request."},
    {"requestId", .type = SHAPE_TEXT, .help = "What the log calls the request, as X-Request-Id does."},
    {"errors", .type = SHAPE_LIST, .element = &fault,
     .help = "All faults at once; they name fields, never values."},
};
const struct shape shape_problem = {"Problem", "Why a request was refused (RFC 9457).",
                                    SHAPE_FIELDS(problem)};

static const struct shape_field probe[] = {
    {"status", .type = SHAPE_WORD, .required = true, .words = "ok|ready"},
};
const struct shape shape_probe = {"Probe", "All is well.", SHAPE_FIELDS(probe)};

static const struct shape_field whoami[] = {
    {"name", PLAIN_TEXT, .help = "The token's name in the configuration."},
    {"role", .type = SHAPE_WORD, .required = true, .words = "read|work|publish|admin"},
    {"org", PLAIN_TEXT, .help = "The organization it is for."},
};
const struct shape shape_whoami = {"Whoami", "What a token may do.", SHAPE_FIELDS(whoami)};

static const struct shape_field event[] = {
    {"id", PLAIN_TEXT, .help = "32 hexadecimal digits; the same for the same event, always and everywhere."},
    {"seq", PLAIN_NUMBER, .help = "Where it stands in the log."},
    {"source", PLAIN_TEXT, .help = "ehr.VENDOR, or what its publisher said."},
    {"origin", PLAIN_TEXT, .help = "The configured source it came from; of a published event its source."},
    {"detailType", PLAIN_TEXT},
    {"time", .type = SHAPE_TIME, .required = true,
     .help = "When it first arrived, or what its publisher said."},
    {"detail", .type = SHAPE_OBJECT, .help = "null once it has been purged."},
};
const struct shape shape_event = {"Event", "An event of the log.", SHAPE_FIELDS(event)};

/* Consumers. */

#define FILTER(list, of)                                                                                     \
    {                                                                                                        \
        list, .type = SHAPE_LIST, .most = 64, .element = &text,                                              \
              .help = "Only events of these " of "; empty for all."                                          \
    }
#define FILTERS                                                                                              \
    FILTER("detailTypes", "types"), FILTER("sources", "envelope sources"), FILTER("origins", "origins")
#define ATTEMPTS                                                                                             \
    {                                                                                                        \
        "maxAttempts", .type = SHAPE_WHOLE, .least = 1, .most = 1000,                                        \
                       .help = "Attempts before an event becomes a dead letter; 10 unless given."            \
    }
#define LEASE                                                                                                \
    {                                                                                                        \
        "leaseSeconds", .type = SHAPE_WHOLE, .least = 1, .most = 86400,                                      \
                        .help = "How long a claim holds; 60 unless given."                                   \
    }

static const struct shape_field consumer_put[] = {
    FILTERS,
    {"from", .type = SHAPE_FROM, .words = "start|now",
     .help = "Where it begins; counts at creation only. now unless given."},
    ATTEMPTS,
    LEASE,
};
const struct shape shape_consumer_put = {"ConsumerPut", "A consumer as it should be.",
                                         SHAPE_FIELDS(consumer_put)};

#define TERMS                                                                                                \
    {"name", PLAIN_TEXT}, FILTERS,                                                                           \
        {"cursor", PLAIN_NUMBER, .help = "The log was looked through up to this seq."}, ATTEMPTS, LEASE,     \
        {"paused", .type = SHAPE_BOOL, .required = true},                                                    \
    {                                                                                                        \
        "created", .type = SHAPE_TIME, .help = "null of the built-in flows."                                 \
    }

static const struct shape_field consumer_terms[] = {TERMS};
const struct shape shape_consumer_terms = {"ConsumerTerms", "A consumer.", SHAPE_FIELDS(consumer_terms)};

static const struct shape_field consumer[] = {
    TERMS,
    {"lag", PLAIN_NUMBER, .help = "Events of the log behind its cursor, whether it wants them or not."},
    {"inFlight", PLAIN_NUMBER, .help = "Events on a lease."},
    {"waiting", PLAIN_NUMBER, .help = "Events to be tried again."},
    {"dead", PLAIN_NUMBER, .help = "Events it has given up."},
    {"oldestWaiting", .type = SHAPE_TIME,
     .help = "The time of the oldest event that is neither acked nor dead."},
    {"seen", .type = SHAPE_TIME, .help = "When it last claimed, was made or changed, or was set back."},
    {"missed", PLAIN_NUMBER,
     .help = "Events it wanted that were purged while it was silent for more than 30 days."},
};
const struct shape shape_consumer = {"Consumer", "A consumer, and how far it is.", SHAPE_FIELDS(consumer)};

static const struct shape_field one_consumer = {.type = SHAPE_OBJECT, .of = &shape_consumer};
static const struct shape_field consumer_list[] = {
    {"consumers", .type = SHAPE_LIST, .required = true, .element = &one_consumer},
};
const struct shape shape_consumer_list = {"ConsumerList", "All consumers.", SHAPE_FIELDS(consumer_list)};

static const struct shape_field consumer_replay[] = {
    {"from", .type = SHAPE_FROM, .required = true, .words = "start|now",
     .help = "The first seq to be given again."},
};
const struct shape shape_consumer_replay = {"Replay", "Where to begin again.", SHAPE_FIELDS(consumer_replay)};

/* Claims. */

static const struct shape_field claim[] = {
    {"worker", .type = SHAPE_TEXT, .required = true, .least = 1, .most = 200,
     .help = "Who claims, for people to read."},
    {"max", .type = SHAPE_WHOLE, .least = 1, .most = 1000, .help = "Events at most; 1 unless given."},
    {"waitSeconds", .type = SHAPE_WHOLE, .least = 0, .most = 60,
     .help = "How long to wait for the first; 0 unless given."},
    {"maxBytes", .type = SHAPE_WHOLE, .least = 1, .most = 8388608,
     .help = "Bytes of all details together; one alone may be larger. 8 MiB unless given."},
};
const struct shape shape_claim = {"ClaimOrder", "What to claim.", SHAPE_FIELDS(claim)};

static const struct shape_field claimed[] = {
    {"lease", PLAIN_TEXT, .help = "To ack, nack and extend it by."},
    {"attempt", PLAIN_NUMBER, .help = "1 for the first."},
    {"leaseUntil", .type = SHAPE_TIME, .required = true},
    {"event", .type = SHAPE_OBJECT, .required = true, .of = &shape_event},
};
const struct shape shape_claimed = {"Claim", "An event on a lease.", SHAPE_FIELDS(claimed)};

static const struct shape_field one_claimed = {.type = SHAPE_OBJECT, .of = &shape_claimed};
static const struct shape_field claims[] = {
    {"claims", .type = SHAPE_LIST, .required = true, .element = &one_claimed,
     .help = "In the order of the log."},
    {"more", .type = SHAPE_BOOL, .required = true, .help = "Whether there may be more to claim just now."},
};
const struct shape shape_claims = {"Claims", "What was claimed.", SHAPE_FIELDS(claims)};

static const struct shape_field lease = {.type = SHAPE_TEXT, .least = 1, .most = 39};
#define LEASES                                                                                               \
    {                                                                                                        \
        "leases", .type = SHAPE_LIST, .required = true, .least = 1, .most = 1000, .element = &lease          \
    }

static const struct shape_field ack[] = {LEASES};
const struct shape shape_ack = {"Ack", "What is done.", SHAPE_FIELDS(ack)};

static const struct shape_field nack[] = {
    LEASES,
    {"error", .type = SHAPE_TEXT, .most = 1000, .help = "Why, for people to read; kept with the event."},
    {"retryAfterSeconds", .type = SHAPE_WHOLE, .least = 0, .most = 604800,
     .help = "When to try again. Unless given, later after each attempt: 1 s, 2 s, 4 s ... up to an hour, "
             "less up to half."},
    {"permanent", .type = SHAPE_BOOL, .help = "It will never work: it becomes a dead letter at once."},
};
const struct shape shape_nack = {"Nack", "What has failed.", SHAPE_FIELDS(nack)};

static const struct shape_field extend[] = {
    LEASES,
    {"leaseSeconds", .type = SHAPE_WHOLE, .least = 1, .most = 86400,
     .help = "How long from now; the consumer's leaseSeconds unless given."},
};
const struct shape shape_extend = {"Extend", "What is to be kept for longer.", SHAPE_FIELDS(extend)};

static const struct shape_field lease_result[] = {
    {"lease", PLAIN_TEXT},
    {"result", .type = SHAPE_WORD, .required = true, .words = "acked|retry|dead|extended|expired",
     .help = "expired: the lease has ended, was given to another, or never was."},
};
const struct shape shape_lease_result = {"LeaseResult", "What became of one lease.",
                                         SHAPE_FIELDS(lease_result)};

static const struct shape_field one_result = {.type = SHAPE_OBJECT, .of = &shape_lease_result};
static const struct shape_field lease_results[] = {
    {"results", .type = SHAPE_LIST, .required = true, .element = &one_result,
     .help = "In the order they were given."},
};
const struct shape shape_lease_results = {"LeaseResults", "A result for each lease.",
                                          SHAPE_FIELDS(lease_results)};

static const struct shape_field attempt[] = {
    {"attempt", PLAIN_NUMBER},
    {"at", .type = SHAPE_TIME, .required = true},
    {"worker", PLAIN_TEXT},
    {"error", PLAIN_TEXT},
    {"more", .type = SHAPE_OBJECT, .help = "Beside the error, such as the next window that would fit."},
};
const struct shape shape_attempt = {"Attempt", "An attempt that failed.", SHAPE_FIELDS(attempt)};

static const struct shape_field one_attempt = {.type = SHAPE_OBJECT, .of = &shape_attempt};
static const struct shape_field dead_letter[] = {
    {"event", .type = SHAPE_OBJECT, .required = true, .of = &shape_event},
    {"attempts", PLAIN_NUMBER},
    {"died", .type = SHAPE_TIME, .required = true},
    {"history", .type = SHAPE_LIST, .required = true, .element = &one_attempt,
     .help = "The last 20 attempts, oldest first."},
};
const struct shape shape_dead_letter = {"DeadLetter", "An event that was given up.",
                                        SHAPE_FIELDS(dead_letter)};

static const struct shape_field one_letter = {.type = SHAPE_OBJECT, .of = &shape_dead_letter};
static const struct shape_field dead_letters[] = {
    {"deadLetters", .type = SHAPE_LIST, .required = true, .element = &one_letter},
    {"next", .type = SHAPE_WHOLE, .help = "The cursor of the next page; null at the end."},
};
const struct shape shape_dead_letters = {"DeadLetters", "A page of dead letters.",
                                         SHAPE_FIELDS(dead_letters)};

static const struct shape_field retried[] = {
    {"retried", PLAIN_NUMBER, .help = "How many there were."},
};
const struct shape shape_retried = {"Retried", "How many are tried again.", SHAPE_FIELDS(retried)};

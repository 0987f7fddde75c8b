/*
 * What people may do to consumers and see of them, whoever asks: the private API, or `pickupd consumers` with
 * a running server or without one. What is refused is refused here.
 */
#ifndef PICKUPD_FLOW_CONSUMERS_H
#define PICKUPD_FLOW_CONSUMERS_H

#include "base/json.h"
#include "flow/caller.h"
#include "store/claims.h"

#define CONSUMERS_BUILT_IN "flows is built in: it has no workers, and can't be changed"
#define CONSUMERS_NOW      INT64_MAX /* a `from`: behind the newest event */
/* Dead letters tried again in one go, so that webhooks do not wait for long. */
#define CONSUMERS_REVIVED 1000

/* 1 to 64 of a-z, 0-9, _ and -. */
bool consumers_is_name(struct span name);

bool consumers_is_flows(struct span name);

/* The one of that org; or the flows, which are everybody's to look at. Copied into the arena. ERR_NOT_FOUND.
 */
MUST enum err consumers_find(struct view *view, struct arena *arena, struct span org, struct span name,
                             struct consumer *consumer);

/* Looking. */

/* The flows, as far as they are of that org, and the org's own; spans are valid during the call. */
typedef void consumers_fn(void *arg, const struct consumer *consumer, const struct consumer_state *state);
MUST enum err consumers_each(struct view *view, struct span org, consumers_fn *row, void *arg);

/* The one that consumers_find finds. ERR_NOT_FOUND. */
MUST enum err consumers_look(struct view *view, struct span org, struct span name, consumers_fn *row,
                             void *arg);

/* Adds the members of an object: its terms, and unless the state is NULL how far it is. */
void consumers_write(struct buf *out, const struct consumer *consumer, const struct consumer_state *state);

/* Changing. */

/* The seq that the member `from` of an object stands for; CONSUMERS_NOW if there is none. */
int64_t consumers_from(const struct json *object);

/* The same of an object that somebody has sent; false if it is not what a replay takes. */
MUST bool consumers_read_from(const struct json *object, int64_t *from);

/* For calls: the cursor of who begins there. */
int64_t consumers_cursor(const struct store *store, int64_t from);

enum consumers_verb {
    CONSUMERS_PAUSE,
    CONSUMERS_RESUME,
    CONSUMERS_REPLAY,
    CONSUMERS_DELETE,
    CONSUMERS_RETRY,
    CONSUMERS_VERBS
};

/* "pause" and so on; CONSUMERS_VERBS for any other word. */
enum consumers_verb consumers_verb_read(struct span word);
const char *consumers_verb_word(enum consumers_verb verb);

struct consumers_change {
    enum consumers_verb verb;
    struct span org, name;
    int64_t from;       /* of a replay */
    bool all;           /* of a retry: all dead letters of the org, in as many goes as it takes; */
    struct event_id id; /* else that of this event */
    int64_t total;      /* tried again by all goes that are on disk */

    /* Of the last go: */
    int64_t consumer; /* its id; 0: there is none */
    int64_t after;    /* the cursor that a replay has set */
    int64_t count;    /* tried again */
};

/*
 * For calls: one go. ERR_NOT_FOUND: there is no such consumer, or it has no such dead letter; ERR_CONFLICT:
 * CONSUMERS_BUILT_IN.
 */
MUST enum err consumers_go(struct store *store, struct arena *arena, struct consumers_change *change);

/* Whether that go, the last of several, has found nothing any more. */
bool consumers_did_nothing(const struct consumers_change *change);

/* A go is on disk: whether it takes another one. */
MUST bool consumers_goes_on(struct consumers_change *change);

/* Why it was refused or failed, in words for people. */
void consumers_explain(const struct consumers_change *change, enum err err, struct buf *out);

/* A change outside of a request, with its row of the audit. */
struct consumers_order {
    struct store_job job; /* first: it comes back from the writer */
    struct consumers_change change;
    struct caller caller;
    struct arena arena; /* to be freed once the last go is done */
};

/* What the audit calls it: for caller_of or caller_self, which come before consumers_order_begin. */
const char *consumers_action(enum consumers_verb verb);

/* Makes it ready for the writer, or for store_write, again and again; loop and done are the caller's. */
void consumers_order_begin(struct consumers_order *order);

#endif

/*
 * Consumers: named readers of the event log. Each has a filter, a cursor into the log, and terms for those
 * who claim. Writing is for calls (see store/store.h), reading for any view.
 */
#ifndef PICKUPD_STORE_CONSUMERS_H
#define PICKUPD_STORE_CONSUMERS_H

#include "store/store.h"

#define CONSUMER_NAME_MAX   64
#define CONSUMER_FILTER_MAX 64 /* texts in one list */
#define CONSUMER_FLOWS      1  /* the id of the built-in one, whose org is empty: it reads every org's */
#define CONSUMER_ATTEMPTS   10 /* unless it says otherwise */
#define CONSUMER_LEASE_MS   60000
#define CONSUMER_SCAN       2000  /* events that one claim looks at, so that nobody else waits for long */
#define CONSUMER_LAG_SCAN   10000 /* that are looked at to find the oldest that waits */

/* Whoever has not claimed for so long is silent, and holds back no purge; who may be soon, is told of. In ms.
 */
#define CONSUMER_SILENT_MS (INT64_C(30) * 86400000)
#define CONSUMER_WARN_MS   (INT64_C(23) * 86400000)
#define CONSUMER_SEEN_MS   60000 /* as exactly as it is noted when one was heard of last */

/* Spans are borrowed; lists are JSON lists of texts, empty for all. */
struct consumer {
    int64_t id;
    struct span org, name;
    struct span types, sources, origins;
    int64_t cursor; /* the seq up to which the log has been looked through */
    int64_t max_attempts, lease_ms;
    bool paused;
    int64_t created; /* ms since 1970 */
    int64_t seen;    /* when it last claimed, was made or changed, or was set back, ms since 1970 */
    int64_t missed;  /* events it wanted that were purged while it was silent */
};

/* How far one is. */
struct consumer_state {
    int64_t last;      /* seq of the newest event */
    int64_t in_flight; /* leased just now */
    int64_t waiting;   /* to be tried again */
    int64_t dead;
    int64_t oldest; /* when the oldest event that is not acked arrived, ms since 1970; 0 if there is none
                       among the first CONSUMER_LAG_SCAN behind the cursor */
};

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err consumer_find(struct view *view, struct arena *arena, struct span org, struct span name,
                            struct consumer *consumer);

/* In the order of their names; spans are valid during the call. */
typedef void consumer_fn(void *arg, const struct consumer *consumer);
MUST enum err consumer_each(struct view *view, struct span org, consumer_fn *row, void *arg);

/* Those of every org, in the order of their ids. */
MUST enum err consumer_each_of_all(struct view *view, consumer_fn *row, void *arg);

/* Whether there is anything it has not looked at, or has on a lease or to try again. */
MUST enum err consumer_owes(struct view *view, const struct consumer *consumer, bool *owes);

/* Of the flows, only what is of that org is counted. */
MUST enum err consumer_look(struct view *view, const struct consumer *consumer, struct span org,
                            struct consumer_state *state);

/*
 * When the first event of that org (empty: of any) behind the cursor that it wants arrived, or 0 if none of
 * the next *scan is wanted; takes off *scan what it has looked at.
 */
MUST enum err consumer_oldest(struct view *view, const struct consumer *consumer, struct span org,
                              int64_t *scan, int64_t *oldest);

/*
 * Adds one, or gives the one of that name another filter and other terms: then cursor and creation stay as
 * they are. *added tells which.
 */
MUST enum err consumer_put(struct store *store, const struct consumer *consumer, bool *added);

/* ERR_NOT_FOUND. What it had claimed is forgotten. */
MUST enum err consumer_drop(struct store *store, struct span org, struct span name);

MUST enum err consumer_pause(struct store *store, int64_t consumer, bool paused);

/* It was heard of. */
MUST enum err consumer_see(struct store *store, int64_t consumer, int64_t now);

/* From now on it gets everything behind that seq again, and what it had claimed is forgotten. */
MUST enum err consumer_rewind(struct store *store, int64_t consumer, int64_t cursor);

/* Whether its filter lets an event through. */
struct consumer_filter;
struct consumer_filter *consumer_filter_new(struct arena *arena, const struct consumer *consumer);
bool consumer_wants(const struct consumer_filter *filter, const struct event *event);

#endif

/*
 * What is in flight, waiting for a retry, or dead, for each consumer; everything else up to its cursor is
 * done. A lease is a fencing token: whoever's has ended, or was given to another, can say nothing more about
 * the event.
 */
#ifndef PICKUPD_STORE_CLAIMS_H
#define PICKUPD_STORE_CLAIMS_H

#include "store/consumers.h"

#define CLAIM_LEASE_TEXT     40 /* bytes of a lease as a text, with the NUL */
#define CLAIM_HISTORY_MAX    20 /* the last attempts that are remembered */
#define CLAIM_BACKOFF_MS     1000
#define CLAIM_BACKOFF_MAX_MS 3600000

struct lease {
    int64_t seq;
    int64_t token;
};

/* False for what no lease is written as. */
bool lease_read(struct span text, struct lease *lease);
void lease_write(char text[CLAIM_LEASE_TEXT], const struct lease *lease);

/* An event given to a worker; all of it lives in the arena of whoever claims. */
struct claim {
    struct claim *next;
    struct lease lease;
    int64_t attempt; /* from 1 */
    int64_t until;   /* the lease's end, ms since 1970 */
    struct event event;
};

struct claim_order {
    struct span worker;
    int64_t max;       /* events */
    int64_t max_bytes; /* of their details; one alone may be larger */
    int64_t now;       /* ms since 1970 */
};

/* What a claim found. Zero-initialised; the list is in the order of the log. */
struct claim_list {
    struct claim *first;
    struct claim **last;
    int64_t count, bytes;
    int64_t died; /* of what was due */
    bool more;    /* there may be more to claim just now */
};

/*
 * Gives the consumer's next events: first those whose lease has ended or whose retry is due, then those
 * behind its cursor. What is used up becomes dead on the way.
 */
MUST enum err claim_next(struct store *store, struct arena *arena, const struct consumer *consumer,
                         const struct claim_order *order, struct claim_list *list);

enum claim_result { CLAIM_DONE, CLAIM_DEAD, CLAIM_EXPIRED };

/* The event is done. CLAIM_EXPIRED: the lease has ended, was given to another, or never was. */
MUST enum err claim_ack(struct store *store, int64_t consumer, const struct lease *lease, int64_t now,
                        enum claim_result *result);

struct claim_failure {
    struct span error;   /* a text of the worker's; UTF-8 */
    struct span more;    /* JSON to be kept beside it; or empty */
    int64_t retry_after; /* ms until the next attempt; below 0: exponentially longer ones, with jitter */
    bool permanent;      /* dead at once */
    struct span subject; /* see include/tbl/migration.h */
    int64_t now;
};

/* The attempt has failed: CLAIM_DONE, it is tried again; CLAIM_DEAD, it was the last; CLAIM_EXPIRED. */
MUST enum err claim_nack(struct store *store, int64_t consumer, const struct lease *lease,
                         const struct claim_failure *failure, enum claim_result *result);

/* The lease now lasts for that many ms. */
MUST enum err claim_extend(struct store *store, int64_t consumer, const struct lease *lease, int64_t ms,
                           int64_t now, enum claim_result *result);

/* When the next lease of a consumer ends or the next retry is due; INT64_MAX if there is none. */
MUST enum err claim_next_due(struct view *view, int64_t consumer, int64_t *next);

/* A dead letter; spans are valid during the call. */
struct dead_letter {
    int64_t seq;
    struct event event;
    int64_t attempts;
    int64_t died;        /* ms since 1970 */
    struct span history; /* JSON, oldest first: {at, worker, error, ...} */
};

typedef void dead_letter_fn(void *arg, const struct dead_letter *letter);

/* Those of an org behind that seq, at most `limit`, in the order of the log. */
MUST enum err claim_each_dead(struct view *view, int64_t consumer, struct span org, int64_t after,
                              int64_t limit, dead_letter_fn *row, void *arg);

/* The way of one event through a consumer. */
struct claim_state {
    bool known; /* whether there is anything but its cursor to tell */
    int state;  /* 0 leased, 1 to be tried again, 2 dead */
    int64_t attempts, due;
    struct span worker, history; /* in the arena */
};
MUST enum err claim_look(struct view *view, struct arena *arena, int64_t consumer, int64_t seq,
                         struct claim_state *state);

/* To be tried again at once, as if for the first time: the dead letter of that seq, or with 0 all of the org,
 * so many at most. *count is how many. */
MUST enum err claim_revive(struct store *store, int64_t consumer, struct span org, int64_t seq, int64_t limit,
                           int64_t now, int64_t *count);

/* The same for those of a subject. */
MUST enum err claim_mend(struct store *store, int64_t consumer, struct span org, struct span subject,
                         int64_t now, int64_t *count);

#endif

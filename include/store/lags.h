/*
 * How far all consumers are, for whoever watches. What is looked at is bounded, however long the log is and
 * whatever waits or died: see the numbers below.
 */
#ifndef PICKUPD_STORE_LAGS_H
#define PICKUPD_STORE_LAGS_H

#include "store/consumers.h"

#define LAGS_CONSUMERS 200    /* in the order of their organizations and names */
#define LAGS_COUNTED   100000 /* consumers that are counted */
#define LAGS_CLAIMS    100000 /* of one consumer that are counted, and as many that are dead */
#define LAGS_SCAN      100000 /* events looked at for all consumers, CONSUMER_LAG_SCAN for one */

/* Spans are valid during the call. */
struct lag {
    struct span org, name;
    bool paused;
    int64_t behind; /* events of the log behind its cursor, wanted or not */
    int64_t open;   /* claims that are leased or to be tried again */
    int64_t dead;
    int64_t oldest; /* when the oldest event that is not acked arrived, ms since 1970; 0 if none was found */
    int64_t seen;   /* when it was last heard of, ms since 1970; 0 if that is not known */
    int64_t missed; /* events that were purged before it got them */
};

typedef void lag_fn(void *arg, const struct lag *lag);

struct lags {
    int64_t last;      /* the newest seq */
    int64_t consumers; /* that there are, also those of which is not told */
};

/* All of it as of one moment. */
MUST enum err lags_each(struct view *view, struct lags *all, lag_fn *row, void *arg);

#endif

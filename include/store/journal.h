/*
 * The event log, read in pages by those who look: what one page looks at is bounded, so that a filter that
 * matches nothing does not keep others waiting. And the way of one event through those who read the log.
 * Everything here is for any view, and lives in the arena.
 */
#ifndef PICKUPD_STORE_JOURNAL_H
#define PICKUPD_STORE_JOURNAL_H

#include "store/claims.h"

#define JOURNAL_SCAN 10000 /* events that one page looks at; some 40 ms where all are in the cache */

struct journal_order {
    const struct consumer_filter *filter; /* also of an org */
    int64_t since, until;                 /* of the events' time, ms since 1970; not `until` itself */
    bool newest;                          /* first; else the oldest */
    int64_t after;                        /* the seq to go on from, which is not looked at again */
    int64_t limit;                        /* events */
    int64_t bytes;                        /* of their details; one alone may be larger */
};

struct journal_entry {
    struct journal_entry *next;
    int64_t seq;
    struct event event; /* detail is NULL once purged */
};

struct journal_page {
    struct journal_entry *first;
    struct journal_entry **last;
    int64_t count, bytes;
    int64_t position; /* the seq up to which the log has been looked through, or down to */
    bool more;        /* there may be more behind it */
};

MUST enum err journal_read(struct view *view, struct arena *arena, const struct journal_order *order,
                           struct journal_page *page);

/* The seqs of the oldest event that is kept and of the newest that ever was; 0 without any. */
MUST enum err journal_ends(struct view *view, int64_t *first, int64_t *last);

enum journal_state {
    JOURNAL_NOT_WANTED,  /* the consumer's filter does not let it through */
    JOURNAL_NOT_REACHED, /* the consumer's cursor stands before it */
    JOURNAL_LEASED,
    JOURNAL_WAITING, /* to be tried again */
    JOURNAL_DEAD,
    JOURNAL_DONE, /* the cursor is past it, and nothing is left to be done */
    JOURNAL_STATES,
};

extern const char *const journal_state_names[JOURNAL_STATES];

/* One consumer that an event comes by. */
struct journal_step {
    struct journal_step *next;
    struct span consumer; /* its name */
    enum journal_state state;
    struct claim_state claim; /* of LEASED, WAITING and DEAD */
};

/* The event of that id in the org, and all of its steps, those of the flows last. ERR_NOT_FOUND. */
MUST enum err journal_way(struct view *view, struct arena *arena, struct span org, const struct event_id *id,
                          int64_t now, struct journal_entry *entry, struct journal_step **steps);

#endif

/* Reading the store through a connection that never writes. One thread at a time. */
#ifndef PICKUPD_STORE_VIEW_H
#define PICKUPD_STORE_VIEW_H

#include "base/buf.h"
#include "base/err.h"
#include "base/seal.h"
#include "model/event.h"

/* Spans are valid during the call. */
struct view_event {
    int64_t seq;
    struct event event; /* detail is NULL once purged */
    bool damaged;       /* detail is NULL, because it can't be unsealed */
};

struct view_quarantine {
    struct event_id id;
    struct span origin, org;
    int64_t first_seen, last_seen; /* ms since 1970 */
    int64_t count;
    struct span faults;     /* a JSON list of texts */
    int64_t bytes;          /* of the body */
    struct span body, head; /* only where one row is asked for */
};

struct view_filter {
    struct span source; /* an origin or an envelope's source; empty for all */
    struct span type;   /* empty for all */
    int64_t since;      /* ms since 1970 */
    int64_t limit;      /* the newest so many */
};

/* When a secret last proved a webhook. */
struct view_match {
    struct span origin, secret;
    int64_t time; /* ms since 1970 */
};

typedef void view_match_fn(void *arg, const struct view_match *row);
typedef void view_event_fn(void *arg, const struct view_event *row);
typedef void view_quarantine_fn(void *arg, const struct view_quarantine *row);

struct view;

/* NULL with the reason in *why. It knows no keys: what is sealed is ERR_SEALED to it. */
struct view *view_open(const char *path, struct buf *why);

/* One that unseals with these keys, which outlive it. NULL, too, if one that is in use is missing, or another
 * than it was. */
struct view *view_open_sealed(const char *path, struct seal *seal, struct buf *why);

void view_close(struct view *view);

/* Events in the order of the log. */
MUST enum err view_events(struct view *view, const struct view_filter *filter, view_event_fn *row, void *arg);

/* ERR_NOT_FOUND if there is none; ERR_SEALED if it can't be unsealed. */
MUST enum err view_event(struct view *view, const struct event_id *id, view_event_fn *row, void *arg);

/* Rows of one source or (empty) of all, oldest first; or the one of that id. */
MUST enum err view_quarantine(struct view *view, struct span source, view_quarantine_fn *row, void *arg);
MUST enum err view_quarantine_one(struct view *view, const struct event_id *id, view_quarantine_fn *row,
                                  void *arg);

/*
 * Rows of an org and of one source or (empty) all of its, at most `limit`, in the order in which they were
 * put there: those behind *position, which becomes that of the last row, for the next page.
 */
MUST enum err view_quarantine_page(struct view *view, struct span org, struct span source, int64_t *position,
                                   int64_t limit, view_quarantine_fn *row, void *arg);

/* A key that seals data in the file. */
struct view_key {
    struct span id;
    int64_t used; /* values that it has sealed, or somewhat more */
};
typedef void view_key_fn(void *arg, const struct view_key *row);

/* In the order of their ids; *remnants tells whether the file may hold in clear what was there before it was
 * sealed. */
MUST enum err view_keys(struct view *view, view_key_fn *row, void *arg, bool *remnants);

/* All of them, as the server noted them; it does so once a minute. */
MUST enum err view_matches(struct view *view, view_match_fn *row, void *arg);

/* Where an event stands in the log; ERR_NOT_FOUND. */
MUST enum err view_seq(struct view *view, const struct event_id *id, int64_t *seq);

/* The seq of the newest event; 0 if there has been none. */
MUST enum err view_last_seq(struct view *view, int64_t *seq);

#endif

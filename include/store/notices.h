/*
 * Notices: what the dispatcher is told. Each is an event of the log, too, so that the stream shows it.
 * Writing is for calls (see store/store.h), reading for any view.
 */
#ifndef PICKUPD_STORE_NOTICES_H
#define PICKUPD_STORE_NOTICES_H

#include "store/store.h"
#include "store/view.h"

#define NOTICE_SOURCE  "pickupd.dispatch" /* of its event */
#define NOTICE_TYPE    "DispatcherNotified"
#define NOTICE_ID_TEXT EVENT_ID_TEXT

/*
 *   pending --> sent
 *      |
 *      +--> dead (every attempt has failed), kept (there is nobody to send it to)
 */
enum notice_state { NOTICE_PENDING, NOTICE_SENT, NOTICE_DEAD, NOTICE_KEPT, NOTICE_STATES };

struct notice {
    int64_t number; /* in the order in which they were added */
    struct span org;
    struct span kind;   /* what it is about, such as pickup.rush */
    struct span key;    /* the same one, within the org, is told once */
    int64_t time;       /* ms since 1970 */
    struct span detail; /* a JSON object; empty is {} */
    enum notice_state state;
    int64_t attempts;
    int64_t due;       /* of the next attempt, ms since 1970 */
    struct span error; /* of the last attempt; or empty */
};

/* As they are written on the wire; static. False for any other text. */
const char *notice_state_name(enum notice_state state);
bool notice_state_read(struct span text, enum notice_state *state);

/*
 * Adds a pending one from org, kind, key, time and detail, and publishes its event. If its key is there
 * already, nothing happens.
 */
MUST enum err notice_add(struct store *store, const struct notice *notice);

/* The id that the world sees, which is also its event's, from org and key. */
void notice_id(char text[NOTICE_ID_TEXT], const struct notice *notice);

/* What the dispatcher is sent, always the same text: {"id","kind","time","org","detail"}. */
void notice_write(struct buf *out, const struct notice *notice);

/* Of the newest so many. */
#define NOTICES_LATELY 10000
struct notice_counts {
    int64_t pending, dead;
    int64_t dead_since; /* of the dead, those that were added since a time */
};
MUST enum err notice_count(struct view *view, int64_t since, struct notice_counts *counts);

/* Spans are valid during the call. */
typedef void notice_fn(void *arg, const struct notice *notice);

/* Those of an org behind that number, of one state or (below 0) of all. */
MUST enum err notice_each(struct view *view, struct span org, int64_t after, int state, int64_t limit,
                          notice_fn *row, void *arg);

/* Pending ones of any org that are due, the longest first. */
MUST enum err notice_each_due(struct view *view, int64_t now, int64_t limit, notice_fn *row, void *arg);

/* When the next one will be due that is not yet; INT64_MAX if there is none. */
MUST enum err notice_next_due(struct view *view, int64_t now, int64_t *next);

/* An attempt was made. Of one that is pending: another state, or the time of the next attempt. */
MUST enum err notice_tried(struct store *store, int64_t number, enum notice_state state, int64_t due,
                           struct span error);

/* Nobody will be sent those that are pending now. */
MUST enum err notice_keep_all(struct store *store);

#endif

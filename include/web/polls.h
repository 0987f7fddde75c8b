/*
 * Claims that found nothing and wait: they try again when a commit has brought events, when a lease ends or a
 * retry falls due, and when something else has changed for their consumer. Belongs to the private face's
 * loop.
 */
#ifndef PICKUPD_WEB_POLLS_H
#define PICKUPD_WEB_POLLS_H

#include "flow/news.h"
#include "store/view.h"

#define POLLS_MAX                                                                                            \
    128 /* that wait at once; half of the private face's connections, so that others get through */

struct polls;

/* Zero-initialise and fill; it lives until give_up, or until it was left. */
struct poll {
    int64_t consumer;                         /* its id */
    int64_t until;                            /* us of time_monotonic */
    bool paused;                              /* so is its consumer: what falls due is not given */
    void (*retry)(struct poll *poll);         /* claims once more; then polls_wait or polls_leave */
    void (*give_up)(struct poll *poll);       /* the time is over; the poll has been left */
    bool (*is_gone)(const struct poll *poll); /* nobody is there any more who would take an answer */

    struct poll *next, *prev; /* the rest is the polls' own */
    struct polls *polls;
    struct loop_timer *timer;
    bool waits;   /* in the list */
    bool trying;  /* its claim is with the writer */
    bool again;   /* there was news meanwhile */
    size_t heard; /* how often there had been news before its first try */
};

/* All must outlive it. */
struct polls *polls_new(struct news *news, struct view *view, struct loop *loop);

/* Nobody waits any longer, now or later. */
void polls_stop(struct polls *polls);
void polls_free(struct polls *polls); /* NULL is fine */

/* It tries for the first time now: what is committed from here on it need not find by itself. */
void polls_begin(const struct polls *polls, struct poll *poll);

/* A try has found nothing. Gives up at once if there is no time left, or too many wait. */
void polls_wait(struct polls *polls, struct poll *poll);

/* It has what it came for, or failed. Fine for one that never waited. */
void polls_leave(struct polls *polls, struct poll *poll);

/* Something has changed for that consumer: one of those who wait for it tries again. */
void polls_wake(struct polls *polls, int64_t consumer);

#endif

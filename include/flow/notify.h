/*
 * Telling the dispatcher: every notice goes to one URL as a signed webhook (Standard Webhooks), again and
 * again until it is taken or all attempts are used up. What is told and how often is in the store, so a
 * restart goes on where it was; a notice may arrive twice, under the same webhook-id. Belongs to the control
 * loop.
 */
#ifndef PICKUPD_FLOW_NOTIFY_H
#define PICKUPD_FLOW_NOTIFY_H

#include "flow/news.h"
#include "model/whsec.h"
#include "store/view.h"

#define NOTIFY_IN_FLIGHT  8     /* requests at once */
#define NOTIFY_TIMEOUT_MS 15000 /* of one */
#define NOTIFY_ATTEMPTS   14    /* with the waits between them about a day */
#define NOTIFY_WAIT_MS    5000  /* after the first; it triples up to NOTIFY_WAIT_MOST times as long */
#define NOTIFY_WAIT_MOST  2880

/* Whom to tell, and how; borrowed during notify_start, but for the secret. */
struct notify_target {
    const char *url;            /* NULL: nobody, and notices are kept */
    const struct whsec *secret; /* must outlive it */
    const char *ca_file;        /* as struct fetch_limits has it */
    int64_t attempts, wait;     /* NOTIFY_ATTEMPTS and NOTIFY_WAIT_MS, but for tests */
};

struct notify;

/* All but the target must outlive it. */
struct notify *notify_start(struct news *news, struct view *view, struct writer *writer, struct loop *loop,
                            const struct notify_target *target);

/* No further request is begun. */
void notify_stop(struct notify *notify);

/* Once the writer was stopped and the loop drained; NULL is fine. */
void notify_free(struct notify *notify);

/* About how long to wait after so many attempts, from 1, in ms: a fifth more or less, so that not all come at
 * once. */
int64_t notify_wait(int64_t wait, int64_t attempts);

#endif

/*
 * Where threads meet. Whoever puts a mail in gives it away; whoever takes it owns it. Any thread may put;
 * one thread takes.
 */
#ifndef PICKUPD_SYS_MAILBOX_H
#define PICKUPD_SYS_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first member of whatever travels. */
struct mail {
    struct mail *next;
    void (*deliver)(struct mail *mail); /* called by a loop that takes it; a plain mailbox ignores it */
    int64_t put;                        /* when a mailbox got it, in us of time_monotonic */
};

struct mailbox;

/* Holds at most `limit` mails. */
struct mailbox *mailbox_new(size_t limit);
void mailbox_free(struct mailbox *mailbox);

/* False if it is full or closed: the mail stays the caller's. */
bool mailbox_put(struct mailbox *mailbox, struct mail *mail);

/* The same without regard to the limit, for the few that must get through. */
bool mailbox_push(struct mailbox *mailbox, struct mail *mail);

/* Whether one more would fit just now; *oldest is when the oldest was put, INT64_MAX if there is none. */
bool mailbox_has_room(struct mailbox *mailbox, int64_t *oldest);

/* How many wait. */
size_t mailbox_depth(struct mailbox *mailbox);

/* Waits for at most `ms`, and takes all there is, oldest first; NULL if nothing came. False once it is closed
 * and empty. */
bool mailbox_take(struct mailbox *mailbox, int64_t ms, struct mail **all);

/* No more puts; what is inside can still be taken. */
void mailbox_close(struct mailbox *mailbox);

#endif

/* A bounded queue under a lock; the taker empties it in one go. */
#include "sys/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/time.h"

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct mail *first;
    struct mail **last;
    size_t count;
    size_t limit;
    bool closed;
};

struct mailbox *mailbox_new(size_t limit)
{
    struct mailbox *mailbox = mem_alloc(sizeof *mailbox);
    pthread_mutex_init(&mailbox->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&mailbox->filled, &clock);
    pthread_condattr_destroy(&clock);
    mailbox->last = &mailbox->first;
    mailbox->limit = limit;
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    pthread_cond_destroy(&mailbox->filled);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

static bool put(struct mailbox *mailbox, struct mail *mail, size_t limit)
{
    int64_t now = time_monotonic();
    pthread_mutex_lock(&mailbox->lock);
    bool room = !mailbox->closed && mailbox->count < limit;
    bool was_empty = mailbox->first == NULL;
    if (room) {
        mail->next = NULL;
        mail->put = now;
        *mailbox->last = mail;
        mailbox->last = &mail->next;
        mailbox->count++;
    }
    pthread_mutex_unlock(&mailbox->lock);
    if (room && was_empty)
        pthread_cond_signal(&mailbox->filled);
    return room;
}

bool mailbox_put(struct mailbox *mailbox, struct mail *mail)
{
    return put(mailbox, mail, mailbox->limit);
}

bool mailbox_push(struct mailbox *mailbox, struct mail *mail)
{
    return put(mailbox, mail, SIZE_MAX);
}

bool mailbox_has_room(struct mailbox *mailbox, int64_t *oldest)
{
    pthread_mutex_lock(&mailbox->lock);
    *oldest = mailbox->first != NULL ? mailbox->first->put : INT64_MAX;
    bool room = !mailbox->closed && mailbox->count < mailbox->limit;
    pthread_mutex_unlock(&mailbox->lock);
    return room;
}

size_t mailbox_depth(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    size_t count = mailbox->count;
    pthread_mutex_unlock(&mailbox->lock);
    return count;
}

bool mailbox_take(struct mailbox *mailbox, int64_t ms, struct mail **all)
{
    int64_t until = time_monotonic() + ms * 1000;
    struct timespec end = {until / 1000000, until % 1000000 * 1000};
    int code = 0;
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->first == NULL && !mailbox->closed && code == 0)
        code = pthread_cond_timedwait(&mailbox->filled, &mailbox->lock, &end);
    bool goes_on = mailbox->first != NULL || !mailbox->closed;
    *all = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    mailbox->count = 0;
    pthread_mutex_unlock(&mailbox->lock);
    return goes_on;
}

void mailbox_close(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    mailbox->closed = true;
    pthread_mutex_unlock(&mailbox->lock);
    pthread_cond_signal(&mailbox->filled);
}

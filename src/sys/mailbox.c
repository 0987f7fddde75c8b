/* A bounded queue under a lock; the taker empties it in one go. */
#include "sys/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

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
    pthread_cond_init(&mailbox->filled, NULL);
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
    pthread_mutex_lock(&mailbox->lock);
    bool room = !mailbox->closed && mailbox->count < limit;
    bool was_empty = mailbox->first == NULL;
    if (room) {
        mail->next = NULL;
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

bool mailbox_has_room(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    bool room = !mailbox->closed && mailbox->count < mailbox->limit;
    pthread_mutex_unlock(&mailbox->lock);
    return room;
}

struct mail *mailbox_take(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->first == NULL && !mailbox->closed)
        pthread_cond_wait(&mailbox->filled, &mailbox->lock);
    struct mail *all = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    mailbox->count = 0;
    pthread_mutex_unlock(&mailbox->lock);
    return all;
}

void mailbox_close(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    mailbox->closed = true;
    pthread_mutex_unlock(&mailbox->lock);
    pthread_cond_signal(&mailbox->filled);
}

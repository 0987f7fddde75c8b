/* The writer thread. */
#include "store/writer.h"

#include <stdlib.h>

#include "sys/thread.h"

/* More loops than a process may have, with the control loop among them. */
#define LOOPS_MAX 65

struct writer {
    struct store *store;
    struct mailbox *inbox;
    struct thread *thread;
};

/* The jobs of one batch that go back to one loop. */
struct reply {
    struct loop *loop;
    struct mail *first;
    struct mail **last;
};

static void deliver(struct mail *mail)
{
    struct store_job *job = (struct store_job *)mail;
    job->done(job);
}

static struct reply *reply_for(struct reply *replies, size_t *count, struct loop *loop)
{
    for (size_t i = 0; i < *count; i++)
        if (replies[i].loop == loop)
            return &replies[i];
    struct reply *reply = &replies[(*count)++];
    *reply = (struct reply){loop, NULL, &reply->first};
    return reply;
}

/* One post for each loop, however many jobs it gets back. */
static void give_back(struct store_job *first)
{
    struct reply replies[LOOPS_MAX];
    size_t count = 0;
    for (struct mail *mail = &first->mail, *next; mail != NULL; mail = next) {
        struct reply *reply = reply_for(replies, &count, ((struct store_job *)mail)->loop);
        next = mail->next;
        mail->next = NULL;
        mail->deliver = deliver;
        *reply->last = mail;
        reply->last = &mail->next;
    }
    for (size_t i = 0; i < count; i++)
        loop_post(replies[i].loop, replies[i].first);
}

static void run(void *arg)
{
    struct writer *writer = arg;
    struct mail *batch;
    while ((batch = mailbox_take(writer->inbox)) != NULL) {
        struct store_job *first = (struct store_job *)batch;
        store_write(writer->store, first);
        give_back(first);
    }
}

struct writer *writer_start(struct store *store, size_t limit)
{
    struct writer *writer = mem_alloc(sizeof *writer);
    writer->store = store;
    writer->inbox = mailbox_new(limit);
    writer->thread = thread_start("writer", run, writer);
    return writer;
}

void writer_stop(struct writer *writer)
{
    mailbox_close(writer->inbox);
    thread_join(writer->thread);
}

void writer_free(struct writer *writer)
{
    mailbox_free(writer->inbox);
    store_close(writer->store);
    free(writer);
}

enum err writer_put(struct writer *writer, struct store_job *job)
{
    return mailbox_put(writer->inbox, &job->mail) ? ERR_OK : ERR_BUSY;
}

void writer_fence(struct writer *writer, struct store_job *fence)
{
    mailbox_push(writer->inbox, &fence->mail);
}

bool writer_has_room(struct writer *writer)
{
    return mailbox_has_room(writer->inbox);
}

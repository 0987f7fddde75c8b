/* The reader thread. */
#include "store/reader.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "sys/thread.h"

#define IDLE_MS 3600000 /* it is woken by whatever is put */

struct reader {
    struct view *view;
    struct mailbox *inbox;
    struct thread *thread;
    atomic_bool stopping;
};

static void deliver(struct mail *mail)
{
    struct reader_job *job = (struct reader_job *)mail;
    job->done(job);
}

static void run(void *arg)
{
    struct reader *reader = arg;
    struct mail *all;
    while (mailbox_take(reader->inbox, IDLE_MS, &all)) {
        for (struct mail *mail = all, *next; mail != NULL; mail = next) {
            struct reader_job *job = (struct reader_job *)mail;
            next = mail->next;
            job->skipped = atomic_load(&reader->stopping);
            if (!job->skipped)
                job->run(reader->view, job);
            *mail = (struct mail){.deliver = deliver};
            loop_post(job->loop, mail);
        }
    }
}

struct reader *reader_start(struct view *view, size_t limit)
{
    struct reader *reader = mem_alloc(sizeof *reader);
    reader->view = view;
    reader->inbox = mailbox_new(limit);
    reader->thread = thread_start("reader", run, reader);
    return reader;
}

void reader_stop(struct reader *reader)
{
    atomic_store(&reader->stopping, true);
    mailbox_close(reader->inbox);
    thread_join(reader->thread);
}

void reader_free(struct reader *reader)
{
    mailbox_free(reader->inbox);
    view_close(reader->view);
    free(reader);
}

enum err reader_put(struct reader *reader, struct reader_job *job)
{
    return mailbox_put(reader->inbox, &job->mail) ? ERR_OK : ERR_BUSY;
}

size_t reader_depth(const struct reader *reader)
{
    return mailbox_depth(reader->inbox);
}

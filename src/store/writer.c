/* The writer thread. */
#include "store/writer.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/time.h"
#include "sys/thread.h"

/* More loops than a process may have, with the control loop among them. */
#define LOOPS_MAX 65

/* The store is tended this often where there is nothing to write. */
#define TEND_MS    1000
#define RECOVER_MS 100 /* while webhooks are not taken */

struct writer {
    struct store *store;
    struct mailbox *inbox;
    struct thread *thread;
    struct writer_limits limits;
    struct loop *loop;
    struct mail *failed;  /* to be posted, unless it was already */
    atomic_size_t taken;  /* bytes of the jobs that are not done */
    atomic_llong ran;     /* see writer_ran */
    atomic_llong writing; /* when the oldest job being written was put, or INT64_MAX */
    struct {
        struct mail mail;
        writer_news_fn *fn;
        void *arg;
        atomic_bool wanted;
        atomic_bool posted; /* and not delivered yet */
        atomic_llong seq;   /* of the newest event */
    } news;
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

static size_t bytes_of(const struct store_job *first)
{
    size_t bytes = 0;
    for (const struct mail *mail = &first->mail; mail != NULL; mail = mail->next)
        bytes += ((const struct store_job *)mail)->bytes;
    return bytes;
}

static void on_news(struct mail *mail)
{
    struct writer *writer = (struct writer *)((char *)mail - offsetof(struct writer, news.mail));
    atomic_store(&writer->news.posted, false); /* first: what is committed from now on is told again */
    writer->news.fn(writer->news.arg, atomic_load(&writer->news.seq));
}

static void tell(struct writer *writer)
{
    int64_t seq = store_seq(writer->store);
    if (seq == atomic_load(&writer->news.seq))
        return;
    atomic_store(&writer->news.seq, seq);
    if (!atomic_load(&writer->news.wanted) || atomic_exchange(&writer->news.posted, true))
        return;
    writer->news.mail = (struct mail){.deliver = on_news};
    loop_post(writer->loop, &writer->news.mail);
}

void writer_tell(struct writer *writer, writer_news_fn *fn, void *arg)
{
    writer->news.fn = fn;
    writer->news.arg = arg;
    atomic_store(&writer->news.wanted, true);
}

static void write_batch(struct writer *writer, struct store_job *first)
{
    atomic_store(&writer->writing, first->mail.put);
    atomic_store(&writer->ran, INT64_MAX);
    store_write(writer->store, first);
    atomic_store(&writer->ran, time_monotonic());
    atomic_store(&writer->writing, INT64_MAX);
    atomic_fetch_sub(&writer->taken, bytes_of(first));
    give_back(first);
    tell(writer);
}

/* Who waits for jobs is not missed before the wait is over. */
static bool take(struct writer *writer, struct mail **batch)
{
    int64_t wait = store_state(writer->store) == ERR_OK ? TEND_MS : RECOVER_MS;
    atomic_store(&writer->ran, time_monotonic() + wait * 1000);
    return mailbox_take(writer->inbox, wait, batch);
}

static void run(void *arg)
{
    struct writer *writer = arg;
    struct mail *batch;
    while (take(writer, &batch)) {
        if (batch != NULL)
            write_batch(writer, (struct store_job *)batch);
        atomic_store(&writer->ran, INT64_MAX);
        store_tend(writer->store);
        atomic_store(&writer->ran, time_monotonic());
        if (writer->failed == NULL || store_state(writer->store) != ERR_SYNC ||
            !store_may_close(writer->store))
            continue;
        loop_post(writer->loop, writer->failed);
        writer->failed = NULL;
    }
}

struct writer *writer_start(struct store *store, const struct writer_limits *limits, struct loop *loop,
                            struct mail *failed)
{
    struct writer *writer = mem_alloc(sizeof *writer);
    writer->store = store;
    writer->inbox = mailbox_new(limits->rows);
    writer->limits = *limits;
    writer->loop = loop;
    writer->failed = failed;
    atomic_init(&writer->writing, INT64_MAX);
    atomic_init(&writer->ran, 0);
    atomic_init(&writer->news.seq, store_seq(store));
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
    size_t bytes = job->bytes; /* the job is the writer's as soon as it is put */
    size_t before = atomic_fetch_add(&writer->taken, bytes);
    bool fits = before == 0 || before + bytes <= writer->limits.bytes; /* one alone always does */
    if (fits && mailbox_put(writer->inbox, &job->mail))
        return ERR_OK;
    atomic_fetch_sub(&writer->taken, bytes);
    return ERR_BUSY;
}

void writer_fence(struct writer *writer, struct store_job *fence)
{
    mailbox_push(writer->inbox, &fence->mail);
}

bool writer_has_room(struct writer *writer, size_t bytes)
{
    int64_t oldest;
    return atomic_load(&writer->taken) + bytes <= writer->limits.bytes &&
           mailbox_has_room(writer->inbox, &oldest);
}

enum err writer_admits(struct writer *writer, size_t bytes)
{
    int64_t oldest, writing = atomic_load(&writer->writing);
    TRY(store_state(writer->store));
    if (atomic_load(&writer->taken) + bytes > writer->limits.bytes ||
        !mailbox_has_room(writer->inbox, &oldest))
        return ERR_BUSY;
    oldest = writing < oldest ? writing : oldest;
    return oldest == INT64_MAX || time_monotonic() - oldest <= writer->limits.wait ? ERR_OK : ERR_BUSY;
}

void writer_look(const struct writer *writer, struct writer_load *load)
{
    int64_t oldest, writing = atomic_load(&writer->writing);
    (void)mailbox_has_room(writer->inbox, &oldest);
    oldest = writing < oldest ? writing : oldest;
    *load = (struct writer_load){.depth = (int64_t)mailbox_depth(writer->inbox),
                                 .bytes = (int64_t)atomic_load(&writer->taken),
                                 .wait = oldest == INT64_MAX ? 0 : time_monotonic() - oldest};
}

const struct store *writer_store(const struct writer *writer)
{
    return writer->store;
}

int64_t writer_ran(struct writer *writer)
{
    return atomic_load(&writer->ran);
}

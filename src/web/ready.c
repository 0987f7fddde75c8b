/* GET /readyz: whether a row could be written and synced within the last second. */
#include "web/ready.h"

#include <stdlib.h>

#include "base/time.h"
#include "handlers.h"

/* Who is not answered by then is told that it takes too long. */
#define PROBE_US 2000000
#define TICK_MS  1000

/* What one probe found out is everybody's for so long: whoever asks often makes no more writes. */
#define SHARED_US 1000000

struct asker {
    struct exchange exchange;
    struct asker *next;
    int64_t since; /* us of time_monotonic */
};

struct ready {
    struct store_job probe; /* first: it comes back from the writer, however late */
    bool is_out;
    enum err found;
    int64_t until; /* us, to which that is shared */
    struct asker *first;
};

static void answer(struct exchange *exchange, enum err err)
{
    if (err == ERR_OK)
        web_answer(exchange, 200, SPAN("{\"status\":\"ready\"}"));
    else
        web_refuse(exchange, err);
}

/* All who asked before that. */
static void answer_since(struct ready *ready, int64_t since, enum err err)
{
    struct asker **link = &ready->first;
    while (*link != NULL) {
        struct asker *asker = *link;
        if (asker->since >= since) {
            link = &asker->next;
            continue;
        }
        *link = asker->next;
        answer(&asker->exchange, err);
        free(asker);
    }
}

static void on_probed(struct store_job *job)
{
    struct ready *ready = (struct ready *)job;
    ready->is_out = false;
    ready->found = job->err;
    ready->until = time_monotonic() + SHARED_US;
    answer_since(ready, INT64_MAX, job->err);
}

/* A disk that hangs gives no answer. */
static void on_tick(void *arg)
{
    answer_since(arg, time_monotonic() - PROBE_US, ERR_BUSY);
}

struct ready *ready_new(struct loop *loop)
{
    struct ready *ready = mem_alloc(sizeof *ready);
    loop_every(loop, TICK_MS, on_tick, ready);
    return ready;
}

void ready_free(struct ready *ready)
{
    free(ready);
}

static enum err probe(struct ready *ready, struct exchange *exchange)
{
    struct http_call *call = exchange->call;
    ready->probe = (struct store_job){
        .kind = STORE_PROBE, .event.time = call->request.received, .loop = call->loop, .done = on_probed};
    enum err err = writer_put(exchange->face->writer, &ready->probe);
    ready->is_out = err == ERR_OK;
    return err;
}

/* Whether there is an answer without a write; the store's own reason goes first, which may be why we stop. */
static bool is_known(const struct ready *ready, const struct exchange *exchange, enum err *err)
{
    *err = writer_admits(exchange->face->writer, 0);
    if (*err == ERR_OK && http_stopping(exchange->call))
        *err = ERR_BUSY;
    if (*err != ERR_OK)
        return true;
    *err = ready->found;
    return !ready->is_out && time_monotonic() < ready->until;
}

void web_readyz(struct exchange *exchange)
{
    struct ready *ready = exchange->face->ready;
    enum err err;
    if (is_known(ready, exchange, &err) || (!ready->is_out && (err = probe(ready, exchange)) != ERR_OK)) {
        answer(exchange, err);
        return;
    }
    struct asker *asker = mem_alloc(sizeof *asker);
    *asker = (struct asker){*exchange, ready->first, time_monotonic()};
    ready->first = asker;
}

/* GET /readyz: whether a row can be written and synced just now. */
#include "web/ready.h"

#include <stdlib.h>

#include "base/time.h"
#include "handlers.h"

/* A probe that is not back by then is answered for. */
#define PROBE_US 2000000
#define TICK_MS  1000

struct probe {
    struct store_job job; /* first: it comes back from the writer, however late */
    struct exchange exchange;
    struct ready *ready;
    struct probe *next; /* of those not answered */
    int64_t since;      /* us of time_monotonic */
    bool is_answered;
};

struct ready {
    struct probe *first;
};

static void answer(struct probe *probe, enum err err)
{
    struct probe **link = &probe->ready->first;
    while (*link != probe)
        link = &(*link)->next;
    *link = probe->next;
    probe->is_answered = true;
    if (err == ERR_OK)
        web_answer(&probe->exchange, 200, SPAN("{\"status\":\"ready\"}"));
    else
        web_refuse(&probe->exchange, err);
}

static void on_probed(struct store_job *job)
{
    struct probe *probe = (struct probe *)job;
    if (!probe->is_answered)
        answer(probe, job->err);
    free(probe);
}

/* A disk that hangs gives no answer. */
static void on_tick(void *arg)
{
    struct ready *ready = arg;
    int64_t now = time_monotonic();
    for (struct probe *probe = ready->first, *next; probe != NULL; probe = next) {
        next = probe->next;
        if (now - probe->since > PROBE_US)
            answer(probe, ERR_BUSY);
    }
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

void web_readyz(struct exchange *exchange)
{
    struct http_call *call = exchange->call;
    struct ready *ready = exchange->face->ready;
    enum err err = http_stopping(call) ? ERR_BUSY : writer_admits(exchange->face->writer, 0);
    if (err != ERR_OK) {
        web_refuse(exchange, err);
        return;
    }
    struct probe *probe = mem_alloc(sizeof *probe);
    *probe = (struct probe){
        .job = {.kind = STORE_PROBE,
                .event.time = call->request.received,
                .loop = call->loop,
                .done = on_probed},
        .exchange = *exchange,
        .ready = ready,
        .next = ready->first,
        .since = time_monotonic(),
    };
    ready->first = probe;
    err = writer_put(exchange->face->writer, &probe->job);
    if (err != ERR_OK) {
        answer(probe, err);
        free(probe);
    }
}

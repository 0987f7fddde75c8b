/*
 * One step at a time: claim some events, handle each in a savepoint, ack or nack it, all in one transaction.
 * So a kill leaves an event either handled or not begun, and no lease outlives its step.
 */
#include "flow/flows.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "handlers.h"
#include "store/claims.h"

#define RETRY_MS   1000    /* after a step that the disk did not take */
#define LONGEST_MS 3600000 /* between two looks at what is due */

struct flows {
    struct store_job job; /* first: it comes back from the writer */
    bool more;            /* as the step found it: written in the writer's thread, so it stands apart */
    struct view *view;
    struct writer *writer;
    struct loop_timer *timer;
    bool running; /* a step is with the writer */
    bool again;   /* there is news since it went */
    bool stopped;
};

/* One event on its way through its handler. */
struct attempt {
    flow_handler *handle;
    struct flow_event event;
    struct flow_result *result;
};

/* A fault undoes what was written, so it is an error here; which one does not matter. */
static enum err run_handler(struct store *store, void *arg)
{
    struct attempt *attempt = arg;
    *attempt->result = (struct flow_result){0};
    TRY(attempt->handle(store, &attempt->event, attempt->result));
    return attempt->result->outcome == FLOW_DONE ? ERR_OK : ERR_BAD_REQUEST;
}

/* ERR_STORE, ERR_FULL and ERR_SYNC end the step; any other error is a fault of this event alone. */
static enum err try_event(struct store *store, struct attempt *attempt)
{
    struct flow_result *result = attempt->result;
    enum err err = store_attempt(store, run_handler, attempt);
    if (store_is_lost(err))
        return err;
    if (err != ERR_OK && result->outcome == FLOW_DONE)
        *result = (struct flow_result){FLOW_PERMANENT, .reason = SPAN("a fault of the program")};
    return ERR_OK;
}

static enum err run_tell(struct store *store, void *arg)
{
    const struct attempt *attempt = arg;
    return handler_dead(store, &attempt->event, attempt->result);
}

/* An event that nobody can be told of is dead all the same, and holds up nothing. */
static enum err tell(struct store *store, struct attempt *attempt)
{
    enum err err = store_attempt(store, run_tell, attempt);
    if (err != ERR_OK && !store_is_lost(err))
        log_event_limited(LOG_ERROR, "a dead letter could not be told of",
                          LOG_NUM("seq", attempt->event.seq));
    return store_is_lost(err) ? err : ERR_OK;
}

static enum err record(struct store *store, const struct claim *claim, struct attempt *attempt)
{
    const struct flow_event *event = &attempt->event;
    const struct flow_result *result = attempt->result;
    enum claim_result outcome;
    struct claim_failure failure = {.error = result->reason,
                                    .more = result->more,
                                    .retry_after = -1,
                                    .permanent = result->outcome == FLOW_PERMANENT,
                                    .subject = result->subject,
                                    .now = event->now};
    if (result->outcome == FLOW_DONE)
        return claim_ack(store, CONSUMER_FLOWS, &claim->lease, event->now, &outcome);
    TRY(claim_nack(store, CONSUMER_FLOWS, &claim->lease, &failure, &outcome));
    return outcome == CLAIM_DEAD ? tell(store, attempt) : ERR_OK;
}

static enum err handle(struct store *store, struct arena *arena, const struct claim *claim, int64_t now)
{
    struct json_fault fault;
    struct flow_result result = {0};
    struct json *detail = json_parse((struct span){claim->event.detail, claim->event.detail_len}, &fault);
    struct attempt attempt = {
        handler_find(&claim->event), {claim->lease.seq, &claim->event, detail, now, arena}, &result};
    enum err err = attempt.handle != NULL ? try_event(store, &attempt) : ERR_OK;
    if (err == ERR_OK)
        err = record(store, claim, &attempt);
    json_free(detail);
    return err;
}

static enum err take_some(struct store *store, struct flows *flows)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct consumer consumer;
    struct claim_list list;
    struct claim_order order = {SPAN("flows"), FLOWS_SOME, INT64_MAX, time_now()};
    TRY(consumer_find(store_view(store), &arena, SPAN(""), SPAN("flows"), &consumer));
    TRY(claim_next(store, &arena, &consumer, &order, &list));
    flows->more = list.more;
    for (const struct claim *claim = list.first; claim != NULL; claim = claim->next)
        TRY(handle(store, &arena, claim, order.now));
    return ERR_OK;
}

/* Webhooks wait meanwhile, and one event can make 90 pickups. */
static enum err step(struct store *store, struct store_job *job)
{
    struct flows *flows = (struct flows *)job;
    int64_t end = time_monotonic() + FLOWS_STEP_US;
    do {
        TRY(take_some(store, flows));
    } while (flows->more && time_monotonic() < end);
    return ERR_OK;
}

static void go(void *arg);

static void on_stepped(struct store_job *job)
{
    struct flows *flows = (struct flows *)job;
    int64_t due;
    flows->running = false;
    if (job->err != ERR_OK) {
        log_event_limited(LOG_ERROR, "the flows wait for the disk", LOG_STR("reason", err_text(job->err)));
        loop_timer_set(flows->timer, RETRY_MS);
    } else if (flows->more || flows->again) {
        go(flows);
    } else if (claim_next_due(flows->view, CONSUMER_FLOWS, &due) == ERR_OK) {
        int64_t wait = due == INT64_MAX ? LONGEST_MS : due - time_now();
        loop_timer_set(flows->timer, wait < 1 ? 1 : wait > LONGEST_MS ? LONGEST_MS : wait);
    } else {
        loop_timer_set(flows->timer, RETRY_MS);
    }
}

static void go(void *arg)
{
    struct flows *flows = arg;
    flows->again = flows->running;
    if (flows->running || flows->stopped)
        return;
    /* What they make takes room, too, and webhooks that wait go first. */
    flows->running =
        writer_admits(flows->writer, 0) == ERR_OK && writer_put(flows->writer, &flows->job) == ERR_OK;
    if (!flows->running)
        loop_timer_set(flows->timer, RETRY_MS);
}

static void on_news(void *arg, int64_t seq)
{
    (void)seq;
    go(arg);
}

void flows_wake(struct flows *flows)
{
    go(flows);
}

struct flows *flows_start(struct news *news, struct view *view, struct writer *writer, struct loop *loop)
{
    struct flows *flows = mem_alloc(sizeof *flows);
    flows->job = (struct store_job){.kind = STORE_CALL, .call = step, .loop = loop, .done = on_stepped};
    flows->view = view;
    flows->writer = writer;
    flows->timer = loop_timer_new(loop, go, flows);
    news_subscribe(news, on_news, flows);
    go(flows);
    return flows;
}

void flows_stop(struct flows *flows)
{
    flows->stopped = true;
    loop_timer_clear(flows->timer);
}

void flows_free(struct flows *flows)
{
    if (flows != NULL)
        loop_timer_free(flows->timer);
    free(flows);
}

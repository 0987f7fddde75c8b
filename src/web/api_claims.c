/* What workers do: claim, ack, nack, extend. */
#include "base/time.h"
#include "consumers.h"

#define CLAIM_BYTES 8388608 /* of all details, unless the claim says otherwise */

/* Claiming. */

struct claiming {
    struct poll poll; /* first */
    struct ask *ask;
    struct arena arena; /* of one try */
    struct claim_list list;
    int64_t consumer; /* as the try has found it: the loop reads the poll meanwhile */
    bool is_paused;
};

static enum err call_claim(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct claiming *claiming = ask->data;
    struct consumer consumer;
    struct claim_order order = {.worker = json_str(json_get(ask->body, "worker")),
                                .max = ask_int(ask, "max", 1),
                                .max_bytes = ask_int(ask, "maxBytes", CLAIM_BYTES),
                                .now = time_now()};
    arena_free(&claiming->arena);
    claiming->list = (struct claim_list){0};
    TRY(consumers_find(store_view(store), &claiming->arena, ask_org(ask), ask->names[0], &consumer));
    claiming->consumer = consumer.id;
    claiming->is_paused = consumer.paused;
    TRY(claim_next(store, &claiming->arena, &consumer, &order, &claiming->list));
    for (const struct claim *claim = claiming->list.first; claim != NULL; claim = claim->next)
        note_row(ask, claim->lease.seq);
    if (claiming->list.count == 0)
        note_nothing(ask);
    return ERR_OK;
}

static void put_claim(struct buf *out, const struct claim *claim)
{
    char lease[CLAIM_LEASE_TEXT];
    lease_write(lease, &claim->lease);
    json_open(out, '{');
    json_add_str(out, "lease", span_of(lease));
    json_add_int(out, "attempt", claim->attempt);
    time_add(out, "leaseUntil", claim->until);
    json_key(out, SPAN("event"));
    envelope_write(out, claim->lease.seq, &claim->event);
    json_close(out, '}');
}

static void answer_claims(struct claiming *claiming)
{
    struct ask *ask = claiming->ask;
    struct buf out = {.arena = ask_arena(ask)};
    json_open(&out, '{');
    json_key(&out, SPAN("claims"));
    json_open(&out, '[');
    for (const struct claim *claim = claiming->list.first; claim != NULL; claim = claim->next)
        put_claim(&out, claim);
    json_close(&out, ']');
    json_add_raw(&out, "more", claiming->list.more ? SPAN("true") : SPAN("false"));
    json_close(&out, '}');
    arena_free(&claiming->arena);
    ask_answer(ask, 200, buf_span(&out));
}

static void claim_again(struct ask *ask);

static void on_claimed(struct ask *ask, enum err err)
{
    struct claiming *claiming = ask->data;
    struct polls *polls = ask->exchange.face->polls;
    int64_t consumer = claiming->consumer;
    bool wakes_next = claiming->poll.again || claiming->list.more; /* what it leaves is the next one's */
    claiming->poll.consumer = consumer;
    claiming->poll.paused = claiming->is_paused;
    if (err != ERR_OK) {
        polls_leave(polls, &claiming->poll);
        arena_free(&claiming->arena);
        ask_refuse(ask, err, NULL);
        if (err == ERR_NOT_FOUND)
            polls_wake(polls, consumer); /* so that all who wait for what was deleted find out */
    } else if (claiming->list.count > 0) {
        polls_leave(polls, &claiming->poll);
        answer_claims(claiming);
        if (wakes_next)
            polls_wake(polls, consumer);
    } else if (claiming->list.more && !claiming->poll.paused) {
        claim_again(ask); /* so much that it does not want was looked at */
    } else {
        polls_wait(polls, &claiming->poll);
    }
}

/* The token may have gone meanwhile: what it may not have is the next one's. */
static void claim_again(struct ask *ask)
{
    struct claiming *claiming = ask->data;
    struct polls *polls = ask->exchange.face->polls;
    int64_t consumer = claiming->poll.consumer;
    if (ask_is_known(ask)) {
        ask_write(ask, call_claim, on_claimed);
        return;
    }
    polls_leave(polls, &claiming->poll);
    arena_free(&claiming->arena);
    ask_refuse_token(ask);
    polls_wake(polls, consumer);
}

static void retry(struct poll *poll)
{
    claim_again(((struct claiming *)poll)->ask);
}

static void give_up(struct poll *poll)
{
    answer_claims((struct claiming *)poll);
}

static bool is_gone(const struct poll *poll)
{
    return http_gone(((const struct claiming *)poll)->ask->exchange.call);
}

void api_claim(struct ask *ask)
{
    struct claiming *claiming = arena_alloc(ask_arena(ask), sizeof *claiming);
    int64_t wait = ask_int(ask, "waitSeconds", 0) * 1000000;
    claiming->ask = ask;
    claiming->poll = (struct poll){
        .until = time_monotonic() + wait, .retry = retry, .give_up = give_up, .is_gone = is_gone};
    ask->data = claiming;
    if (consumers_refuse_flows(ask))
        return;
    http_hold(ask->exchange.call);
    polls_begin(ask->exchange.face->polls, &claiming->poll);
    ask_write(ask, call_claim, on_claimed);
}

/* What is said of leases. */

struct saying {
    struct lease *leases;
    enum claim_result *results;
    size_t count;
    int64_t consumer;
    const char *words[3]; /* by enum claim_result */
    enum err (*say)(struct store *store, struct ask *ask, const struct consumer *consumer,
                    const struct lease *lease, enum claim_result *result);
};

/* Of a lease that is over the number is whatever was sent. */
static void note_said(struct ask *ask, const struct saying *saying)
{
    int64_t expired = 0, dead = 0;
    for (size_t i = 0; i < saying->count; i++) {
        expired += saying->results[i] == CLAIM_EXPIRED;
        dead += saying->results[i] == CLAIM_DEAD;
        if (saying->results[i] != CLAIM_EXPIRED)
            note_row(ask, saying->leases[i].seq);
    }
    if (dead > 0)
        note_count(ask, "dead", dead);
    if (expired > 0)
        note_count(ask, "expired", expired);
}

static enum err call_say(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct saying *saying = ask->data;
    struct consumer consumer;
    TRY(consumers_find(store_view(store), ask_arena(ask), ask_org(ask), ask->names[0], &consumer));
    saying->consumer = consumer.id;
    for (size_t i = 0; i < saying->count; i++)
        TRY(saying->say(store, ask, &consumer, &saying->leases[i], &saying->results[i]));
    note_said(ask, saying);
    return ERR_OK;
}

static void answer_said(struct ask *ask, enum err err)
{
    const struct saying *saying = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    polls_wake(ask->exchange.face->polls, saying->consumer); /* when something is due may have changed */
    json_open(&out, '{');
    json_key(&out, SPAN("results"));
    json_open(&out, '[');
    for (size_t i = 0; i < saying->count; i++) {
        json_open(&out, '{');
        json_add_str(&out, "lease", json_str(json_at(json_get(ask->body, "leases"), i)));
        json_add_str(&out, "result", span_of(saying->words[saying->results[i]]));
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    ask_answer(ask, 200, buf_span(&out));
}

static bool read_leases(struct ask *ask, struct saying *saying)
{
    struct faults faults = {.arena = ask_arena(ask)};
    const struct json *leases = json_get(ask->body, "leases");
    saying->count = json_count(leases);
    saying->leases = arena_alloc(ask_arena(ask), saying->count * sizeof *saying->leases);
    saying->results = arena_alloc(ask_arena(ask), saying->count * sizeof *saying->results);
    for (size_t i = 0; i < saying->count; i++)
        if (!lease_read(json_str(json_at(leases, i)), &saying->leases[i]))
            faults_add(&faults, "Invalid leases[%zu]", i);
    if (faults.count > 0)
        ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
    return faults.count == 0;
}

static void say(struct ask *ask, const struct saying *what)
{
    struct saying *saying = arena_alloc(ask_arena(ask), sizeof *saying);
    *saying = *what;
    ask->data = saying;
    if (!consumers_refuse_flows(ask) && read_leases(ask, saying))
        ask_write(ask, call_say, answer_said);
}

static enum err say_ack(struct store *store, struct ask *ask, const struct consumer *consumer,
                        const struct lease *lease, enum claim_result *result)
{
    (void)ask;
    return claim_ack(store, consumer->id, lease, time_now(), result);
}

void api_ack(struct ask *ask)
{
    say(ask,
        &(struct saying){.words = {[CLAIM_DONE] = "acked", [CLAIM_EXPIRED] = "expired"}, .say = say_ack});
}

static enum err say_nack(struct store *store, struct ask *ask, const struct consumer *consumer,
                         const struct lease *lease, enum claim_result *result)
{
    int64_t seconds = ask_int(ask, "retryAfterSeconds", -1);
    struct claim_failure failure = {.error = json_str(json_get(ask->body, "error")),
                                    .retry_after = seconds < 0 ? seconds : seconds * 1000,
                                    .permanent = json_bool(json_get(ask->body, "permanent")),
                                    .now = time_now()};
    return claim_nack(store, consumer->id, lease, &failure, result);
}

void api_nack(struct ask *ask)
{
    say(ask, &(struct saying){
                 .words = {[CLAIM_DONE] = "retry", [CLAIM_DEAD] = "dead", [CLAIM_EXPIRED] = "expired"},
                 .say = say_nack});
}

static enum err say_extend(struct store *store, struct ask *ask, const struct consumer *consumer,
                           const struct lease *lease, enum claim_result *result)
{
    int64_t ms = ask_int(ask, "leaseSeconds", consumer->lease_ms / 1000) * 1000;
    return claim_extend(store, consumer->id, lease, ms, time_now(), result);
}

void api_extend(struct ask *ask)
{
    say(ask, &(struct saying){.words = {[CLAIM_DONE] = "extended", [CLAIM_EXPIRED] = "expired"},
                              .say = say_extend});
}

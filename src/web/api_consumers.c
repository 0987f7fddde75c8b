/* Consumers: making, looking, and the operator's verbs. */
#include "base/time.h"
#include "consumers.h"
#include "page.h"

bool consumers_refuse_flows(struct ask *ask)
{
    bool is_flows = consumers_is_flows(ask->names[0]);
    if (is_flows)
        ask_refuse(ask, ERR_CONFLICT, CONSUMERS_BUILT_IN);
    return is_flows;
}

/* What is done to a consumer, and for some of it what that is like then. */
struct doing {
    struct consumers_change change;
    struct consumer consumer;
    bool added;
};

static enum err find_then(struct store *store, struct ask *ask)
{
    struct doing *doing = ask->data;
    return consumers_find(store_view(store), ask_arena(ask), ask_org(ask), ask->names[0], &doing->consumer);
}

/* As ask_is_good. */
static bool is_done(struct ask *ask, enum err err)
{
    if (err == ERR_CONFLICT)
        ask_refuse(ask, err, CONSUMERS_BUILT_IN);
    return err != ERR_CONFLICT && ask_is_good(ask, err);
}

static void answer_then(struct ask *ask, enum err err)
{
    struct doing *doing = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!is_done(ask, err))
        return;
    polls_wake(ask->exchange.face->polls, doing->consumer.id);
    json_open(&out, '{');
    consumers_write(&out, &doing->consumer, NULL);
    json_close(&out, '}');
    ask_answer(ask, doing->added ? 201 : 200, buf_span(&out));
}

/* Putting. */

static struct span list_of(struct ask *ask, const char *name)
{
    struct buf out = {.arena = ask_arena(ask)};
    const struct json *list = json_get(ask->body, name);
    if (json_kind(list) == JSON_ABSENT)
        return SPAN("[]");
    json_put(&out, list);
    return buf_span(&out);
}

static enum err call_put(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct doing *doing = ask->data;
    struct consumer consumer = {
        .org = ask_org(ask),
        .name = ask->names[0],
        .types = list_of(ask, "detailTypes"),
        .sources = list_of(ask, "sources"),
        .origins = list_of(ask, "origins"),
        .cursor = consumers_cursor(store, consumers_from(ask->body)),
        .max_attempts = ask_int(ask, "maxAttempts", CONSUMER_ATTEMPTS),
        .lease_ms = ask_int(ask, "leaseSeconds", CONSUMER_LEASE_MS / 1000) * 1000,
        .created = time_now(),
    };
    TRY(consumer_put(store, &consumer, &doing->added));
    note_status(ask, doing->added ? 201 : 200);
    return find_then(store, ask);
}

void api_consumer_put(struct ask *ask)
{
    struct faults faults = {.arena = ask_arena(ask)};
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct doing));
    if (!consumers_is_name(ask->names[0])) {
        faults_add(&faults, "Invalid name: 1 to 64 of a-z, 0-9, _ and -");
        ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
    } else if (!consumers_refuse_flows(ask)) {
        ask_write(ask, call_put, answer_then);
    }
}

/* Changing. */

static struct consumers_change *begin(struct ask *ask, enum consumers_verb verb)
{
    struct doing *doing = arena_alloc(ask_arena(ask), sizeof *doing);
    doing->change = (struct consumers_change){
        .verb = verb, .org = ask_org(ask), .name = ask->names[0], .from = consumers_from(ask->body)};
    ask->data = doing;
    return &doing->change;
}

static enum err call_change(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct consumers_change *change = &((struct doing *)ask->data)->change;
    TRY(consumers_go(store, ask_arena(ask), change));
    if (change->verb == CONSUMERS_REPLAY)
        note_count(ask, "after", change->after);
    if (change->verb == CONSUMERS_RETRY)
        note_count(ask, "count", change->count);
    if (consumers_did_nothing(change))
        note_nothing(ask);
    return ERR_OK;
}

static enum err call_change_then(struct store *store, struct store_job *job)
{
    TRY(call_change(store, job));
    return find_then(store, ask_of(job));
}

static void change_it(struct ask *ask, enum consumers_verb verb)
{
    begin(ask, verb);
    ask_write(ask, call_change_then, answer_then);
}

void api_consumer_pause(struct ask *ask)
{
    change_it(ask, CONSUMERS_PAUSE);
}

void api_consumer_resume(struct ask *ask)
{
    change_it(ask, CONSUMERS_RESUME);
}

void api_consumer_replay(struct ask *ask)
{
    change_it(ask, CONSUMERS_REPLAY);
}

static void answer_drop(struct ask *ask, enum err err)
{
    const struct doing *doing = ask->data;
    if (!is_done(ask, err))
        return;
    polls_wake(ask->exchange.face->polls, doing->change.consumer);
    ask_answer(ask, 204, SPAN(""));
}

void api_consumer_delete(struct ask *ask)
{
    begin(ask, CONSUMERS_DELETE);
    ask_write(ask, call_change, answer_drop);
}

/* Looking. */

static void put_look(void *arg, const struct consumer *consumer, const struct consumer_state *state)
{
    json_open(arg, '{');
    consumers_write(arg, consumer, state);
    json_close(arg, '}');
}

static enum err run_list(struct view *view, struct ask *ask)
{
    return consumers_each(view, ask_org(ask), put_look, ask->data);
}

static void answer_list(struct ask *ask, enum err err)
{
    struct buf *out = ask->data;
    if (!ask_is_good(ask, err))
        return;
    json_close(out, ']');
    json_close(out, '}');
    ask_answer(ask, 200, buf_span(out));
}

void api_consumers(struct ask *ask)
{
    struct buf *out = arena_alloc(ask_arena(ask), sizeof *out);
    out->arena = ask_arena(ask);
    json_open(out, '{');
    json_key(out, SPAN("consumers"));
    json_open(out, '[');
    ask->data = out;
    ask_read(ask, run_list, answer_list);
}

/* Dead letters. */

static void put_letter(void *arg, const struct dead_letter *letter)
{
    struct page *page = arg;
    struct buf *out = &page->out;
    if (!page_note_number(page, letter->seq))
        return;
    json_open(out, '{');
    json_key(out, SPAN("event"));
    envelope_write(out, letter->seq, &letter->event);
    json_add_int(out, "attempts", letter->attempts);
    time_add(out, "died", letter->died);
    json_add_raw(out, "history", letter->history);
    json_close(out, '}');
}

static enum err run_dead(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    struct consumer consumer;
    TRY(consumers_find(view, ask_arena(ask), ask_org(ask), ask->names[0], &consumer));
    return claim_each_dead(view, consumer.id, ask_org(ask), page->after_number, page->limit, put_letter,
                           page);
}

void api_dead(struct ask *ask)
{
    page_begin(ask, "deadLetters");
    ask_read(ask, run_dead, page_answer);
}

static void answer_revive(struct ask *ask, enum err err)
{
    struct consumers_change *change = &((struct doing *)ask->data)->change;
    const struct face *face = ask->exchange.face;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    if (consumers_goes_on(change)) {
        ask_write(ask, call_change, answer_revive);
        return;
    }
    polls_wake(face->polls, change->consumer);
    if (face->flows != NULL)
        flows_wake(face->flows);
    json_open(&out, '{');
    json_add_int(&out, "retried", change->total);
    json_close(&out, '}');
    ask_answer(ask, 200, buf_span(&out));
}

void api_dead_retry_all(struct ask *ask)
{
    begin(ask, CONSUMERS_RETRY)->all = true;
    ask_write(ask, call_change, answer_revive);
}

void api_dead_retry(struct ask *ask)
{
    if (event_id_read(ask->names[1], &begin(ask, CONSUMERS_RETRY)->id))
        ask_write(ask, call_change, answer_revive);
    else
        ask_refuse(ask, ERR_NOT_FOUND, NULL);
}

/* Consumers: making, looking, and the operator's verbs. */
#include <string.h>

#include "api.h"
#include "base/time.h"
#include "consumers.h"
#include "page.h"

/* Finding. */

static bool name_ok(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return name.len > 0 && name.len <= CONSUMER_NAME_MAX;
}

bool consumers_is_flows(struct span name)
{
    return span_is(name, SPAN("flows"));
}

/* The flows are everybody's to look at, and nobody's to change. */
enum err consumers_find(struct view *view, const struct ask *ask, struct arena *arena,
                        struct consumer *consumer)
{
    struct span org = consumers_is_flows(ask->names[0]) ? SPAN("") : ask_org(ask);
    return consumer_find(view, arena, org, ask->names[0], consumer);
}

bool consumers_refuse_flows(struct ask *ask)
{
    bool is_flows = consumers_is_flows(ask->names[0]);
    if (is_flows)
        ask_refuse(ask, ERR_CONFLICT, "flows is built in: it has no workers, and can't be changed");
    return is_flows;
}

/* Writing. */

static void put_terms(struct buf *out, const struct consumer *consumer)
{
    json_add_str(out, "name", consumer->name);
    json_add_raw(out, "detailTypes", consumer->types);
    json_add_raw(out, "sources", consumer->sources);
    json_add_raw(out, "origins", consumer->origins);
    json_add_int(out, "cursor", consumer->cursor);
    json_add_int(out, "maxAttempts", consumer->max_attempts);
    json_add_int(out, "leaseSeconds", consumer->lease_ms / 1000);
    json_add_raw(out, "paused", consumer->paused ? SPAN("true") : SPAN("false"));
    ask_put_time(out, "created", consumer->created);
}

/* A verb: finds the consumer, does something, and tells what it is like then. */
struct verb {
    struct consumer consumer;
    enum err (*run)(struct store *store, struct ask *ask, struct verb *verb);
    bool added;
};

static enum err call_verb(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct verb *verb = ask->data;
    TRY(verb->run(store, ask, verb));
    return consumers_find(store_view(store), ask, ask_arena(ask), &verb->consumer);
}

static void answer_verb(struct ask *ask, enum err err)
{
    struct verb *verb = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    polls_wake(ask->exchange.face->polls, verb->consumer.id);
    json_open(&out, '{');
    put_terms(&out, &verb->consumer);
    json_close(&out, '}');
    ask_answer(ask, verb->added ? 201 : 200, buf_span(&out));
}

static void run_verb(struct ask *ask, enum err (*run)(struct store *, struct ask *, struct verb *))
{
    struct verb *verb = arena_alloc(ask_arena(ask), sizeof *verb);
    verb->run = run;
    ask->data = verb;
    if (!consumers_refuse_flows(ask))
        ask_write(ask, call_verb, answer_verb);
}

/* The cursor that `from` stands for. */
static int64_t cursor_of(const struct ask *ask, struct store *store)
{
    const struct json *from = json_get(ask->body, "from");
    if (json_kind(from) == JSON_INT)
        return json_int(from) - 1;
    return span_is(json_str(from), SPAN("start")) ? 0 : store_seq(store);
}

static struct span list_of(struct ask *ask, const char *name)
{
    struct buf out = {.arena = ask_arena(ask)};
    const struct json *list = json_get(ask->body, name);
    if (json_kind(list) == JSON_ABSENT)
        return SPAN("[]");
    json_put(&out, list);
    return buf_span(&out);
}

static enum err put(struct store *store, struct ask *ask, struct verb *verb)
{
    struct consumer consumer = {
        .org = ask_org(ask),
        .name = ask->names[0],
        .types = list_of(ask, "detailTypes"),
        .sources = list_of(ask, "sources"),
        .origins = list_of(ask, "origins"),
        .cursor = cursor_of(ask, store),
        .max_attempts = ask_int(ask, "maxAttempts", CONSUMER_ATTEMPTS),
        .lease_ms = ask_int(ask, "leaseSeconds", CONSUMER_LEASE_MS / 1000) * 1000,
        .created = time_now(),
    };
    return consumer_put(store, &consumer, &verb->added);
}

void api_consumer_put(struct ask *ask)
{
    struct faults faults = {.arena = ask_arena(ask)};
    if (name_ok(ask->names[0])) {
        run_verb(ask, put);
        return;
    }
    faults_add(&faults, "Invalid name: 1 to 64 of a-z, 0-9, _ and -");
    ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
}

static enum err set_paused(struct store *store, struct ask *ask, struct verb *verb, bool paused)
{
    TRY(consumers_find(store_view(store), ask, ask_arena(ask), &verb->consumer));
    return consumer_pause(store, verb->consumer.id, paused);
}

static enum err pause_it(struct store *store, struct ask *ask, struct verb *verb)
{
    return set_paused(store, ask, verb, true);
}

static enum err resume_it(struct store *store, struct ask *ask, struct verb *verb)
{
    return set_paused(store, ask, verb, false);
}

static enum err replay(struct store *store, struct ask *ask, struct verb *verb)
{
    TRY(consumers_find(store_view(store), ask, ask_arena(ask), &verb->consumer));
    return consumer_rewind(store, verb->consumer.id, cursor_of(ask, store));
}

void api_consumer_pause(struct ask *ask)
{
    run_verb(ask, pause_it);
}

void api_consumer_resume(struct ask *ask)
{
    run_verb(ask, resume_it);
}

void api_consumer_replay(struct ask *ask)
{
    run_verb(ask, replay);
}

static enum err call_drop(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    return consumer_drop(store, ask_org(ask), ask->names[0]);
}

static void answer_drop(struct ask *ask, enum err err)
{
    if (ask_is_good(ask, err))
        ask_answer(ask, 204, SPAN(""));
}

void api_consumer_delete(struct ask *ask)
{
    if (!consumers_refuse_flows(ask))
        ask_write(ask, call_drop, answer_drop);
}

/* Looking. */

struct look {
    struct ask *ask;
    struct consumer *all;
    size_t count, room;
};

/* Kept, because each is looked at once the list's statement is done. */
static void keep(void *arg, const struct consumer *row)
{
    struct look *look = arg;
    struct arena *arena = ask_arena(look->ask);
    if (look->count == look->room) {
        look->room = look->room * 2 + 16;
        struct consumer *grown = arena_alloc(arena, look->room * sizeof *grown);
        if (look->count > 0)
            memcpy(grown, look->all, look->count * sizeof *grown);
        look->all = grown;
    }
    look->all[look->count] = *row;
    look->all[look->count++].name = (struct span){arena_copy(arena, row->name), row->name.len};
}

static enum err put_look(struct view *view, struct ask *ask, struct buf *out, const struct consumer *consumer)
{
    struct consumer_state state;
    TRY(consumer_look(view, consumer, ask_org(ask), &state));
    json_open(out, '{');
    put_terms(out, consumer);
    json_add_int(out, "lag", state.last > consumer->cursor ? state.last - consumer->cursor : 0);
    json_add_int(out, "inFlight", state.in_flight);
    json_add_int(out, "waiting", state.waiting);
    json_add_int(out, "dead", state.dead);
    ask_put_time(out, "oldestWaiting", state.oldest);
    json_close(out, '}');
    return ERR_OK;
}

static enum err run_list(struct view *view, struct ask *ask)
{
    struct buf *out = ask->data;
    struct look look = {.ask = ask};
    TRY(consumer_each(view, SPAN(""), keep, &look));
    TRY(consumer_each(view, ask_org(ask), keep, &look));
    for (size_t i = 0; i < look.count; i++) {
        struct consumer consumer;
        struct span org = i == 0 ? SPAN("") : ask_org(ask);
        enum err err = consumer_find(view, ask_arena(ask), org, look.all[i].name, &consumer);
        if (err == ERR_OK)
            err = put_look(view, ask, out, &consumer);
        if (err != ERR_OK && err != ERR_NOT_FOUND) /* dropped meanwhile */
            return err;
    }
    return ERR_OK;
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
    ask_put_time(out, "died", letter->died);
    json_add_raw(out, "history", letter->history);
    json_close(out, '}');
}

static enum err run_dead(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    struct consumer consumer;
    TRY(consumers_find(view, ask, ask_arena(ask), &consumer));
    return claim_each_dead(view, consumer.id, ask_org(ask), page->after_number, page->limit, put_letter,
                           page);
}

void api_dead(struct ask *ask)
{
    page_begin(ask, "deadLetters");
    ask_read(ask, run_dead, page_answer);
}

#define REVIVED_AT_ONCE 1000 /* dead letters, so that webhooks do not wait for long */

struct revival {
    struct event_id id; /* of one */
    bool all;
    int64_t consumer, count; /* of the last call */
    int64_t total;
};

static enum err call_revive(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct revival *revival = ask->data;
    struct consumer consumer;
    int64_t seq = 0;
    TRY(consumers_find(store_view(store), ask, ask_arena(ask), &consumer));
    revival->consumer = consumer.id;
    if (!revival->all)
        TRY(view_seq(store_view(store), &revival->id, &seq));
    TRY(claim_revive(store, consumer.id, ask_org(ask), seq, REVIVED_AT_ONCE, time_now(), &revival->count));
    return revival->all || revival->count > 0 ? ERR_OK : ERR_NOT_FOUND;
}

static void answer_revive(struct ask *ask, enum err err)
{
    struct revival *revival = ask->data;
    const struct face *face = ask->exchange.face;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    revival->total += revival->count;
    if (revival->count == REVIVED_AT_ONCE) {
        ask_write(ask, call_revive, answer_revive);
        return;
    }
    polls_wake(face->polls, revival->consumer);
    if (face->flows != NULL)
        flows_wake(face->flows);
    json_open(&out, '{');
    json_add_int(&out, "retried", revival->total);
    json_close(&out, '}');
    ask_answer(ask, 200, buf_span(&out));
}

void api_dead_retry_all(struct ask *ask)
{
    struct revival *revival = arena_alloc(ask_arena(ask), sizeof *revival);
    revival->all = true;
    ask->data = revival;
    ask_write(ask, call_revive, answer_revive);
}

void api_dead_retry(struct ask *ask)
{
    struct revival *revival = arena_alloc(ask_arena(ask), sizeof *revival);
    ask->data = revival;
    if (event_id_read(ask->names[1], &revival->id))
        ask_write(ask, call_revive, answer_revive);
    else
        ask_refuse(ask, ERR_NOT_FOUND, NULL);
}

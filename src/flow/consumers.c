/* Verbs on consumers: one function makes them all, within the writer's transaction. */
#include "flow/consumers.h"

#include "base/time.h"
#include "model/shapes.h"
#include "store/view.h"

bool consumers_is_name(struct span name)
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

enum err consumers_find(struct view *view, struct arena *arena, struct span org, struct span name,
                        struct consumer *consumer)
{
    return consumer_find(view, arena, consumers_is_flows(name) ? SPAN("") : org, name, consumer);
}

/* Looking. */

/* A list is kept, because each of its consumers is looked at once the list's statement is done. */
struct list {
    struct arena arena;
    struct listed {
        struct listed *next;
        struct span name;
    } * first, **last;
};

static void keep(void *arg, const struct consumer *row)
{
    struct list *list = arg;
    struct listed *listed = arena_alloc(&list->arena, sizeof *listed);
    listed->name = (struct span){arena_copy(&list->arena, row->name), row->name.len};
    *list->last = listed;
    list->last = &listed->next;
}

enum err consumers_look(struct view *view, struct span org, struct span name, consumers_fn *row, void *arg)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct consumer consumer;
    struct consumer_state state;
    TRY(consumers_find(view, &arena, org, name, &consumer));
    TRY(consumer_look(view, &consumer, org, &state));
    row(arg, &consumer, &state);
    return ERR_OK;
}

enum err consumers_each(struct view *view, struct span org, consumers_fn *row, void *arg)
{
    struct list list = {.last = &list.first};
    enum err err = consumer_each(view, SPAN(""), keep, &list);
    if (err == ERR_OK)
        err = consumer_each(view, org, keep, &list);
    for (const struct listed *one = list.first; one != NULL && err == ERR_OK; one = one->next) {
        err = consumers_look(view, org, one->name, row, arg);
        if (err == ERR_NOT_FOUND) /* dropped meanwhile */
            err = ERR_OK;
    }
    arena_free(&list.arena);
    return err;
}

void consumers_write(struct buf *out, const struct consumer *consumer, const struct consumer_state *state)
{
    json_add_str(out, "name", consumer->name);
    json_add_raw(out, "detailTypes", consumer->types);
    json_add_raw(out, "sources", consumer->sources);
    json_add_raw(out, "origins", consumer->origins);
    json_add_int(out, "cursor", consumer->cursor);
    json_add_int(out, "maxAttempts", consumer->max_attempts);
    json_add_int(out, "leaseSeconds", consumer->lease_ms / 1000);
    json_add_raw(out, "paused", consumer->paused ? SPAN("true") : SPAN("false"));
    time_add(out, "created", consumer->created);
    if (state == NULL)
        return;
    json_add_int(out, "lag", state->last > consumer->cursor ? state->last - consumer->cursor : 0);
    json_add_int(out, "inFlight", state->in_flight);
    json_add_int(out, "waiting", state->waiting);
    json_add_int(out, "dead", state->dead);
    time_add(out, "oldestWaiting", state->oldest);
    time_add(out, "seen", consumer->seen);
    json_add_int(out, "missed", consumer->missed);
}

/* Changing. */

int64_t consumers_from(const struct json *object)
{
    const struct json *from = json_get(object, "from");
    if (json_kind(from) == JSON_INT)
        return json_int(from);
    return span_is(json_str(from), SPAN("start")) ? 1 : CONSUMERS_NOW;
}

bool consumers_read_from(const struct json *object, int64_t *from)
{
    struct faults faults CLEANUP(faults_free) = {0};
    bool good = shape_check(&shape_consumer_replay, object, &faults);
    *from = consumers_from(object);
    return good;
}

int64_t consumers_cursor(const struct store *store, int64_t from)
{
    return from == CONSUMERS_NOW ? store_seq(store) : from - 1;
}

static const struct {
    const char *word, *action;
} verbs[CONSUMERS_VERBS] = {
    [CONSUMERS_PAUSE] = {"pause", "consumers pause"},    [CONSUMERS_RESUME] = {"resume", "consumers resume"},
    [CONSUMERS_REPLAY] = {"replay", "consumers replay"}, [CONSUMERS_DELETE] = {"delete", "consumers delete"},
    [CONSUMERS_RETRY] = {"retry", "consumers retry"},
};

enum consumers_verb consumers_verb_read(struct span word)
{
    enum consumers_verb verb = 0;
    while (verb < CONSUMERS_VERBS && !span_is(word, span_of(verbs[verb].word)))
        verb++;
    return verb;
}

const char *consumers_verb_word(enum consumers_verb verb)
{
    return verbs[verb].word;
}

const char *consumers_action(enum consumers_verb verb)
{
    return verbs[verb].action;
}

static enum err revive(struct store *store, struct consumers_change *change)
{
    int64_t seq = 0;
    if (!change->all)
        TRY(view_seq(store_view(store), &change->id, &seq));
    TRY(claim_revive(store, change->consumer, change->org, seq, CONSUMERS_REVIVED, time_now(),
                     &change->count));
    return change->all || change->count > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* The flows' dead letters are all that anybody may do something about. */
enum err consumers_go(struct store *store, struct arena *arena, struct consumers_change *change)
{
    struct consumer consumer;
    change->consumer = change->count = 0;
    if (consumers_is_flows(change->name) && change->verb != CONSUMERS_RETRY)
        return ERR_CONFLICT;
    TRY(consumers_find(store_view(store), arena, change->org, change->name, &consumer));
    change->consumer = consumer.id;
    switch (change->verb) {
    case CONSUMERS_REPLAY:
        change->after = consumers_cursor(store, change->from);
        return consumer_rewind(store, consumer.id, change->after);
    case CONSUMERS_DELETE:
        return consumer_drop(store, change->org, change->name);
    case CONSUMERS_RETRY:
        return revive(store, change);
    default:
        return consumer_pause(store, consumer.id, change->verb == CONSUMERS_PAUSE);
    }
}

/* One more go, for a last dead letter that was not there. */
bool consumers_did_nothing(const struct consumers_change *change)
{
    return change->total > 0 && change->count == 0;
}

bool consumers_goes_on(struct consumers_change *change)
{
    change->total += change->count;
    return change->all && change->count == CONSUMERS_REVIVED;
}

void consumers_explain(const struct consumers_change *change, enum err err, struct buf *out)
{
    if (err == ERR_CONFLICT)
        buf_add(out, SPAN(CONSUMERS_BUILT_IN));
    else if (err == ERR_NOT_FOUND && change->consumer != 0)
        buf_add(out, SPAN("no such dead letter"));
    else if (err == ERR_NOT_FOUND)
        buf_printf(out, "no such consumer in the organization %.*s", (int)change->org.len, change->org.at);
    else
        buf_add(out, span_of(err_text(err)));
}

/* The same that the API tells of it. */
static struct span what_of(struct arena *arena, const struct consumers_change *change)
{
    char id[EVENT_ID_TEXT];
    struct buf what = {.arena = arena};
    json_open(&what, '{');
    json_add_str(&what, "name", change->name);
    if (change->verb == CONSUMERS_REPLAY)
        json_add_int(&what, "after", change->after);
    if (change->verb == CONSUMERS_RETRY && !change->all) {
        event_id_write(id, &change->id);
        json_add_str(&what, "id", span_of(id));
    }
    if (change->verb == CONSUMERS_RETRY)
        json_add_int(&what, "count", change->count);
    json_close(&what, '}');
    return buf_span(&what);
}

static enum err call_order(struct store *store, struct store_job *job)
{
    struct consumers_order *order = (struct consumers_order *)job;
    TRY(consumers_go(store, &order->arena, &order->change));
    order->caller.entry.what = what_of(&order->arena, &order->change);
    order->caller.entry.silent = consumers_did_nothing(&order->change);
    return ERR_OK;
}

void consumers_order_begin(struct consumers_order *order)
{
    order->caller.entry.org = order->change.org;
    order->job = (struct store_job){.kind = STORE_CALL, .call = call_order, .audit = &order->caller.entry};
}

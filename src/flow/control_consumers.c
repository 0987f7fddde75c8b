/* Both ends of a change of a consumer: {"command":"consumer","verb":"...","org","name","from","id","all"}. */
#include <stdlib.h>

#include "control_parts.h"
#include "model/config.h"
#include "store/writer.h"

struct changing {
    struct consumers_order order; /* first: it comes back from the writer */
    struct control *control;
    struct line_call *call;
};

/* As the API wakes them. */
static void wake(const struct control *control, const struct consumers_change *change)
{
    news_tell_consumer(control->news, change->consumer);
    if (change->verb == CONSUMERS_RETRY && control->flows != NULL)
        flows_wake(control->flows);
}

static void say(struct changing *changing, enum err err)
{
    struct buf line CLEANUP(buf_free) = {0};
    struct buf why CLEANUP(buf_free) = {0};
    const struct consumers_change *change = &changing->order.change;
    json_open(&line, '{');
    json_add_int(&line, "total", change->total);
    json_add_int(&line, "after", change->after);
    if (err != ERR_OK) {
        consumers_explain(change, err, &why);
        json_add_str(&line, "error", buf_span(&why));
    }
    json_close(&line, '}');
    line_say(changing->call, buf_span(&line));
    line_end(changing->call);
    arena_free(&changing->order.arena);
    free(changing);
}

/* Whoever waits is told of each go, as the next one may fail. */
static void on_gone(struct store_job *job)
{
    struct changing *changing = (struct changing *)job;
    struct consumers_change *change = &changing->order.change;
    enum err err = job->err;
    if (err == ERR_OK) {
        wake(changing->control, change);
        if (consumers_goes_on(change)) {
            err = changing->control->stopping ? ERR_BUSY : writer_put(changing->control->writer, job);
            if (err == ERR_OK)
                return; /* it is the writer's again */
        }
    }
    say(changing, err);
}

static struct span kept(struct arena *arena, const struct json *request, const char *key)
{
    struct span text = json_str(json_get(request, key));
    return (struct span){arena_copy(arena, text), text.len};
}

static bool read_change(const struct json *request, struct arena *arena, struct consumers_change *change)
{
    change->verb = consumers_verb_read(json_str(json_get(request, "verb")));
    change->org = kept(arena, request, "org");
    change->name = kept(arena, request, "name");
    change->all = json_bool(json_get(request, "all"));
    if (!config_is_org(change->org))
        return false;
    if (change->verb == CONSUMERS_REPLAY)
        return consumers_read_from(json_get(request, "body"), &change->from);
    if (change->verb == CONSUMERS_RETRY && !change->all)
        return event_id_read(json_str(json_get(request, "id")), &change->id);
    return change->verb != CONSUMERS_VERBS;
}

void consumers_handle(struct control *control, struct line_call *call, const struct json *request)
{
    struct changing *changing = mem_alloc(sizeof *changing);
    struct consumers_order *order = &changing->order;
    if (!read_change(request, &order->arena, &order->change)) {
        arena_free(&order->arena);
        free(changing);
        control_say_unknown(call);
        return;
    }
    changing->control = control;
    changing->call = call;
    caller_of(&order->caller, call, consumers_action(order->change.verb));
    consumers_order_begin(order);
    order->job.loop = control->loop;
    order->job.done = on_gone;
    enum err err = writer_put(control->writer, &order->job);
    if (err != ERR_OK)
        say(changing, err); /* else it is the writer's now, and so is what became of it */
}

struct asking {
    struct consumers_change *change;
    struct buf *why;
    bool ended;
};

static void on_line(void *arg, struct span line)
{
    struct asking *asking = arg;
    struct json_fault fault;
    struct json *json = json_parse(line, &fault);
    if (json_get(json, "total") != NULL) {
        asking->ended = true;
        asking->change->total = json_int(json_get(json, "total"));
        asking->change->after = json_int(json_get(json, "after"));
        buf_add(asking->why, json_str(json_get(json, "error")));
    }
    json_free(json);
}

enum err control_change_consumer(const char *path, struct consumers_change *change, struct buf *why)
{
    struct buf request CLEANUP(buf_free) = {0};
    struct asking asking = {change, why, false};
    char id[EVENT_ID_TEXT];
    event_id_write(id, &change->id);
    json_open(&request, '{');
    json_add_str(&request, "command", SPAN("consumer"));
    json_add_str(&request, "verb", span_of(consumers_verb_word(change->verb)));
    json_add_str(&request, "org", change->org);
    json_add_str(&request, "name", change->name);
    json_add_str(&request, "id", span_of(id));
    json_add_raw(&request, "all", change->all ? SPAN("true") : SPAN("false"));
    json_key(&request, SPAN("body"));
    json_open(&request, '{');
    if (change->from == CONSUMERS_NOW)
        json_add_str(&request, "from", SPAN("now"));
    else
        json_add_int(&request, "from", change->from);
    json_close(&request, '}');
    json_close(&request, '}');
    TRY(line_ask(path, buf_span(&request), on_line, &asking));
    return asking.ended ? ERR_OK : ERR_INTERNAL;
}

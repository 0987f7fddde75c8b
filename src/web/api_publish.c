/* POST /v1/events: what programs of the lab publish. */
#include "api.h"
#include "base/time.h"
#include "model/detail.h"
#include "model/publish.h"

enum result { RESULT_STORED, RESULT_DUPLICATE, RESULT_REJECTED, RESULTS };

static const char *const result_names[RESULTS] = {"stored", "duplicate", "rejected"};

/* One event on its way. */
struct item {
    struct event event;
    struct faults faults; /* without any it goes to the writer */
    enum result result;
    int64_t seq; /* of what is stored just now */
};

struct items {
    struct item *all;
    size_t count;
    size_t counts[RESULTS];
};

/* Reading. */

static void read_item(struct ask *ask, const struct json *envelope, int64_t now, struct item *item)
{
    struct faults *faults = &item->faults;
    *item = (struct item){.faults.arena = ask_arena(ask)};
    bool good = publish_read(ask_arena(ask), envelope, ask_org(ask), now, &item->event, faults);
    if (good && !token_may_publish(ask->token, item->event.source))
        faults_add(faults, "Invalid source: none that the token may publish as");
    good = detail_check(json_str(json_get(envelope, "source")), json_str(json_get(envelope, "detailType")),
                        envelope, faults);
    (void)good; /* the faults say it */
}

/* Writing, in the writer's thread. */

static enum err put_item(struct store *store, struct item *item)
{
    bool duplicate, changed;
    item->result = RESULT_REJECTED;
    if (item->faults.count > 0)
        return ERR_OK;
    TRY(store_publish(store, &item->event, &duplicate, &changed));
    item->result = changed ? RESULT_REJECTED : duplicate ? RESULT_DUPLICATE : RESULT_STORED;
    item->seq = store_seq(store);
    return ERR_OK;
}

static void note_items(struct ask *ask, const struct items *items)
{
    int64_t counts[RESULTS] = {0};
    for (size_t i = 0; i < items->count; i++) {
        counts[items->all[i].result]++;
        if (items->all[i].result == RESULT_STORED)
            note_row(ask, items->all[i].seq);
    }
    if (counts[RESULT_DUPLICATE] > 0)
        note_count(ask, "duplicates", counts[RESULT_DUPLICATE]);
    if (counts[RESULT_REJECTED] > 0)
        note_count(ask, "rejected", counts[RESULT_REJECTED]);
    if (json_kind(ask->body) != JSON_ARR)
        note_status(ask, counts[RESULT_STORED] > 0 ? 201 : 200);
    if (json_kind(ask->body) != JSON_ARR && counts[RESULT_REJECTED] > 0)
        note_nothing(ask);
}

static enum err call_publish(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct items *items = ask->data;
    for (size_t i = 0; i < items->count; i++)
        TRY(put_item(store, &items->all[i]));
    note_items(ask, items);
    return ERR_OK;
}

/* Answering. */

static void count_results(struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->all[i];
        items->counts[item->result]++;
        if (item->result == RESULT_REJECTED && item->faults.count == 0)
            faults_add(&item->faults, "Invalid id: known with other content");
    }
}

static void put_errors(struct buf *out, const struct faults *faults)
{
    json_key(out, SPAN("errors"));
    json_open(out, '[');
    for (size_t i = 0; i < faults->count; i++)
        json_put_str(out, span_of(faults->texts[i]));
    json_close(out, ']');
}

static void put_result(struct buf *out, const struct item *item)
{
    char id[EVENT_ID_TEXT];
    event_id_write(id, &item->event.id);
    json_open(out, '{');
    json_add_str(out, "result", span_of(result_names[item->result]));
    if (item->result == RESULT_REJECTED)
        put_errors(out, &item->faults);
    else
        json_add_str(out, "eventId", span_of(id));
    if (item->result == RESULT_STORED)
        json_add_int(out, "seq", item->seq);
    json_close(out, '}');
}

static void put_results(struct buf *out, const struct items *items)
{
    json_open(out, '{');
    json_key(out, SPAN("results"));
    json_open(out, '[');
    for (size_t i = 0; i < items->count; i++)
        put_result(out, &items->all[i]);
    json_close(out, ']');
    json_add_int(out, "stored", (int64_t)items->counts[RESULT_STORED]);
    json_add_int(out, "duplicates", (int64_t)items->counts[RESULT_DUPLICATE]);
    json_add_int(out, "rejected", (int64_t)items->counts[RESULT_REJECTED]);
    json_close(out, '}');
}

static void answer_list(struct ask *ask, enum err err)
{
    struct items *items = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    count_results(items);
    put_results(&out, items);
    ask_answer(ask, 200, buf_span(&out));
}

static void answer_one(struct ask *ask, enum err err)
{
    struct items *items = ask->data;
    const struct item *item = items->all;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    count_results(items);
    put_result(&out, item);
    if (item->result == RESULT_REJECTED)
        ask_refuse_faults(ask, ERR_REJECTED, &item->faults);
    else
        ask_answer(ask, item->result == RESULT_STORED ? 201 : 200, buf_span(&out));
}

void api_publish(struct ask *ask)
{
    bool is_list = json_kind(ask->body) == JSON_ARR;
    int64_t now = time_now();
    struct items *items = arena_alloc(ask_arena(ask), sizeof *items);
    items->count = is_list ? json_count(ask->body) : 1;
    ask->data = items;
    if (items->count > PUBLISH_BATCH_MAX) {
        ask_refuse(ask, ERR_REJECTED, "The list has more than 1000 events");
        return;
    }
    items->all = arena_alloc(ask_arena(ask), items->count * sizeof *items->all);
    for (size_t i = 0; i < items->count; i++)
        read_item(ask, is_list ? json_at(ask->body, i) : ask->body, now, &items->all[i]);
    ask_grow(ask, call_publish, is_list ? answer_list : answer_one);
}

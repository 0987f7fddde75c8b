/* Looking at events: the log in pages, and one event with its way. */
#include "api.h"
#include "base/time.h"
#include "filter.h"
#include "model/cloudevent.h"
#include "model/envelope.h"
#include "store/journal.h"

#define PAGE_BYTES 8388608 /* of all details of a page */

/* A page. */

struct paging {
    struct journal_order order;
    struct journal_page page;
    bool cloud; /* as CloudEvents */
};

static enum err run_page(struct view *view, struct ask *ask)
{
    struct paging *paging = ask->data;
    TRY(journal_read(view, ask_arena(ask), &paging->order, &paging->page));
    for (const struct journal_entry *entry = paging->page.first; entry != NULL; entry = entry->next)
        note_row(ask, entry->seq);
    return ERR_OK;
}

static void put_page(struct buf *out, const struct journal_page *page)
{
    json_open(out, '{');
    json_key(out, SPAN("events"));
    json_open(out, '[');
    for (const struct journal_entry *entry = page->first; entry != NULL; entry = entry->next)
        envelope_write(out, entry->seq, &entry->event);
    json_close(out, ']');
    if (page->more)
        json_add_int(out, "next", page->position);
    else
        json_add_raw(out, "next", SPAN("null"));
    json_close(out, '}');
}

static void put_cloud_page(struct buf *out, const struct journal_page *page)
{
    json_open(out, '[');
    for (const struct journal_entry *entry = page->first; entry != NULL; entry = entry->next)
        cloudevent_write(out, entry->seq, &entry->event);
    json_close(out, ']');
}

/* The query of the next page: that of this one, with another cursor. */
static struct span next_link(struct ask *ask, int64_t position)
{
    struct buf link = {.arena = ask_arena(ask)};
    struct span rest = ask->exchange.call->request.query;
    buf_add(&link, SPAN("</v1/events?"));
    while (rest.len > 0) {
        struct span pair = span_cut(&rest, '&');
        if (span_starts(pair, SPAN("cursor=")))
            continue;
        buf_add(&link, pair);
        buf_add_char(&link, '&');
    }
    buf_printf(&link, "cursor=%lld>; rel=\"next\"", (long long)position);
    return buf_span(&link);
}

/* A batch of CloudEvents has no place for a cursor. */
static void answer_cloud(struct ask *ask, const struct journal_page *page)
{
    struct buf out = {.arena = ask_arena(ask)};
    struct header headers[] = {{SPAN("Content-Type"), SPAN(CLOUDEVENT_BATCH_TYPE)},
                               {SPAN("Link"), next_link(ask, page->position)}};
    put_cloud_page(&out, page);
    http_answer(ask->exchange.call, 200, headers, page->more ? 2 : 1, buf_span(&out));
}

static void answer_page(struct ask *ask, enum err err)
{
    const struct paging *paging = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    if (paging->cloud) {
        answer_cloud(ask, &paging->page);
        return;
    }
    put_page(&out, &paging->page);
    ask_answer(ask, 200, buf_span(&out));
}

static int64_t param_time(const struct ask *ask, const char *name, int64_t otherwise)
{
    int64_t ms;
    return time_parse(ask_param(ask, name), NULL, &ms) ? ms : otherwise;
}

/* Whoever accepts both is given what is this API's own. */
static bool wants_cloud(const struct ask *ask)
{
    struct span accept;
    const struct request *request = &ask->exchange.call->request;
    if (request_header(request, SPAN("Accept"), &accept) != 1)
        return false;
    return span_is_nocase(span_trim(span_cut(&accept, ';')), SPAN(CLOUDEVENT_BATCH_TYPE));
}

void api_events(struct ask *ask)
{
    struct paging *paging = arena_alloc(ask_arena(ask), sizeof *paging);
    bool newest = !span_is(ask_param(ask, "order"), SPAN("oldest"));
    paging->cloud = wants_cloud(ask);
    paging->order = (struct journal_order){
        .filter = filter_of(ask, ask_arena(ask)),
        .since = param_time(ask, "since", INT64_MIN),
        .until = param_time(ask, "until", INT64_MAX),
        .newest = newest,
        .after = ask_param_int(ask, "cursor", newest ? INT64_MAX : 0),
        .limit = ask_param_int(ask, "limit", API_PAGE),
        .bytes = PAGE_BYTES,
    };
    ask->data = paging;
    ask_read(ask, run_page, answer_page);
}

/* One event. */

struct looking {
    struct event_id id;
    struct journal_entry entry;
    struct journal_step *steps;
};

static enum err run_way(struct view *view, struct ask *ask)
{
    struct looking *looking = ask->data;
    TRY(journal_way(view, ask_arena(ask), ask_org(ask), &looking->id, time_now(), &looking->entry,
                    &looking->steps));
    note_row(ask, looking->entry.seq);
    return ERR_OK;
}

static void put_step(struct buf *out, const struct journal_step *step)
{
    json_open(out, '{');
    json_add_str(out, "consumer", step->consumer);
    json_add_str(out, "state", span_of(journal_state_names[step->state]));
    if (step->claim.known) {
        json_add_int(out, "attempts", step->claim.attempts);
        json_add_str(out, "worker", step->claim.worker);
        time_add(out, "due", step->claim.due);
        json_add_raw(out, "history", step->claim.history);
    }
    json_close(out, '}');
}

static void answer_way(struct ask *ask, enum err err)
{
    const struct looking *looking = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    if (!ask_is_good(ask, err))
        return;
    json_open(&out, '{');
    json_key(&out, SPAN("event"));
    envelope_write(&out, looking->entry.seq, &looking->entry.event);
    json_key(&out, SPAN("consumers"));
    json_open(&out, '[');
    for (const struct journal_step *step = looking->steps; step != NULL; step = step->next)
        put_step(&out, step);
    json_close(&out, ']');
    json_close(&out, '}');
    ask_answer(ask, 200, buf_span(&out));
}

void api_event(struct ask *ask)
{
    struct looking *looking = arena_alloc(ask_arena(ask), sizeof *looking);
    ask->data = looking;
    if (event_id_read(ask->names[0], &looking->id))
        ask_read(ask, run_way, answer_way);
    else
        ask_refuse(ask, ERR_NOT_FOUND, NULL);
}

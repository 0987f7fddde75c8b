/* Quarantine: looking, and mapping again. */
#include "base/base64.h"
#include "base/time.h"
#include "flow/retry.h"
#include "page.h"

#define ROWS_TOLD 1000 /* of a retry of all */

static void put_row(struct buf *out, const struct view_quarantine *row)
{
    char id[EVENT_ID_TEXT];
    event_id_write(id, &row->id);
    json_add_str(out, "id", span_of(id));
    json_add_str(out, "origin", row->origin);
    time_add(out, "firstSeen", row->first_seen);
    time_add(out, "lastSeen", row->last_seen);
    json_add_int(out, "count", row->count);
    json_add_raw(out, "errors", row->faults);
    json_add_int(out, "bytes", row->bytes);
}

/* A page. */

static void put_listed(void *arg, const struct view_quarantine *row)
{
    struct page *page = arg;
    page->rows++;
    json_open(&page->out, '{');
    put_row(&page->out, row);
    json_close(&page->out, '}');
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    page->last_number = page->after_number;
    TRY(view_quarantine_page(view, ask_org(ask), ask_text(ask, "origin"), &page->last_number, page->limit,
                             put_listed, page));
    note_count(ask, "count", page->rows);
    return ERR_OK;
}

void api_quarantine(struct ask *ask)
{
    page_begin(ask, "quarantine");
    ask_read(ask, run_page, page_answer);
}

/* One row. */

struct looking {
    struct event_id id;
    struct span org;
    struct buf out; /* empty if the row is another org's */
};

static void put_body(struct buf *out, struct span body)
{
    struct buf base64 = {.arena = out->arena};
    base64_write(&base64, body);
    json_key(out, SPAN("body"));
    if (json_is_utf8(body))
        json_put_str(out, body);
    else
        json_put_raw(out, SPAN("null"));
    json_add_str(out, "bodyBase64", buf_span(&base64));
}

static void put_whole(void *arg, const struct view_quarantine *row)
{
    struct looking *looking = arg;
    struct buf *out = &looking->out;
    if (!span_is(row->org, looking->org))
        return;
    json_open(out, '{');
    put_row(out, row);
    json_add_raw(out, "head", row->head.len > 0 ? row->head : SPAN("null"));
    put_body(out, row->body);
    json_close(out, '}');
}

static enum err run_one(struct view *view, struct ask *ask)
{
    struct looking *looking = ask->data;
    TRY(view_quarantine_one(view, &looking->id, put_whole, looking));
    return looking->out.len > 0 ? ERR_OK : ERR_NOT_FOUND;
}

static void answer_one(struct ask *ask, enum err err)
{
    const struct looking *looking = ask->data;
    if (ask_is_good(ask, err))
        ask_answer(ask, 200, buf_span(&looking->out));
}

void api_quarantine_one(struct ask *ask)
{
    struct looking *looking = arena_alloc(ask_arena(ask), sizeof *looking);
    looking->org = ask_org(ask);
    looking->out.arena = ask_arena(ask);
    ask->data = looking;
    if (event_id_read(ask->names[0], &looking->id))
        ask_read(ask, run_one, answer_one);
    else
        ask_refuse(ask, ERR_NOT_FOUND, NULL);
}

/* Mapping again. */

struct retrying {
    struct buf out;
    int64_t rows;
    bool all;
    bool found; /* of one */
};

static void put_retried(void *arg, const char *id, const char *result, const struct faults *faults)
{
    struct ask *ask = arg;
    struct retrying *retrying = ask->data;
    struct buf *out = &retrying->out;
    retrying->found = !span_is(span_of(result), SPAN("not found"));
    if (retrying->rows++ >= ROWS_TOLD)
        return;
    json_open(out, '{');
    json_add_str(out, "id", span_of(id));
    json_add_str(out, "result", span_of(result));
    json_key(out, SPAN("errors"));
    json_open(out, '[');
    for (size_t i = 0; faults != NULL && i < faults->count; i++)
        json_put_str(out, span_of(faults->texts[i]));
    json_close(out, ']');
    json_close(out, '}');
}

static void answer_retry(void *arg, size_t failed)
{
    struct ask *ask = arg;
    struct retrying *retrying = ask->data;
    struct buf *out = &retrying->out;
    if (!retrying->all) {
        if (ask_is_good(ask, retrying->found ? ERR_OK : ERR_NOT_FOUND))
            ask_answer(ask, 200, buf_span(out));
        return;
    }
    json_close(out, ']');
    json_add_int(out, "tried", retrying->rows);
    json_add_int(out, "failed", (int64_t)failed);
    json_close(out, '}');
    ask_answer(ask, 200, buf_span(out));
}

static void retry(struct ask *ask, const struct retry_scope *scope)
{
    const struct face *face = ask->exchange.face;
    struct retrying *retrying = arena_alloc(ask_arena(ask), sizeof *retrying);
    retrying->out.arena = ask_arena(ask);
    retrying->all = scope->all;
    ask->data = retrying;
    if (scope->all) {
        json_open(&retrying->out, '{');
        json_key(&retrying->out, SPAN("results"));
        json_open(&retrying->out, '[');
    }
    ask->entry.status = ask->api->status;
    http_hold(ask->exchange.call); /* one commit a row */
    retry_start(&face->sources, face->view, face->writer, ask->exchange.call->loop, scope, &ask->entry,
                put_retried, answer_retry, ask);
}

void api_quarantine_retry(struct ask *ask)
{
    struct retry_scope scope = {.source = SPAN(""), .org = ask_org(ask)};
    if (event_id_read(ask->names[0], &scope.id))
        retry(ask, &scope);
    else
        ask_refuse(ask, ERR_NOT_FOUND, NULL);
}

void api_quarantine_retry_all(struct ask *ask)
{
    struct retry_scope scope = {.all = true, .source = ask_text(ask, "origin"), .org = ask_org(ask)};
    retry(ask, &scope);
}

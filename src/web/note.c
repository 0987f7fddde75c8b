/* Rows become ranges: "101-200,205". */
#include "note.h"

#include "api.h"
#include "web/client.h"

void note_who(struct ask *ask)
{
    const struct exchange *exchange = &ask->exchange;
    struct network_host host = client_find(&exchange->call->request, exchange->face->trusted_proxies);
    char via[NETWORK_HOST_TEXT];
    network_host_write(via, &host);
    ask->entry = (struct audit_entry){.who = span_of(ask->token->name),
                                      .org = ask_org(ask),
                                      .via = span_of(arena_copy(ask_arena(ask), span_of(via))),
                                      .action = span_of(ask->api->name),
                                      .what = SPAN("{}")};
}

/* The path's parts in braces, by their names. */
static void put_names(struct ask *ask, struct buf *what)
{
    struct span rest = span_of(ask->api->path);
    for (size_t i = 0; i < API_NAMES && ask->names[i].at != NULL; i++) {
        span_cut(&rest, '{');
        json_key(what, span_cut(&rest, '}'));
        json_put_str(what, ask->names[i]);
    }
}

static void put_params(struct ask *ask, struct buf *what)
{
    size_t place = 0, found = 0;
    for (size_t i = 0; i < api_param_count; i++) {
        if (!span_is(span_of(api_params[i].operation), ask->entry.action))
            continue;
        if (ask->params[place++].at == NULL)
            continue;
        if (found++ == 0) {
            json_key(what, SPAN("params"));
            json_open(what, '[');
        }
        json_put_str(what, span_of(api_params[i].field.name));
    }
    if (found > 0)
        json_close(what, ']');
}

void note_begin(struct ask *ask)
{
    struct note *note = &ask->note;
    *note = (struct note){.what = note->what, .ids = note->ids, .rows = note->rows};
    note->what.len = note->ids.len = note->rows.len = 0;
    note->what.arena = note->ids.arena = note->rows.arena = ask_arena(ask);
    ask->entry.silent = false;
    ask->entry.status = ask->api->status;
    json_open(&note->what, '{');
    put_names(ask, &note->what);
    put_params(ask, &note->what);
}

static void put_range(struct note *note)
{
    if (!note->has_rows)
        return;
    buf_printf(&note->rows, "%s%lld", note->rows.len > 0 ? "," : "", (long long)note->first);
    if (note->last != note->first)
        buf_printf(&note->rows, "-%lld", (long long)note->last);
}

void note_row(struct ask *ask, int64_t number)
{
    struct note *note = &ask->note;
    int64_t step = number - note->last;
    note->count++;
    if (note->has_rows && (step == 1 || step == -1) && (note->step == 0 || note->step == step)) {
        note->step = step;
        note->last = number;
        return;
    }
    put_range(note);
    note->first = note->last = number;
    note->step = 0;
    note->has_rows = true;
}

void note_id(struct ask *ask, struct span id)
{
    struct buf *ids = &ask->note.ids;
    ask->note.count++;
    if (ids->len == 0)
        json_open(ids, '[');
    json_put_str(ids, id);
}

void note_count(struct ask *ask, const char *name, int64_t count)
{
    json_add_int(&ask->note.what, name, count);
}

void note_status(struct ask *ask, int status)
{
    ask->entry.status = status;
}

void note_nothing(struct ask *ask)
{
    ask->entry.silent = true;
}

void note_end(struct ask *ask)
{
    struct note *note = &ask->note;
    put_range(note);
    if (note->count > 0)
        json_add_int(&note->what, "count", note->count);
    if (note->rows.len > 0)
        json_add_str(&note->what, "rows", buf_span(&note->rows));
    if (note->ids.len > 0) {
        json_close(&note->ids, ']');
        json_add_raw(&note->what, "ids", buf_span(&note->ids));
    }
    json_close(&note->what, '}');
    ask->entry.what = buf_span(&note->what);
}

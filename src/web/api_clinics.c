/* Clinics: put, looked at, forgotten, imported. */
#include "page.h"
#include "base/time.h"
#include "model/clinic.h"
#include "store/clinics.h"

#define IMPORT_MOST 1000 /* clinics of one list */

static struct span document_of(struct ask *ask, const struct json *clinic)
{
    struct buf out = {.arena = ask_arena(ask)};
    json_put(&out, clinic);
    return buf_span(&out);
}

/* What the flows gave up for want of a clinic is tried again at once. */
static void wake_flows(struct ask *ask, int64_t revived)
{
    struct flows *flows = ask->exchange.face->flows;
    if (revived > 0 && flows != NULL)
        flows_wake(flows);
}

/* One. */

struct putting {
    struct clinic_row row;
    bool added;
    int64_t revived;
};

static enum err call_put(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct putting *putting = ask->data;
    TRY(clinic_put(store, &putting->row, &putting->added, &putting->revived));
    note_status(ask, putting->added ? 201 : 200);
    return ERR_OK;
}

static void answer_put(struct ask *ask, enum err err)
{
    const struct putting *putting = ask->data;
    if (!ask_is_good(ask, err))
        return;
    wake_flows(ask, putting->revived);
    ask_answer(ask, putting->added ? 201 : 200, putting->row.document);
}

void api_clinic_put(struct ask *ask)
{
    struct clinic clinic;
    struct faults faults = {.arena = ask_arena(ask)};
    struct putting *putting = arena_alloc(ask_arena(ask), sizeof *putting);
    struct span document = document_of(ask, ask->body);
    if (clinic_check(ask->body, document, &clinic, &faults) && !span_is(clinic.id, ask->names[0]))
        faults_add(&faults, "Invalid clinicId: the path has another");
    if (faults.count > 0) {
        ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
        return;
    }
    putting->row = (struct clinic_row){ask_org(ask), ask->names[0], document, time_now()};
    ask->data = putting;
    ask_grow(ask, call_put, answer_put);
}

static enum err run_one(struct view *view, struct ask *ask)
{
    return clinic_find(view, ask_arena(ask), ask_org(ask), ask->names[0], ask->data);
}

static void answer_one(struct ask *ask, enum err err)
{
    const struct clinic_row *row = ask->data;
    if (ask_is_good(ask, err))
        ask_answer(ask, 200, row->document);
}

void api_clinic(struct ask *ask)
{
    ask->data = arena_alloc(ask_arena(ask), sizeof(struct clinic_row));
    ask_read(ask, run_one, answer_one);
}

static enum err call_drop(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    return clinic_drop(store, ask_org(ask), ask->names[0]);
}

static void answer_drop(struct ask *ask, enum err err)
{
    if (ask_is_good(ask, err))
        ask_answer(ask, 204, SPAN(""));
}

void api_clinic_delete(struct ask *ask)
{
    ask_write(ask, call_drop, answer_drop);
}

/* A page. */

static void put_row(void *arg, const struct clinic_row *row)
{
    struct page *page = arg;
    if (page_note(page, row->id))
        json_put_raw(&page->out, row->document);
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    return clinic_each(view, ask_org(ask), page->after, page->limit, put_row, page);
}

void api_clinics(struct ask *ask)
{
    page_begin(ask, "clinics");
    ask_read(ask, run_page, page_answer);
}

/* A list: each clinic stands or falls alone, and all that stand are kept together. */

struct import {
    struct putting *all;
    struct faults *faults;
    size_t count;
};

static enum err call_import(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    struct import *import = ask->data;
    for (size_t i = 0; i < import->count; i++) {
        struct putting *putting = &import->all[i];
        if (import->faults[i].count > 0)
            continue;
        TRY(clinic_put(store, &putting->row, &putting->added, &putting->revived));
        note_id(ask, putting->row.id);
    }
    return ERR_OK;
}

static void put_result(struct buf *out, const struct putting *putting, const struct faults *faults)
{
    bool rejected = faults->count > 0;
    json_open(out, '{');
    if (putting->row.id.len > 0)
        json_add_str(out, "clinicId", putting->row.id);
    else
        json_add_raw(out, "clinicId", SPAN("null"));
    json_add_str(out, "result",
                 rejected         ? SPAN("rejected")
                 : putting->added ? SPAN("added")
                                  : SPAN("replaced"));
    if (rejected) {
        json_key(out, SPAN("errors"));
        json_open(out, '[');
        for (size_t i = 0; i < faults->count; i++)
            json_put_str(out, span_of(faults->texts[i]));
        json_close(out, ']');
    }
    json_close(out, '}');
}

static void answer_import(struct ask *ask, enum err err)
{
    const struct import *import = ask->data;
    struct buf out = {.arena = ask_arena(ask)};
    int64_t rejected = 0, revived = 0;
    if (!ask_is_good(ask, err))
        return;
    json_open(&out, '{');
    json_key(&out, SPAN("results"));
    json_open(&out, '[');
    for (size_t i = 0; i < import->count; i++) {
        put_result(&out, &import->all[i], &import->faults[i]);
        rejected += import->faults[i].count > 0;
        revived += import->all[i].revived;
    }
    json_close(&out, ']');
    json_add_int(&out, "rejected", rejected);
    json_close(&out, '}');
    wake_flows(ask, revived);
    ask_answer(ask, 200, buf_span(&out));
}

static void read_one(struct ask *ask, struct import *import, size_t i)
{
    struct clinic clinic = {0};
    struct faults *faults = &import->faults[i];
    const struct json *json = json_at(ask->body, i);
    faults->arena = ask_arena(ask);
    struct span document = document_of(ask, json);
    clinic_check(json, document, &clinic, faults);
    import->all[i].row =
        (struct clinic_row){ask_org(ask), json_str(json_get(json, "clinicId")), document, time_now()};
}

void api_clinics_import(struct ask *ask)
{
    struct import *import = arena_alloc(ask_arena(ask), sizeof *import);
    import->count = json_count(ask->body);
    if (json_kind(ask->body) != JSON_ARR || import->count > IMPORT_MOST) {
        ask_refuse(ask, ERR_BAD_REQUEST, "The body is a list of at most 1000 clinics");
        return;
    }
    import->all = arena_alloc(ask_arena(ask), (import->count + 1) * sizeof *import->all);
    import->faults = arena_alloc(ask_arena(ask), (import->count + 1) * sizeof *import->faults);
    for (size_t i = 0; i < import->count; i++)
        read_one(ask, import, i);
    ask->data = import;
    ask_grow(ask, call_import, answer_import);
}

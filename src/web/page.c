/* Pages. */
#include "page.h"

void page_begin(struct ask *ask, const char *name)
{
    struct page *page = arena_alloc(ask_arena(ask), sizeof *page);
    *page = (struct page){
        .ask = ask,
        .out.arena = ask_arena(ask),
        .limit = ask_param_int(ask, "limit", API_PAGE),
        .after = ask_text(ask, "cursor"),
        .after_number = ask_param_int(ask, "cursor", 0),
        .arena = ask_arena(ask),
    };
    json_open(&page->out, '{');
    json_key(&page->out, span_of(name));
    json_open(&page->out, '[');
    ask->data = page;
}

static bool takes_another(struct page *page)
{
    page->cut = page->cut || page->out.len >= PAGE_BYTES;
    page->rows += !page->cut;
    return !page->cut;
}

bool page_note(struct page *page, struct span id)
{
    if (!takes_another(page))
        return false;
    note_id(page->ask, id);
    page->last = (struct span){arena_copy(page->arena, id), id.len};
    return true;
}

bool page_note_number(struct page *page, int64_t number)
{
    if (!takes_another(page))
        return false;
    note_row(page->ask, number);
    page->last_number = number;
    return true;
}

void page_answer(struct ask *ask, enum err err)
{
    struct page *page = ask->data;
    if (!ask_is_good(ask, err))
        return;
    json_close(&page->out, ']');
    if (page->rows < page->limit && !page->cut)
        json_add_raw(&page->out, "next", SPAN("null"));
    else if (page->last.at != NULL)
        json_add_str(&page->out, "next", page->last);
    else
        json_add_int(&page->out, "next", page->last_number);
    json_close(&page->out, '}');
    ask_answer(ask, 200, buf_span(&page->out));
}

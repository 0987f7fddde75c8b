/* What the dispatcher was told, or is to be. */
#include "base/time.h"
#include "page.h"
#include "store/notices.h"
#include "trip.h"

static void put_row(void *arg, const struct notice *notice)
{
    struct page *page = arg;
    struct buf *out = &page->out;
    char id[NOTICE_ID_TEXT];
    notice_id(id, notice);
    if (!page_note_number(page, notice->number))
        return;
    json_open(out, '{');
    json_add_str(out, "id", span_of(id));
    json_add_str(out, "kind", notice->kind);
    time_add(out, "time", notice->time);
    json_add_str(out, "org", notice->org);
    json_add_raw(out, "detail", notice->detail);
    json_add_str(out, "state", span_of(notice_state_name(notice->state)));
    json_add_int(out, "attempts", notice->attempts);
    time_add(out, "due", notice->state == NOTICE_PENDING ? notice->due : 0);
    trip_put_text(out, "error", notice->error);
    json_close(out, '}');
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct page *page = ask->data;
    enum notice_state state;
    bool of_one = notice_state_read(ask_param(ask, "state"), &state);
    return notice_each(view, ask_org(ask), page->after_number, of_one ? (int)state : -1, page->limit, put_row,
                       page);
}

void api_notifications(struct ask *ask)
{
    page_begin(ask, "notifications");
    ask_read(ask, run_page, page_answer);
}

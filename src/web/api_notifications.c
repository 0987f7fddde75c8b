/* What the dispatcher is told: looking. */
#include "api.h"
#include "base/time.h"
#include "store/notices.h"

struct paging {
    struct buf out;
    int64_t after, limit, rows;
    int state; /* below 0: all */
};

static void put_listed(void *arg, const struct notice *notice)
{
    struct paging *paging = arg;
    struct buf *out = &paging->out;
    char id[NOTICE_ID_TEXT];
    notice_id(id, notice);
    paging->rows++;
    paging->after = notice->number;
    json_open(out, '{');
    json_add_str(out, "id", span_of(id));
    json_add_str(out, "kind", notice->kind);
    ask_put_time(out, "time", notice->time);
    json_add_str(out, "org", notice->org);
    json_add_raw(out, "detail", notice->detail);
    json_add_str(out, "state", span_of(notice_state_name(notice->state)));
    json_add_int(out, "attempts", notice->attempts);
    ask_put_time(out, "due", notice->state == NOTICE_PENDING ? notice->due : 0);
    if (notice->error.len > 0)
        json_add_str(out, "error", notice->error);
    else
        json_add_raw(out, "error", SPAN("null"));
    json_close(out, '}');
}

static enum err run_page(struct view *view, struct ask *ask)
{
    struct paging *paging = ask->data;
    return notice_each(view, ask_org(ask), paging->after, paging->state, paging->limit, put_listed, paging);
}

static void answer_page(struct ask *ask, enum err err)
{
    struct paging *paging = ask->data;
    struct buf *out = &paging->out;
    if (!ask_is_good(ask, err))
        return;
    json_close(out, ']');
    if (paging->rows == paging->limit)
        json_add_int(out, "next", paging->after);
    else
        json_add_raw(out, "next", SPAN("null"));
    json_close(out, '}');
    ask_answer(ask, 200, buf_span(out));
}

void api_notifications(struct ask *ask)
{
    struct paging *paging = arena_alloc(ask_arena(ask), sizeof *paging);
    enum notice_state state;
    paging->state = notice_state_read(ask_param(ask, "state"), &state) ? (int)state : -1;
    paging->after = ask_param_int(ask, "cursor", 0);
    paging->limit = ask_param_int(ask, "limit", API_PAGE);
    paging->out.arena = ask_arena(ask);
    json_open(&paging->out, '{');
    json_key(&paging->out, SPAN("notifications"));
    json_open(&paging->out, '[');
    ask->data = paging;
    ask_read(ask, run_page, answer_page);
}

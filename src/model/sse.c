/* The text/event-stream format of the HTML standard. */
#include "model/sse.h"

#include "base/json.h"
#include "model/envelope.h"

static void open_gap(struct sse *sse, int64_t after, int64_t next)
{
    if (sse->next == 0)
        sse->after = after;
    sse->next = next;
}

int64_t sse_resume(struct sse *sse, int64_t position, int64_t first, int64_t last)
{
    int64_t kept = first > 0 ? first : last + 1;
    if (position == SSE_NOW)
        return last;
    if (position > last) {
        open_gap(sse, position, last + 1);
        return last;
    }
    if (position >= kept - 1)
        return position;
    open_gap(sse, position, kept);
    return kept - 1;
}

static void put_id(struct buf *out, int64_t id)
{
    buf_add(out, SPAN("id: "));
    buf_add_int(out, id);
    buf_add_char(out, '\n');
}

void sse_pause(struct sse *sse)
{
    if (sse->next == 0)
        return;
    put_id(sse->out, sse->next - 1);
    buf_add(sse->out, SPAN("event: gap\ndata: {\"after\":"));
    buf_add_int(sse->out, sse->after);
    buf_add(sse->out, SPAN(",\"next\":"));
    buf_add_int(sse->out, sse->next);
    buf_add(sse->out, SPAN("}\n\n"));
    sse->next = 0;
}

/* JSON text holds no line end, so the data is one line. */
void sse_event(struct sse *sse, int64_t seq, const struct event *event)
{
    struct buf data = {.arena = sse->out->arena};
    if (event->detail == NULL) {
        open_gap(sse, seq - 1, seq + 1);
        return;
    }
    sse_pause(sse);
    put_id(sse->out, seq);
    envelope_write(&data, seq, event);
    buf_add(sse->out, SPAN("data: "));
    buf_add(sse->out, buf_span(&data));
    buf_add(sse->out, SPAN("\n\n"));
    if (data.arena == NULL)
        buf_free(&data);
}

/* A comment, and an id without data: that sets what a reader comes back with, and nothing else. */
void sse_beat(struct buf *out, int64_t position)
{
    buf_add(out, SPAN(":\n"));
    put_id(out, position);
    buf_add_char(out, '\n');
}

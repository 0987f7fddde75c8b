/* The shape that Amazon EventBridge uses, and where the event stands in the log. */
#include "model/envelope.h"

#include "base/json.h"
#include "base/time.h"

void envelope_write(struct buf *out, int64_t seq, const struct event *event)
{
    char id[EVENT_ID_TEXT], at[TIME_TEXT];
    event_id_write(id, &event->id);
    time_write(at, event->time);
    json_open(out, '{');
    json_add_str(out, "id", span_of(id));
    json_add_int(out, "seq", seq);
    json_add_str(out, "source", event->source);
    json_add_str(out, "origin", event->origin);
    json_add_str(out, "detailType", event->type);
    json_add_str(out, "time", span_of(at));
    json_add_raw(out, "detail",
                 event->detail != NULL ? (struct span){event->detail, event->detail_len} : SPAN("null"));
    json_close(out, '}');
}

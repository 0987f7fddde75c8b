/* The names that CloudEvents 1.0 has for what we store. */
#include "model/cloudevent.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/time.h"

void cloudevent_write(struct buf *out, int64_t seq, const struct event *event)
{
    char id[EVENT_ID_TEXT], at[TIME_TEXT], sequence[24];
    event_id_write(id, &event->id);
    time_write(at, event->time);
    snprintf(sequence, sizeof sequence, "%019" PRId64, seq);
    json_open(out, '{');
    json_add_str(out, "specversion", SPAN("1.0"));
    json_add_str(out, "id", span_of(id));
    json_add_str(out, "source", event->source);
    json_add_str(out, "type", event->type);
    json_add_str(out, "time", span_of(at));
    json_add_str(out, "sequence", span_of(sequence));
    json_add_str(out, "origin", event->origin);
    if (event->detail != NULL) {
        json_add_str(out, "datacontenttype", SPAN("application/json"));
        json_add_raw(out, "data", (struct span){event->detail, event->detail_len});
    }
    json_close(out, '}');
}

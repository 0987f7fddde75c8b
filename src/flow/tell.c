/* The keys of notices. */
#include "tell.h"

#include "store/notices.h"

enum err flow_tell(struct store *store, const struct flow_event *event, const char *kind, struct span about,
                   struct span detail)
{
    struct buf key = {.arena = event->arena};
    buf_printf(&key, "%s\n%.*s", kind, (int)about.len, about.at);
    struct notice notice = {.org = event->event->org,
                            .kind = span_of(kind),
                            .key = buf_span(&key),
                            .time = event->now,
                            .detail = detail};
    return notice_add(store, &notice);
}

struct span flow_event_id(const struct flow_event *event)
{
    char *text = arena_alloc(event->arena, EVENT_ID_TEXT);
    event_id_write(text, &event->event->id);
    return span_of(text);
}

/* Events and their ids. */
#include "model/event.h"

#include <string.h>

#include "base/hash.h"
#include "base/hex.h"
#include "base/time.h"

struct event_id event_id(struct span origin, struct span kind, struct span key)
{
    struct span parts[] = {SPAN("pickupd1"), origin, kind, key};
    uint8_t digest[HASH_BYTES];
    struct event_id id;
    hash_parts(parts, sizeof parts / sizeof parts[0], digest);
    memcpy(id.bytes, digest, EVENT_ID_BYTES);
    return id;
}

struct event event_own(struct span source, struct span type, struct span org, struct span key, int64_t time,
                       struct span detail)
{
    struct span parts[] = {org, key};
    uint8_t digest[HASH_BYTES];
    hash_parts(parts, 2, digest);
    return (struct event){
        .id = event_id(source, SPAN("own"), (struct span){(const char *)digest, HASH_BYTES}),
        .origin = source,
        .source = source,
        .type = type,
        .org = org,
        .time = time,
        .detail = (char *)detail.at, /* nothing is written into it: received_at is 0 */
        .detail_len = detail.len,
    };
}

void event_id_write(char text[EVENT_ID_TEXT], const struct event_id *id)
{
    hex_write(text, id->bytes, EVENT_ID_BYTES);
}

bool event_id_read(struct span text, struct event_id *id)
{
    return hex_read(text, id->bytes, EVENT_ID_BYTES);
}

void event_set_time(struct event *event, int64_t time)
{
    char text[TIME_TEXT];
    event->time = time;
    if (event->received_at == 0)
        return;
    time_write(text, time);
    memcpy(event->detail + event->received_at, text, TIME_TEXT - 1);
}

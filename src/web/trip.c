/* Drivers and ETAs. */
#include "trip.h"

#include "base/time.h"

void trip_put_text(struct buf *out, const char *key, struct span text)
{
    if (text.len > 0)
        json_add_str(out, key, text);
    else
        json_add_raw(out, key, SPAN("null"));
}

void trip_put(struct buf *out, struct span driver, int64_t eta)
{
    json_add_raw(out, "driver", driver.len > 0 ? driver : SPAN("null"));
    time_add(out, "eta", eta);
}

struct span trip_driver(struct ask *ask)
{
    struct buf out = {.arena = ask_arena(ask)};
    const struct json *driver = json_get(ask->body, "driver");
    if (json_kind(driver) != JSON_OBJ)
        return SPAN("");
    json_put(&out, driver);
    return buf_span(&out);
}

int64_t trip_eta(const struct ask *ask)
{
    int64_t ms;
    return time_parse(json_str(json_get(ask->body, "eta")), NULL, &ms) ? ms : 0;
}

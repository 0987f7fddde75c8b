/* From a publisher's envelope to an event. */
#include "model/publish.h"

#include "base/hash.h"
#include "base/random.h"
#include "base/time.h"
#include "model/detail.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool publish_is_source(struct span text)
{
    size_t words = 0;
    if (text.len == 0 || text.len > PUBLISH_SOURCE_MAX || text.at[text.len - 1] == '.')
        return false;
    for (struct span rest = text; rest.len > 0; words++) {
        struct span word = span_cut(&rest, '.');
        for (size_t i = 0; i < word.len; i++)
            if (!is_word(word.at[i]))
                return false;
        if (word.len == 0)
            return false;
    }
    return words >= 2;
}

bool publish_is_ours(struct span source)
{
    return span_starts(source, SPAN("ehr.")) || span_starts(source, SPAN("pickupd.")) ||
           span_is(source, SPAN("logistics.pickups")) || span_is(source, SPAN("logistics.deliveries")) ||
           span_is(source, SPAN("finance.billing"));
}

bool publish_is_origin(struct span origin)
{
    return publish_is_source(origin) && !publish_is_ours(origin);
}

/* Something that a person can read, and that no filter fails to match for a byte nobody sees. */
static bool is_printable(struct span text, size_t most)
{
    for (size_t i = 0; i < text.len; i++)
        if (span_is_control(text, i))
            return false;
    return text.len > 0 && text.len <= most;
}

/* A member that is a text, or absent; its absence is a fault only if it is needed. */
static struct span take_text(const struct json *envelope, const char *name, bool is_needed, size_t most,
                             struct faults *faults)
{
    const struct json *value = json_get(envelope, name);
    struct span text = json_str(value);
    if (json_kind(value) == JSON_ABSENT) {
        if (is_needed)
            faults_add(faults, "Missing %s", name);
        return (struct span){0};
    }
    if (json_kind(value) != JSON_STR || !is_printable(text, most))
        faults_add(faults, "Invalid %s", name);
    return text;
}

static void take_source(const struct json *envelope, struct event *event, struct faults *faults)
{
    size_t before = faults->count;
    event->source = event->origin = take_text(envelope, "source", true, PUBLISH_SOURCE_MAX, faults);
    if (faults->count > before)
        return;
    if (publish_is_ours(event->source))
        faults_add(faults, "Invalid source: nobody but pickupd publishes as that");
    else if (!publish_is_source(event->source))
        faults_add(faults, "Invalid source");
}

/* Whether the envelope names a time. */
static bool take_time(const struct json *envelope, int64_t now, struct event *event, struct faults *faults)
{
    const struct json *value = json_get(envelope, "time");
    event->time = now;
    if (json_kind(value) == JSON_ABSENT)
        return false;
    if (json_kind(value) != JSON_STR || !time_parse(json_str(value), NULL, &event->time))
        faults_add(faults, "Invalid time");
    else if (event->time > now + PUBLISH_AHEAD_MS)
        faults_add(faults, "Invalid time: is in the future");
    return true;
}

static void take_detail(struct arena *arena, const struct json *envelope, struct event *event,
                        struct faults *faults)
{
    const struct json *value = json_get(envelope, "detail");
    struct buf text = {.arena = arena};
    if (json_kind(value) == JSON_ABSENT) {
        faults_add(faults, "Missing detail");
    } else if (json_kind(value) != JSON_OBJ) {
        faults_add(faults, "Invalid detail");
    } else {
        json_put(&text, value);
        event->detail = buf_text(&text);
        event->detail_len = text.len;
        size_t most = detail_most(event->source, event->type, PUBLISH_DETAIL_MAX);
        if (text.len > most)
            faults_add(faults, "Invalid detail: has more than %zu bytes", most);
    }
}

/* The same however members are ordered and the time is written. */
static const uint8_t *content_of(struct arena *arena, const struct event *event, const struct json *detail,
                                 bool has_time)
{
    uint8_t *digest = arena_alloc(arena, HASH_BYTES);
    struct buf text = {.arena = arena}, sorted = {.arena = arena};
    json_put_sorted(&sorted, detail);
    json_open(&text, '{');
    json_add_raw(&text, "detail", buf_span(&sorted));
    json_add_str(&text, "detailType", event->type);
    if (has_time)
        json_add_int(&text, "time", event->time);
    json_close(&text, '}');
    hash_text(buf_span(&text), digest);
    return digest;
}

static struct event_id id_of(struct arena *arena, const struct event *event, struct span id)
{
    struct buf key = {.arena = arena};
    buf_add(&key, event->org);
    buf_add_char(&key, '\n');
    buf_add(&key, id);
    return event_id(event->origin, SPAN("publish"), buf_span(&key));
}

bool publish_read(struct arena *arena, const struct json *envelope, struct span org, int64_t now,
                  struct event *event, struct faults *faults)
{
    size_t before = faults->count;
    *event = (struct event){.org = org};
    if (json_kind(envelope) != JSON_OBJ) {
        faults_add(faults, "Invalid event: is no object");
        return false;
    }
    struct span id = take_text(envelope, "id", false, PUBLISH_ID_MAX, faults);
    take_source(envelope, event, faults);
    event->type = take_text(envelope, "detailType", true, PUBLISH_TYPE_MAX, faults);
    bool has_time = take_time(envelope, now, event, faults);
    take_detail(arena, envelope, event, faults);
    if (faults->count > before)
        return false;
    if (id.len == 0) {
        random_fill(event->id.bytes, EVENT_ID_BYTES);
        return true;
    }
    event->id = id_of(arena, event, id);
    event->content = content_of(arena, event, json_get(envelope, "detail"), has_time);
    return true;
}

/* Printing, and the one list of what may be seen without --show-phi. */
#include "print.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "model/detail.h"
#include "model/publish.h"

/* Fields of a detail that hold no patient data. */
static const char *const harmless[] = {
    "pickupId",
    "clinicId",
    "labId",
    "windowStart",
    "windowEnd",
    "isRush",
    "packageCount",
    "requestTime",
    "requestedBy.userId",
    "metadata.source",
    "metadata.externalId",
    "metadata.preferredTime",
    "metadata.originalPriority",
    "metadata.originalUrgency",
    NULL,
};

/* And those of an attempt; what a worker says of it may hold anything. */
static const char *const harmless_attempt[] = {"attempt", "at", "worker", NULL};

static bool is_among(const char *const *list, const char *path)
{
    while (*list != NULL && strcmp(*list, path) != 0)
        list++;
    return *list != NULL;
}

const char *print_failure(enum err err)
{
    return err == ERR_SEALED ? "the sealed data can't be read: it was changed, or moved from elsewhere"
                             : "the database can't be read";
}

struct view *print_open(struct setup *setup)
{
    struct buf why CLEANUP(buf_free) = {0};
    struct view *view = open_view(setup, &why);
    if (view == NULL)
        fprintf(stderr, "%s\n", buf_text(&why));
    return view;
}

/* The first byte of a C1, which would be no UTF-8 without the second. */
static bool leads(struct span text, size_t at)
{
    return (unsigned char)text.at[at] == 0xc2 && at + 1 < text.len && span_is_control(text, at + 1);
}

void print_clean(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!leads(text, i))
            putchar(span_is_control(text, i) ? '?' : text.at[i]);
}

void print_lines(struct span text)
{
    while (text.len > 0) {
        print_clean(span_cut(&text, '\n'));
        if (text.len > 0)
            putchar('\n');
    }
}

void print_time(int64_t ms)
{
    char text[TIME_TEXT];
    time_write(text, ms);
    fputs(text, stdout);
}

void print_name(struct span name, int width)
{
    print_clean(name);
    printf("%*s", name.len < (size_t)width ? width - (int)name.len : 0, "");
    putchar(' ');
}

const char *print_span(char text[PRINT_SPAN], int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{INT64_C(86400000), "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    size_t i = 0;
    while (i < sizeof units / sizeof units[0] - 1 && ms < 2 * units[i].ms)
        i++;
    snprintf(text, PRINT_SPAN, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
    return text;
}

long long print_number_of(const struct json *of, const char *key)
{
    return json_int(json_get(of, key));
}

bool print_time_of(const struct json *at, int64_t *ms)
{
    return json_kind(at) == JSON_STR && time_parse(json_str(at), NULL, ms);
}

const char *print_since(char text[PRINT_SPAN], const struct json *at, int64_t now, const char *otherwise)
{
    int64_t ms;
    if (!print_time_of(at, &ms))
        return otherwise;
    return print_span(text, now > ms ? now - ms : 0);
}

/* What is known of an object that stands in such a field; NULL where all names may be seen. */
static const struct shape *known_in(const struct shape *known, const struct shape_field *field)
{
    static const struct shape nothing = {0};
    if (known == NULL)
        return NULL;
    return field != NULL && field->of != NULL ? field->of : &nothing;
}

/* A name that nobody knows may hold as much as a value; of an object any number of them are one member. */
static void mask_object(struct buf *out, const struct json *object, const char *prefix,
                        const char *const *clear, const struct shape *known)
{
    void *at = NULL;
    const char *key;
    const struct json *value;
    bool hides = false;
    json_open(out, '{');
    while (json_next(object, &at, &key, &value)) {
        struct buf path CLEANUP(buf_free) = {0};
        buf_printf(&path, "%s%s%s", prefix, *prefix ? "." : "", key);
        bool is_clear = is_among(clear, buf_text(&path));
        const struct shape_field *field = known != NULL ? shape_find(known, key) : NULL;
        if (known != NULL && field == NULL && !is_clear) {
            hides = true;
            continue;
        }
        json_key(out, span_of(key));
        if (json_kind(value) == JSON_OBJ)
            mask_object(out, value, buf_text(&path), clear, known_in(known, field));
        else if (is_clear && json_kind(value) != JSON_ARR)
            json_put(out, value);
        else
            json_put_str(out, SPAN("***"));
    }
    if (hides)
        json_add_str(out, "***", SPAN("***"));
    json_close(out, '}');
}

/* The names in a webhook's detail are what its definition lets in, those in our own are ours. */
void mask_detail(struct buf *out, const struct event *event, bool show_phi)
{
    struct json_fault fault;
    struct span detail = {event->detail, event->detail_len};
    struct json *json = json_parse(detail, &fault);
    if (json_kind(json) != JSON_OBJ)
        json_put_str(out, SPAN("***"));
    else if (show_phi)
        json_put_raw(out, detail);
    else
        mask_object(out, json, "", harmless,
                    publish_is_origin(event->origin) ? detail_shape(event->source, event->type) : NULL);
    json_free(json);
}

void mask_history(struct buf *out, struct span history, bool show_phi)
{
    struct json_fault fault;
    if (show_phi) {
        json_put_raw(out, history);
        return;
    }
    struct json *attempts = json_parse(history, &fault);
    json_open(out, '[');
    for (size_t i = 0; i < json_count(attempts); i++)
        mask_object(out, json_at(attempts, i), "", harmless_attempt, NULL);
    json_close(out, ']');
    json_free(attempts);
}

static void add_time(struct buf *out, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    time_write(text, ms);
    json_add_str(out, key, span_of(text));
}

static void put_line(struct buf *line)
{
    buf_add_char(line, '\n');
    fwrite(line->at, 1, line->len, stdout);
    buf_free(line);
}

void print_event_json(const struct view_event *row, bool show_phi)
{
    struct buf line = {0};
    char id[EVENT_ID_TEXT];
    event_id_write(id, &row->event.id);
    json_open(&line, '{');
    json_add_int(&line, "seq", row->seq);
    json_add_str(&line, "id", span_of(id));
    json_add_str(&line, "origin", row->event.origin);
    json_add_str(&line, "source", row->event.source);
    json_add_str(&line, "detailType", row->event.type);
    json_add_str(&line, "org", row->event.org);
    add_time(&line, "time", row->event.time);
    json_key(&line, SPAN("detail"));
    if (row->event.detail == NULL)
        json_put_raw(&line, SPAN("null"));
    else
        mask_detail(&line, &row->event, show_phi);
    if (row->damaged)
        json_add_raw(&line, "damaged", SPAN("true"));
    json_close(&line, '}');
    put_line(&line);
}

/* The body as a text if it is one; else as the bytes' hexadecimal digits would help nobody, so null. */
static void add_body(struct buf *line, struct span body)
{
    struct buf quoted CLEANUP(buf_free) = {0};
    struct json_fault fault;
    json_put_str(&quoted, body);
    struct json *text = json_parse(buf_span(&quoted), &fault);
    json_add_raw(line, "body", text != NULL ? buf_span(&quoted) : SPAN("null"));
    json_free(text);
}

void print_quarantine_json(const struct view_quarantine *row, bool show_phi)
{
    struct buf line = {0};
    char id[EVENT_ID_TEXT];
    event_id_write(id, &row->id);
    json_open(&line, '{');
    json_add_str(&line, "id", span_of(id));
    json_add_str(&line, "origin", row->origin);
    json_add_str(&line, "org", row->org);
    add_time(&line, "firstSeen", row->first_seen);
    add_time(&line, "lastSeen", row->last_seen);
    json_add_int(&line, "count", row->count);
    json_add_int(&line, "bytes", row->bytes);
    json_add_raw(&line, "faults", row->faults);
    if (show_phi)
        add_body(&line, row->body);
    json_close(&line, '}');
    put_line(&line);
}

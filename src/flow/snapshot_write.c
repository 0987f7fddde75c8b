/* A snapshot as JSON. What is not known is null. */
#include "base/json.h"
#include "base/time.h"
#include "flow/snapshot.h"

static void add_bool(struct buf *out, const char *key, bool value)
{
    json_add_raw(out, key, value ? SPAN("true") : SPAN("false"));
}

static void add_time(struct buf *out, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    if (ms <= 0 || ms > TIME_LAST) {
        json_add_raw(out, key, SPAN("null"));
        return;
    }
    time_write(text, ms);
    json_add_str(out, key, span_of(text));
}

static void add_known(struct buf *out, const char *key, int64_t value)
{
    if (value < 0)
        json_add_raw(out, key, SPAN("null"));
    else
        json_add_int(out, key, value);
}

static void add_real(struct buf *out, const char *key, double value)
{
    struct buf text CLEANUP(buf_free) = {0};
    buf_printf(&text, "%.6f", value);
    json_add_raw(out, key, buf_span(&text));
}

static void add_text(struct buf *out, const char *key, const char *text)
{
    if (text == NULL)
        json_add_raw(out, key, SPAN("null"));
    else
        json_add_str(out, key, span_of(text));
}

static void put_attention(void *arg, const char *text, const char *see)
{
    struct buf *out = arg;
    json_open(out, '{');
    json_add_str(out, "text", span_of(text));
    json_add_str(out, "see", span_of(see));
    json_close(out, '}');
}

static void put_secret(struct buf *out, const struct snapshot_secret *secret, int64_t now)
{
    json_open(out, '{');
    json_add_str(out, "name", span_of(secret->name));
    json_add_str(out, "state",
                 now < secret->not_before   ? SPAN("not yet")
                 : now >= secret->not_after ? SPAN("over")
                                            : SPAN("live"));
    add_time(out, "since", secret->not_before);
    add_time(out, "lastMatch", secret->last);
    add_time(out, "ends", secret->not_after);
    json_close(out, '}');
}

static void add_counts(struct buf *out, const struct snapshot_source *source)
{
    json_key(out, SPAN("webhooks"));
    json_open(out, '{');
    for (int i = 0; i < OUTCOME_COUNT; i++)
        json_add_int(out, outcome_label((enum outcome)i), (int64_t)source->outcomes[i]);
    json_close(out, '}');
    json_key(out, SPAN("refusals"));
    json_open(out, '{');
    for (int i = 0; i < REFUSAL_COUNT; i++)
        json_add_int(out, refusal_label((enum refusal)i), (int64_t)source->refusals[i]);
    json_close(out, '}');
}

static void add_quarantine(struct buf *out, int64_t rows, int64_t bytes)
{
    json_key(out, SPAN("quarantine"));
    json_open(out, '{');
    json_add_int(out, "webhooks", rows);
    json_add_int(out, "bytes", bytes);
    json_close(out, '}');
}

static void put_source(struct buf *out, const struct snapshot *snapshot, const struct snapshot_source *source)
{
    double minutes = snapshot->lately_ms > 60000 ? (double)snapshot->lately_ms / 60000 : 1;
    json_open(out, '{');
    json_add_str(out, "name", span_of(source->name));
    add_bool(out, "configured", source->is_configured);
    add_text(out, "disabled", source->disabled);
    add_time(out, "lastWebhook", source->last);
    add_real(out, "perMinute", (double)source->lately / minutes);
    add_counts(out, source);
    json_add_int(out, "refusedInARow", (int64_t)source->in_a_row);
    add_quarantine(out, source->rows, source->bytes);
    json_key(out, SPAN("secrets"));
    json_open(out, '[');
    for (const struct snapshot_secret *secret = source->secrets; secret != NULL; secret = secret->next)
        if (secret->is_configured)
            put_secret(out, secret, snapshot->now);
    json_close(out, ']');
    json_close(out, '}');
}

static void put_face(struct buf *out, const struct snapshot_face *face)
{
    json_open(out, '{');
    json_add_str(out, "name", span_of(face->name));
    add_time(out, "certificateEnds", face->until);
    json_add_int(out, "connections", (int64_t)face->open);
    json_add_int(out, "connectionsMax", (int64_t)face->most);
    json_add_int(out, "connectionsFilled", (int64_t)face->filled);
    json_add_int(out, "handshakeFailures", (int64_t)face->handshakes);
    json_key(out, SPAN("cutOff"));
    json_open(out, '{');
    for (int i = 0; i < CUTOFF_COUNT; i++)
        json_add_int(out, cutoff_label((enum cutoff)i), (int64_t)face->cutoffs[i]);
    json_close(out, '}');
    json_close(out, '}');
}

static void put_consumer(struct buf *out, const struct snapshot *snapshot,
                         const struct snapshot_consumer *consumer)
{
    json_open(out, '{');
    json_add_str(out, "org", span_of(consumer->org));
    json_add_str(out, "name", span_of(consumer->name));
    add_bool(out, "paused", consumer->paused);
    json_add_int(out, "lag", consumer->behind);
    json_add_int(out, "open", consumer->open);
    json_add_int(out, "dead", consumer->dead);
    add_time(out, "oldestWaiting", consumer->oldest);
    add_real(out, "oldestWaitingSeconds", (double)snapshot_waits(snapshot, consumer) / 1000);
    add_time(out, "lastSeen", *consumer->org != '\0' ? consumer->seen : 0);
    json_add_int(out, "missed", consumer->missed);
    json_close(out, '}');
}

static double mean(const struct histogram_values *times)
{
    return times->count > 0 ? (double)times->sum / (double)times->count / 1e6 : 0;
}

static void add_store(struct buf *out, const struct snapshot *snapshot)
{
    json_key(out, SPAN("store"));
    json_open(out, '{');
    json_add_str(out, "database", span_of(snapshot->database));
    add_known(out, "lastSeq", snapshot->looked ? snapshot->last_seq : -1);
    add_known(out, "bytes", snapshot->looked ? snapshot->disk.file_bytes : -1);
    add_known(out, "logBytes", snapshot->looked ? snapshot->disk.log_bytes : -1);
    json_add_int(out, "commits", (int64_t)snapshot->commit_time.count);
    add_real(out, "meanCommitSeconds", mean(&snapshot->commit_time));
    json_add_int(out, "syncs", (int64_t)snapshot->sync_time.count);
    add_real(out, "meanSyncSeconds", mean(&snapshot->sync_time));
    json_add_int(out, "failures", (int64_t)snapshot->failures);
    json_add_int(out, "waiting", snapshot->load.depth);
    json_add_int(out, "waitingBytes", snapshot->load.bytes);
    json_close(out, '}');
    json_key(out, SPAN("disk"));
    json_open(out, '{');
    add_known(out, "freeBytes", snapshot->looked ? snapshot->disk.free_bytes : -1);
    add_known(out, "sizeBytes", snapshot->looked ? snapshot->disk.size_bytes : -1);
    json_add_int(out, "reserveBytes", snapshot->disk_reserve);
    add_known(out, "heldBytes", snapshot->looked ? snapshot->disk.held_bytes : -1);
    json_close(out, '}');
}

static void add_sums(struct buf *out, const struct snapshot *snapshot)
{
    int64_t rows = 0, bytes = 0, dead = 0;
    for (const struct snapshot_source *source = snapshot->sources; source != NULL; source = source->next) {
        rows += source->rows;
        bytes += source->bytes;
    }
    for (const struct snapshot_consumer *one = snapshot->consumers; one != NULL; one = one->next)
        dead += one->dead;
    add_quarantine(out, rows, bytes);
    json_add_int(out, "deadLetters", dead);
    json_key(out, SPAN("notices"));
    json_open(out, '{');
    json_add_int(out, "pending", snapshot->notices.pending);
    json_add_int(out, "dead", snapshot->notices.dead);
    json_close(out, '}');
    json_key(out, SPAN("events"));
    json_open(out, '{');
    for (size_t i = 0; i < snapshot->type_count; i++)
        if (snapshot->types[i].count > 0)
            json_add_int(out, snapshot->types[i].name, (int64_t)snapshot->types[i].count);
    json_close(out, '}');
}

static void add_process(struct buf *out, const struct snapshot *snapshot)
{
    json_add_str(out, "version", SPAN(PICKUPD_VERSION));
    add_time(out, "time", snapshot->now);
    add_bool(out, "serving", snapshot->served);
    add_time(out, "started", snapshot->process.started);
    add_bool(out, "takesWebhooks", snapshot->served && snapshot->takes == ERR_OK);
    add_bool(out, "storeLooked", snapshot->looked);
}

void snapshot_write(const struct snapshot *snapshot, struct buf *out)
{
    json_open(out, '{');
    add_process(out, snapshot);
    json_key(out, SPAN("attention"));
    json_open(out, '[');
    snapshot_attention(snapshot, put_attention, out);
    json_close(out, ']');
    json_key(out, SPAN("sources"));
    json_open(out, '[');
    for (const struct snapshot_source *source = snapshot->sources; source != NULL; source = source->next)
        put_source(out, snapshot, source);
    json_close(out, ']');
    json_key(out, SPAN("faces"));
    json_open(out, '[');
    for (size_t i = 0; snapshot->served && i < SNAPSHOT_FACES; i++)
        put_face(out, &snapshot->faces[i]);
    json_close(out, ']');
    add_known(out, "allConsumers", snapshot->looked ? snapshot->all_consumers : -1);
    json_key(out, SPAN("consumers"));
    json_open(out, '[');
    for (const struct snapshot_consumer *one = snapshot->consumers; one != NULL; one = one->next)
        put_consumer(out, snapshot, one);
    json_close(out, ']');
    add_store(out, snapshot);
    add_sums(out, snapshot);
    json_close(out, '}');
}

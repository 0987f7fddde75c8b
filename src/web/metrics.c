/* GET /metrics: Prometheus' text format, of a snapshot. */
#include <math.h>
#include <stdio.h>

#include "flow/watch.h"
#include "handlers.h"
#include "store/store.h"
#include "sys/db.h"

/* A metric being written. */
struct page {
    struct buf *out;
    const char *name;
    const struct snapshot *snapshot;
};

struct label {
    const char *name, *value;
};

#define LABELS(...)                                                                                          \
    (const struct label[]){__VA_ARGS__}, sizeof((const struct label[]){__VA_ARGS__}) / sizeof(struct label)
#define NO_LABELS NULL, 0

/* Whoever publishes names types and consumers as they like. */
static void put_label(struct buf *out, const struct label *label)
{
    buf_printf(out, "%s=\"", label->name);
    for (const char *at = label->value; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"')
            buf_add_char(out, '\\');
        if (*at == '\n')
            buf_add(out, SPAN("\\n"));
        else
            buf_add_char(out, *at);
    }
    buf_add_char(out, '"');
}

static void put_value(struct buf *out, double value)
{
    if (isinf(value))
        buf_add(out, SPAN("+Inf"));
    else if (value == floor(value))
        buf_printf(out, "%.0f", value);
    else
        buf_printf(out, "%.6f", value);
}

static void put_as(const struct page *page, const char *suffix, const struct label *labels, size_t count,
                   double value)
{
    buf_printf(page->out, "%s%s", page->name, suffix);
    for (size_t i = 0; i < count; i++) {
        buf_add_char(page->out, i == 0 ? '{' : ',');
        put_label(page->out, &labels[i]);
    }
    if (count > 0)
        buf_add_char(page->out, '}');
    buf_add_char(page->out, ' ');
    put_value(page->out, value);
    buf_add_char(page->out, '\n');
}

static void put(const struct page *page, const struct label *labels, size_t count, double value)
{
    put_as(page, "", labels, count, value);
}

/* What the system does not tell is left out. */
static void put_known(const struct page *page, int64_t value, double unit)
{
    if (page->snapshot->looked && value >= 0)
        put(page, NO_LABELS, (double)value / unit);
}

/* The buckets add up; there is one label at most beside theirs. */
static void put_histogram(const struct page *page, const struct histogram_values *values,
                          enum histogram_scale scale, const struct label *label, size_t count)
{
    double unit = scale == HISTOGRAM_TIME ? 1e6 : 1;
    const int64_t *bounds = histogram_bounds(scale);
    struct label labels[2] = {count > 0 ? *label : (struct label){0}};
    uint64_t below = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        char bound[32] = "+Inf";
        if (i < HISTOGRAM_BOUNDS)
            snprintf(bound, sizeof bound, "%.10g", (double)bounds[i] / unit);
        below += values->counts[i];
        labels[count] = (struct label){"le", bound};
        put_as(page, "_bucket", labels, count + 1, (double)below);
    }
    put_as(page, "_sum", labels, count, (double)values->sum / unit);
    put_as(page, "_count", labels, count, (double)values->count);
}

/* Sources and secrets. */

static void put_pickupd_webhooks_total(const struct page *page)
{
    for (const struct snapshot_source *source = page->snapshot->sources; source != NULL;
         source = source->next)
        for (int i = 0; i < OUTCOME_COUNT; i++)
            put(page, LABELS({"source", source->name}, {"outcome", outcome_label((enum outcome)i)}),
                (double)source->outcomes[i]);
}

static void put_pickupd_webhook_refusals_total(const struct page *page)
{
    for (const struct snapshot_source *source = page->snapshot->sources; source != NULL;
         source = source->next)
        for (int i = 0; i < REFUSAL_COUNT; i++)
            put(page, LABELS({"source", source->name}, {"reason", refusal_label((enum refusal)i)}),
                (double)source->refusals[i]);
}

#define PUT_OF_SOURCES(metric, value)                                                                        \
    static void put_##metric(const struct page *page)                                                        \
    {                                                                                                        \
        const struct snapshot_source *source = page->snapshot->sources;                                      \
        for (; source != NULL; source = source->next)                                                        \
            put(page, LABELS({"source", source->name}), (double)(value));                                    \
    }

PUT_OF_SOURCES(pickupd_signature_refusals_in_a_row, source->in_a_row)
PUT_OF_SOURCES(pickupd_quarantine_webhooks, source->rows)
PUT_OF_SOURCES(pickupd_quarantine_bytes, source->bytes)

static void put_pickupd_secret_last_match_timestamp_seconds(const struct page *page)
{
    for (const struct snapshot_source *source = page->snapshot->sources; source != NULL;
         source = source->next)
        for (const struct snapshot_secret *secret = source->secrets; secret != NULL; secret = secret->next)
            put(page, LABELS({"source", source->name}, {"secret", secret->name}), (double)secret->last / 1e3);
}

/* Nobody is to be woken for a source that was switched off. */
static void put_pickupd_secret_expiry_timestamp_seconds(const struct page *page)
{
    for (const struct snapshot_source *source = page->snapshot->sources; source != NULL;
         source = source->next)
        for (const struct snapshot_secret *secret = source->secrets; secret != NULL; secret = secret->next)
            if (secret->is_configured && source->disabled == NULL)
                put(page, LABELS({"source", source->name}, {"secret", secret->name}),
                    secret->not_after == INT64_MAX ? INFINITY : (double)secret->not_after / 1e3);
}

/* One that is off because somebody said so is none to be told of. */
static void put_pickupd_source_enabled(const struct page *page)
{
    for (const struct snapshot_source *source = page->snapshot->sources; source != NULL;
         source = source->next)
        if (source->is_configured && !source->is_off)
            put(page, LABELS({"source", source->name}), source->disabled == NULL);
}

/* Faces. */

#define PUT_OF_FACES(metric, condition, value)                                                               \
    static void put_##metric(const struct page *page)                                                        \
    {                                                                                                        \
        const struct snapshot_face *face = page->snapshot->faces;                                            \
        for (; face < page->snapshot->faces + SNAPSHOT_FACES; face++)                                        \
            if (condition)                                                                                   \
                put(page, LABELS({"face", face->name}), (double)(value));                                    \
    }

PUT_OF_FACES(pickupd_certificate_expiry_timestamp_seconds, face->until != 0, (double)face->until / 1e3)
PUT_OF_FACES(pickupd_tls_handshake_failures_total, true, face->handshakes)
PUT_OF_FACES(pickupd_connections, true, face->open)
PUT_OF_FACES(pickupd_connections_max, true, face->most)
PUT_OF_FACES(pickupd_connections_filled_total, true, face->filled)

static void put_pickupd_connections_cut_off_total(const struct page *page)
{
    const struct snapshot_face *face = page->snapshot->faces;
    for (; face < page->snapshot->faces + SNAPSHOT_FACES; face++)
        for (int i = 0; i < CUTOFF_COUNT; i++)
            put(page, LABELS({"face", face->name}, {"reason", cutoff_label((enum cutoff)i)}),
                (double)face->cutoffs[i]);
}

/* The reasons for which a request may be shed. */
static void put_pickupd_private_shed_total(const struct page *page)
{
    for (int i = REFUSAL_BUSY; i <= REFUSAL_QUARANTINE_FULL; i++)
        put(page, LABELS({"reason", refusal_label((enum refusal)i)}), (double)page->snapshot->shed[i]);
}

/* The hot path. */

static void put_pickupd_webhook_answer_seconds(const struct page *page)
{
    static const char *const classes[] = {[ANSWER_2XX] = "2xx", [ANSWER_4XX] = "4xx", [ANSWER_5XX] = "5xx"};
    for (int i = 0; i < ANSWER_CLASSES; i++)
        put_histogram(page, &page->snapshot->answers[i], HISTOGRAM_TIME, LABELS({"class", classes[i]}));
}

static void put_pickupd_events_total(const struct page *page)
{
    for (size_t i = 0; i < page->snapshot->type_count; i++)
        put(page, LABELS({"type", page->snapshot->types[i].name}), (double)page->snapshot->types[i].count);
}

#define PUT_HISTOGRAM(metric, member, scale)                                                                 \
    static void put_##metric(const struct page *page)                                                        \
    {                                                                                                        \
        put_histogram(page, &page->snapshot->member, HISTOGRAM_##scale, NO_LABELS);                          \
    }

PUT_HISTOGRAM(pickupd_commit_seconds, commit_time, TIME)
PUT_HISTOGRAM(pickupd_commit_jobs, commit_jobs, COUNT)
PUT_HISTOGRAM(pickupd_sync_seconds, sync_time, TIME)
PUT_HISTOGRAM(pickupd_sync_bytes, sync_bytes, BYTES)
PUT_HISTOGRAM(pickupd_checkpoint_seconds, checkpoint_time, TIME)

static void put_pickupd_mailbox_depth(const struct page *page)
{
    put(page, LABELS({"mailbox", "writer"}), (double)page->snapshot->load.depth);
    put(page, LABELS({"mailbox", "reader"}), (double)page->snapshot->readings);
}

/* One number each, always there. */
#define PUT_NUMBER(metric, value)                                                                            \
    static void put_##metric(const struct page *page)                                                        \
    {                                                                                                        \
        const struct snapshot *snapshot = page->snapshot;                                                    \
        put(page, NO_LABELS, (double)(value));                                                               \
    }

PUT_NUMBER(pickupd_unknown_source_requests_total, snapshot->unknown)
PUT_NUMBER(pickupd_commit_failures_total, snapshot->failures)
PUT_NUMBER(pickupd_queue_bytes, snapshot->load.bytes)
PUT_NUMBER(pickupd_queue_oldest_seconds, (double)snapshot->load.wait / 1e6)
PUT_NUMBER(pickupd_taking_webhooks, snapshot->takes == ERR_OK)
PUT_NUMBER(pickupd_store_looked, snapshot->looked)

/* One number each, of what is read from the store and the system. */
#define PUT_KNOWN(metric, value, unit)                                                                       \
    static void put_##metric(const struct page *page)                                                        \
    {                                                                                                        \
        put_known(page, page->snapshot->value, unit);                                                        \
    }

PUT_KNOWN(pickupd_store_bytes, disk.file_bytes, 1)
PUT_KNOWN(pickupd_store_log_bytes, disk.log_bytes, 1)
PUT_KNOWN(pickupd_disk_free_bytes, disk.free_bytes, 1)
PUT_KNOWN(pickupd_disk_bytes, disk.size_bytes, 1)
PUT_KNOWN(pickupd_disk_reserve_bytes, disk_reserve, 1)
PUT_KNOWN(pickupd_disk_reserve_held_bytes, disk.held_bytes, 1)
PUT_KNOWN(pickupd_last_event_seq, last_seq, 1)
PUT_KNOWN(pickupd_notices_pending, notices.pending, 1)
PUT_KNOWN(pickupd_notices_dead, notices.dead, 1)
PUT_KNOWN(process_cpu_seconds_total, process.cpu_us, 1e6)
PUT_KNOWN(process_resident_memory_bytes, process.resident_bytes, 1)
PUT_KNOWN(process_virtual_memory_bytes, process.virtual_bytes, 1)
PUT_KNOWN(process_open_fds, process.open_files, 1)
PUT_KNOWN(process_max_fds, process.max_files, 1)
PUT_KNOWN(process_threads, process.threads, 1)
PUT_KNOWN(process_start_time_seconds, process.started, 1e3)

/* Consumers; the flows are of no organization. */

PUT_KNOWN(pickupd_consumers, all_consumers, 1)

#define PUT_OF_CONSUMERS(metric, condition, value)                                                           \
    static void put_##metric(const struct page *page)                                                        \
    {                                                                                                        \
        const struct snapshot_consumer *consumer = page->snapshot->consumers;                                \
        for (; page->snapshot->looked && consumer != NULL; consumer = consumer->next)                        \
            if (condition)                                                                                   \
                put(page, LABELS({"org", consumer->org}, {"consumer", consumer->name}), (double)(value));    \
    }

PUT_OF_CONSUMERS(pickupd_consumer_lag_events, true, consumer->behind)
PUT_OF_CONSUMERS(pickupd_consumer_oldest_waiting_seconds, true,
                 (double)snapshot_waits(page->snapshot, consumer) / 1e3)
PUT_OF_CONSUMERS(pickupd_consumer_open_claims, true, consumer->open)
PUT_OF_CONSUMERS(pickupd_consumer_dead_letters, true, consumer->dead)
PUT_OF_CONSUMERS(pickupd_consumer_paused, true, consumer->paused)
PUT_OF_CONSUMERS(pickupd_consumer_last_seen_timestamp_seconds, *consumer->org != '\0',
                 (double)consumer->seen / 1e3)
PUT_OF_CONSUMERS(pickupd_consumer_missed_events_total, true, consumer->missed)

static void put_pickupd_build_info(const struct page *page)
{
    struct buf version CLEANUP(buf_free) = {0};
    buf_add_int(&version, store_version());
    put(page,
        LABELS({"version", PICKUPD_VERSION}, {"file_version", buf_text(&version)},
               {"sqlite_version", db_library_version()}),
        1);
}

static const struct {
    const char *name, *type, *help;
    void (*put)(const struct page *page);
} metrics[] = {
#define METRIC(name, type, help) {#name, #type, help, put_##name},
#include "tbl/metric.h"
};

static void on_looked(void *arg, const struct snapshot *snapshot)
{
    struct exchange *exchange = arg;
    struct header type = {SPAN("Content-Type"), SPAN("text/plain; version=0.0.4")};
    struct buf out = {.arena = &exchange->call->arena};
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        buf_printf(&out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help, metrics[i].name,
                   metrics[i].type);
        metrics[i].put(&(struct page){&out, metrics[i].name, snapshot});
    }
    http_answer(exchange->call, 200, &type, 1, buf_span(&out));
}

void web_metrics(struct exchange *exchange)
{
    struct exchange *kept = arena_alloc(&exchange->call->arena, sizeof *kept);
    *kept = *exchange;
    watch_look(exchange->face->watch, &exchange->face->sources, on_looked, kept);
}

/* Snapshots of the running server. */
#include "flow/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sys/db.h"

struct watch {
    struct watch_parts parts;
    struct histogram answers[ANSWER_CLASSES];
    atomic_ullong unknown;
    uint64_t shed[REFUSAL_COUNT];
    struct {
        uint64_t count, us;
    } syncs[TALLY_SAMPLES]; /* as the tallies are sampled */
    int64_t started;
};

struct looking {
    struct reader_job job; /* first: it comes back from the reader */
    struct snapshot snapshot;
    struct watch *watch;
    const struct sources *const *sources;
    watch_fn *fn;
    void *arg;
};

static void on_tick(void *arg)
{
    struct watch *watch = arg;
    struct histogram_values syncs;
    size_t at = watch->parts.tallies->sampled % TALLY_SAMPLES;
    histogram_read(&db_syncs()->time, &syncs);
    watch->syncs[at].count = syncs.count;
    watch->syncs[at].us = syncs.sum;
    tallies_sample(watch->parts.tallies);
}

struct watch *watch_start(const struct watch_parts *parts)
{
    struct watch *watch = mem_alloc(sizeof *watch);
    watch->parts = *parts;
    watch->started = time_monotonic();
    loop_every(parts->loop, TALLY_SAMPLE_MS, on_tick, watch);
    return watch;
}

void watch_free(struct watch *watch)
{
    free(watch);
}

void watch_answered(struct watch *watch, int status, int64_t us)
{
    enum answer_class class = status < 400 ? ANSWER_2XX : status < 500 ? ANSWER_4XX : ANSWER_5XX;
    histogram_add(&watch->answers[class], HISTOGRAM_TIME, us);
}

void watch_unknown(struct watch *watch)
{
    atomic_fetch_add_explicit(&watch->unknown, 1, memory_order_relaxed);
}

void watch_shed(struct watch *watch, enum err err)
{
    watch->shed[refusal_of_err(err)]++;
}

/* Of how long `lately` tells: since the start, or for as long as samples are kept, and part of one. */
static int64_t lately_ms(const struct watch *watch)
{
    int64_t up = (time_monotonic() - watch->started) / 1000;
    int64_t samples = (int64_t)watch->parts.tallies->sampled;
    return samples < TALLY_SAMPLES ? up : up - (samples - TALLY_SAMPLES + 1) * TALLY_SAMPLE_MS;
}

/* The oldest sample, which is nothing as long as there are not enough. */
static void add_syncs(const struct watch *watch, struct snapshot *snapshot)
{
    size_t sampled = watch->parts.tallies->sampled, at = sampled % TALLY_SAMPLES;
    bool is_full = sampled >= TALLY_SAMPLES;
    snapshot->syncs_lately = snapshot->sync_time.count - (is_full ? watch->syncs[at].count : 0);
    snapshot->sync_us_lately = snapshot->sync_time.sum - (is_full ? watch->syncs[at].us : 0);
}

/* Certificates are changed in this thread, too. */
static void add_face(const struct watch_face *from, struct snapshot_face *face)
{
    const struct http_counts *counts = from->counts;
    face->name = from->name;
    face->until = from->tls != NULL ? tls_expires(from->tls) : 0;
    face->open = atomic_load_explicit(&counts->open, memory_order_relaxed);
    face->most = atomic_load_explicit(&counts->most, memory_order_relaxed);
    face->filled = atomic_load_explicit(&counts->filled, memory_order_relaxed);
    face->handshakes = atomic_load_explicit(&counts->handshakes, memory_order_relaxed);
    for (int i = 0; i < CUTOFF_COUNT; i++)
        face->cutoffs[i] = atomic_load_explicit(&counts->cutoffs[i], memory_order_relaxed);
}

static void finish(struct looking *looking)
{
    struct watch *watch = looking->watch;
    struct snapshot *snapshot = &looking->snapshot;
    snapshot->served = true;
    snapshot->now = time_now();
    snapshot->lately_ms = lately_ms(watch);
    snapshot->takes = writer_admits(watch->parts.writer, 0);
    snapshot->readings = (int64_t)reader_depth(watch->parts.reader);
    snapshot->disk_reserve = watch->parts.disk_reserve;
    for (int i = 0; i < ANSWER_CLASSES; i++)
        histogram_read(&watch->answers[i], &snapshot->answers[i]);
    snapshot->unknown = atomic_load_explicit(&watch->unknown, memory_order_relaxed);
    memcpy(snapshot->shed, watch->shed, sizeof snapshot->shed);
    snapshot_add_sources(snapshot, *looking->sources, watch->parts.tallies);
    snapshot_add_store(snapshot, watch->parts.writer);
    add_syncs(watch, snapshot);
    for (size_t i = 0; i < SNAPSHOT_FACES; i++)
        add_face(&watch->parts.faces[i], &snapshot->faces[i]);
    looking->fn(looking->arg, snapshot);
    snapshot_free(snapshot);
    free(looking);
}

static void run(struct view *view, struct reader_job *job)
{
    struct looking *looking = (struct looking *)job;
    process_look(&looking->snapshot.process);
    snapshot_look(&looking->snapshot, view, looking->watch->parts.flows);
}

static void done(struct reader_job *job)
{
    finish((struct looking *)job);
}

void watch_look(struct watch *watch, const struct sources *const *sources, watch_fn *fn, void *arg)
{
    struct looking *looking = mem_alloc(sizeof *looking);
    looking->job = (struct reader_job){.run = run, .done = done, .loop = watch->parts.loop};
    looking->watch = watch;
    looking->sources = sources;
    looking->fn = fn;
    looking->arg = arg;
    snapshot_begin(&looking->snapshot, watch->parts.database, time_now());
    if (reader_put(watch->parts.reader, &looking->job) != ERR_OK)
        finish(looking);
}

/* Taking a snapshot. */
#include "flow/snapshot.h"

#include "store/lags.h"
#include "sys/db.h"

void snapshot_begin(struct snapshot *snapshot, const char *database, int64_t now)
{
    *snapshot = (struct snapshot){.now = now};
    snapshot->database = arena_copy(&snapshot->arena, span_of(database));
    snapshot->last_source = &snapshot->sources;
    snapshot->last_consumer = &snapshot->consumers;
}

void snapshot_free(struct snapshot *snapshot)
{
    arena_free(&snapshot->arena);
}

/* The store and the disk. */

struct looking {
    struct snapshot *snapshot;
    bool flows;
    int64_t left_out; /* consumers */
};

static void add_consumer(void *arg, const struct lag *lag)
{
    struct looking *looking = arg;
    struct snapshot *snapshot = looking->snapshot;
    if (lag->org.len == 0 && !looking->flows) {
        looking->left_out++; /* nobody is to read it */
        return;
    }
    struct snapshot_consumer *one = arena_alloc(&snapshot->arena, sizeof *one);
    *one = (struct snapshot_consumer){.org = arena_copy(&snapshot->arena, lag->org),
                                      .name = arena_copy(&snapshot->arena, lag->name),
                                      .paused = lag->paused,
                                      .behind = lag->behind,
                                      .open = lag->open,
                                      .dead = lag->dead,
                                      .oldest = lag->oldest,
                                      .seen = lag->seen,
                                      .missed = lag->missed};
    *snapshot->last_consumer = one;
    snapshot->last_consumer = &one->next;
    snapshot->consumer_count++;
}

void snapshot_look(struct snapshot *snapshot, struct view *view, bool flows)
{
    struct looking looking = {snapshot, flows, 0};
    struct lags all;
    disk_look(snapshot->database, &snapshot->disk);
    enum err err = lags_each(view, &all, add_consumer, &looking);
    snapshot->last_seq = all.last;
    snapshot->all_consumers = all.consumers - looking.left_out;
    if (err == ERR_OK)
        err = notice_count(view, snapshot->now - SNAPSHOT_LATELY_MS, &snapshot->notices);
    snapshot->looked = err == ERR_OK;
}

/* Sources. */

static struct snapshot_source *source_of(struct snapshot *snapshot, struct span name)
{
    struct snapshot_source *source = snapshot->sources;
    while (source != NULL && !span_is(span_of(source->name), name))
        source = source->next;
    if (source != NULL)
        return source;
    source = arena_alloc(&snapshot->arena, sizeof *source);
    source->name = arena_copy(&snapshot->arena, name);
    *snapshot->last_source = source;
    snapshot->last_source = &source->next;
    return source;
}

static struct snapshot_secret *secret_of(struct snapshot *snapshot, struct snapshot_source *source,
                                         struct span name)
{
    struct snapshot_secret **link = &source->secrets;
    while (*link != NULL && !span_is(span_of((*link)->name), name))
        link = &(*link)->next;
    if (*link != NULL)
        return *link;
    *link = arena_alloc(&snapshot->arena, sizeof **link);
    (*link)->name = arena_copy(&snapshot->arena, name);
    return *link;
}

void snapshot_add_secret(struct snapshot *snapshot, struct span source, struct span name, int64_t not_before,
                         int64_t not_after)
{
    struct snapshot_secret *secret = secret_of(snapshot, source_of(snapshot, source), name);
    secret->is_configured = true;
    secret->not_before = not_before;
    secret->not_after = not_after;
}

static void add_configured(struct snapshot *snapshot, const struct source *from)
{
    struct snapshot_source *source = source_of(snapshot, span_of(from->name));
    source->is_configured = true;
    source->is_off = from->is_off;
    if (from->disabled != NULL)
        source->disabled = arena_copy(&snapshot->arena, span_of(from->disabled));
    for (size_t i = 0; i < from->secret_count; i++)
        snapshot_add_secret(snapshot, span_of(from->name), span_of(from->secrets[i].name),
                            from->secrets[i].not_before, from->secrets[i].not_after);
}

static void add_tally(struct snapshot *snapshot, const struct tallies *tallies, const struct tally *tally)
{
    struct snapshot_source *source = source_of(snapshot, span_of(tally->source));
    for (int i = 0; i < OUTCOME_COUNT; i++)
        source->outcomes[i] = atomic_load_explicit(&tally->outcomes[i], memory_order_relaxed);
    for (int i = 0; i < REFUSAL_COUNT; i++)
        source->refusals[i] = atomic_load_explicit(&tally->refusals[i], memory_order_relaxed);
    source->lately = tally_lately(tallies, tally);
    source->last = tally_last_match(tally);
    if (source->last > 0)
        source->in_a_row = atomic_load_explicit(&tally->in_a_row, memory_order_relaxed);
    for (const struct match_tally *match = tally->secrets; match != NULL; match = match->next)
        secret_of(snapshot, source, span_of(match->secret))->last =
            atomic_load_explicit(&match->last, memory_order_relaxed);
}

void snapshot_add_sources(struct snapshot *snapshot, const struct sources *sources,
                          const struct tallies *tallies)
{
    for (size_t i = 0; i < sources->count; i++)
        add_configured(snapshot, &sources->all[i]);
    for (const struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        add_tally(snapshot, tallies, tally);
}

void snapshot_add_use(struct snapshot *snapshot, struct span origin, int64_t rows, int64_t bytes)
{
    struct snapshot_source *source = source_of(snapshot, origin);
    source->rows += rows;
    source->bytes += bytes;
}

/* The writer and its store. */

static void add_use(void *arg, struct span origin, int64_t rows, int64_t bytes)
{
    snapshot_add_use(arg, origin, rows, bytes);
}

static void add_types(struct snapshot *snapshot, const struct store_counts *counts)
{
    size_t named = atomic_load_explicit(&counts->type_count, memory_order_acquire);
    struct snapshot_type *types = arena_alloc(&snapshot->arena, (named + 1) * sizeof *types);
    for (size_t i = 0; i < named; i++)
        types[i] = (struct snapshot_type){arena_copy(&snapshot->arena, span_of(counts->types[i])),
                                          atomic_load_explicit(&counts->events[i], memory_order_relaxed)};
    types[named] = (struct snapshot_type){
        COUNTS_OTHER, atomic_load_explicit(&counts->events[COUNTS_TYPES], memory_order_relaxed)};
    snapshot->types = types;
    snapshot->type_count = named + 1;
}

void snapshot_add_store(struct snapshot *snapshot, const struct writer *writer)
{
    const struct store_counts *counts = store_counts(writer_store(writer));
    writer_look(writer, &snapshot->load);
    histogram_read(&counts->commit_time, &snapshot->commit_time);
    histogram_read(&counts->commit_jobs, &snapshot->commit_jobs);
    histogram_read(&counts->checkpoint_time, &snapshot->checkpoint_time);
    histogram_read(&db_syncs()->time, &snapshot->sync_time);
    histogram_read(&db_syncs()->bytes, &snapshot->sync_bytes);
    snapshot->failures = atomic_load_explicit(&counts->failures, memory_order_relaxed);
    add_types(snapshot, counts);
    counts_each_use(counts, add_use, snapshot);
}

int64_t snapshot_waits(const struct snapshot *snapshot, const struct snapshot_consumer *consumer)
{
    bool waits = consumer->oldest > 0 && consumer->oldest < snapshot->now;
    return waits ? snapshot->now - consumer->oldest : 0;
}

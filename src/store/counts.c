/* Events by type, and what else the store counts. */
#include "store/counts.h"

#include <stdlib.h>

#include "uses.h"

/* What this program knows or makes itself; a stranger's types can't take their places. */
static const char *const own_types[] = {"PickupRequested",       "CaseReadyToShip",     "DeliveryCompleted",
                                        "DeliveryStatusChanged", "PickupStatusChanged", "DispatcherNotified"};

#define OWN_TYPES (sizeof own_types / sizeof own_types[0])

void counts_begin(struct store_counts *counts, const use_list *uses)
{
    for (size_t i = 0; i < OWN_TYPES; i++)
        counts->types[i] = mem_copy(span_of(own_types[i]));
    atomic_init(&counts->type_count, OWN_TYPES);
    counts->uses = uses;
}

void counts_free(struct store_counts *counts)
{
    for (size_t i = 0; i < COUNTS_TYPES; i++)
        free(counts->types[i]);
    buf_free(&counts->pending);
}

/* Behind all names stands what is counted together; a type of its name must not have a place beside it. */
static size_t place_of(struct store_counts *counts, struct span type)
{
    if (span_is(type, SPAN(COUNTS_OTHER)))
        return COUNTS_TYPES;
    size_t at = 0, count = atomic_load_explicit(&counts->type_count, memory_order_relaxed);
    while (at < count && !span_is(type, span_of(counts->types[at])))
        at++;
    if (at == count && count < COUNTS_TYPES) {
        counts->types[at] = mem_copy(type);
        atomic_store_explicit(&counts->type_count, count + 1, memory_order_release);
    }
    return at;
}

void counts_add_event(struct store_counts *counts, int64_t nth, struct span type)
{
    counts->pending.len = (size_t)nth - 1;
    buf_add_char(&counts->pending, (char)place_of(counts, type));
}

void counts_keep(struct store_counts *counts, int64_t events, int64_t jobs, int64_t us)
{
    for (int64_t i = 0; i < events; i++)
        atomic_fetch_add_explicit(&counts->events[(size_t)counts->pending.at[i]], 1, memory_order_relaxed);
    histogram_add(&counts->commit_time, HISTOGRAM_TIME, us);
    histogram_add(&counts->commit_jobs, HISTOGRAM_COUNT, jobs);
}

void counts_fail(struct store_counts *counts)
{
    atomic_fetch_add_explicit(&counts->failures, 1, memory_order_relaxed);
}

void counts_each_use(const struct store_counts *counts, counts_use_fn *fn, void *arg)
{
    for (const struct use *use = *counts->uses; use != NULL; use = use->next)
        fn(arg, span_of(use->origin), atomic_load_explicit(&use->kept_rows, memory_order_relaxed),
           atomic_load_explicit(&use->kept_bytes, memory_order_relaxed));
}

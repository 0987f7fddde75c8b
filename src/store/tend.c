/* What the store does beside writing: it moves its log on, and sees to it that there is room. */
#include "base/log.h"
#include "base/time.h"
#include "parts.h"

/* Between two looks at a disk that had no room or did not write; each writes, too. */
#define LOOK_US 100000

void store_set_state(struct store *store, enum err state)
{
    enum err before = store_state(store);
    if (state == before || before == ERR_SYNC)
        return;
    atomic_store(&store->state, (int)state);
    if (state == ERR_OK)
        log_event_limited(LOG_INFO, "webhooks are taken again", LOG_STR("after", err_text(before)));
    else if (state == ERR_SYNC)
        log_event(LOG_ERROR, "the disk failed to sync: stopping, what was answered 200 is safe",
                  LOG_STR("reason", db_error(store->db)));
    else
        log_event_limited(LOG_ERROR, "webhooks are answered 503", LOG_STR("reason", err_text(state)));
}

/* A commit does not fail with the checkpoint that is due after it: what it wrote is in the log. */
static void checkpoint(struct store *store)
{
    int64_t since = db_waiting_pages(store->db) < store->limits.log_pages ? 0 : time_monotonic();
    enum err err = db_checkpoint(store->db, store->limits.log_pages);
    if (err == ERR_FULL && store->reserve != NULL) {
        reserve_release(store->reserve);
        err = db_checkpoint(store->db, store->limits.log_pages);
    }
    if (err == ERR_OK && since != 0)
        histogram_add(&store->counts.checkpoint_time, HISTOGRAM_TIME, time_monotonic() - since);
    if (err != ERR_OK)
        log_event_limited(LOG_ERROR, "store can't checkpoint", LOG_STR("reason", db_error(store->db)));
    if (err == ERR_SYNC)
        store_set_state(store, err);
    int64_t pages = db_log_pages(store->db);
    if (pages < STORE_LONG_LOG_PAGES)
        store->told_pages = STORE_LONG_LOG_PAGES;
    if (pages < store->told_pages)
        return;
    log_event(LOG_WARN, "the log grows: somebody keeps reading the database, or the disk is full",
              LOG_NUM("pages", pages));
    store->told_pages = 2 * pages;
}

/* The log may hold room that it needs no more. */
static bool makes_room(struct store *store)
{
    int64_t room = reserve_room(store->reserve) - store->limits.disk_reserve / 2;
    enum err err = db_cut_log(store->db, room);
    if (err == ERR_SYNC)
        store_set_state(store, err);
    return err == ERR_OK && reserve_room(store->reserve) >= store->limits.disk_reserve;
}

void store_look(struct store *store)
{
    struct reserve *reserve = store->reserve;
    struct store_job probe = {.kind = STORE_PROBE, .event.time = time_now()};
    bool is_short = reserve != NULL && reserve_room(reserve) < store->limits.disk_reserve;
    store->looked = time_monotonic();
    if (is_short || store_state(store) != ERR_OK)
        store_write(store, &probe);
    if (probe.err != ERR_OK)
        return;
    if (is_short)
        is_short = !makes_room(store);
    bool is_held = reserve == NULL || (!is_short && reserve_hold(reserve));
    store_set_state(store, is_held ? ERR_OK : ERR_FULL);
}

void store_compact(struct store *store)
{
    store->wants_compact = true;
    store->compacted = ERR_BUSY;
}

enum err store_compacted(const struct store *store)
{
    return store->compacted;
}

/* Written anew it is in the log, beside what was there before: that is gone only once the log is empty. */
static void compact(struct store *store)
{
    enum err err = db_vacuum(store->db);
    if (err == ERR_OK)
        err = db_empty_log(store->db);
    store->wants_compact = false;
    store->compacted = err;
    if (err != ERR_OK)
        log_event(LOG_ERROR, "the database could not be written anew",
                  LOG_STR("reason", err == ERR_BUSY ? "somebody keeps reading it" : db_error(store->db)));
    if (err == ERR_SYNC)
        store_set_state(store, err);
}

void store_tend(struct store *store)
{
    chain_tell(&store->chain, time_monotonic());
    if (store->wants_compact && store_state(store) != ERR_SYNC)
        compact(store);
    if (store_state(store) != ERR_SYNC)
        checkpoint(store);
    enum err state = store_state(store);
    if (state == ERR_OK || (state != ERR_SYNC && time_monotonic() - store->looked >= LOOK_US))
        store_look(store);
}

enum err store_state(const struct store *store)
{
    return (enum err)atomic_load(&store->state);
}

bool store_may_close(struct store *store)
{
    bool may = db_may_close(store->db);
    if (!may)
        log_event_limited(LOG_ERROR, "the disk can't take back what was refused: not stopping yet",
                          LOG_STR("reason", err_text(ERR_SYNC)));
    return may;
}

const struct store_counts *store_counts(const struct store *store)
{
    return &store->counts;
}

/* One transaction for all that waits. */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "parts.h"
#include "version.h"

/* Bytes of the reserve for each page that may wait in the log, so that what is held has room for them all. */
#define LOG_SHARE (4 * 4096)

static enum err count(struct store *store)
{
    bool row;
    store->counted = false;
    TRY(view_last_seq(&store->view, &store->seq));
    for (struct use *use = store->uses; use != NULL; use = use->next)
        use->rows = use->bytes = 0;
    enum err err = db_step(store->db, SQL_QUARANTINE_USE, &row);
    while (err == ERR_OK && row) {
        struct use *use = use_of(&store->uses, db_span(store->db, SQL_QUARANTINE_USE, 0));
        use->rows++;
        use->bytes += db_int(store->db, SQL_QUARANTINE_USE, 1);
        err = db_step(store->db, SQL_QUARANTINE_USE, &row);
    }
    db_reset(store->db, SQL_QUARANTINE_USE);
    store->counted = err == ERR_OK;
    return err;
}

/* Half is held, and the other half is to be free beside it: then webhooks are shed before they meet the end.
 */
static bool open_reserve(struct store *store, const char *path, struct buf *why)
{
    struct buf beside CLEANUP(buf_free) = {0};
    if (store->limits.disk_reserve == 0)
        return true;
    buf_printf(&beside, "%s.reserve", path);
    store->reserve = reserve_open(buf_text(&beside), store->limits.disk_reserve / 2);
    if (store->reserve == NULL)
        buf_printf(why, "%s: %s", buf_text(&beside), strerror(errno));
    return store->reserve != NULL;
}

static enum err make_ready(struct store *store, const char *path, struct seal *seal, struct buf *why)
{
    TRY(db_own(store->db));
    TRY(version_update(store->db));
    TRY(sealing_open(&store->sealing, store->db, seal));
    TRY(db_prepare(store->db, sql_texts, SQL_COUNT));
    if (!sealing_check(store->db, seal, path, why))
        return ERR_SEALED;
    return count(store);
}

struct store *store_open_sealed(const char *path, const struct store_limits *limits, struct seal *seal,
                                struct buf *why)
{
    if (room_is_being_restored(path, why))
        return NULL;
    struct db *db = db_open(path, DB_WRITE, why);
    if (db == NULL)
        return NULL;
    if (!version_is_ours(db, path, why)) {
        db_close(db);
        return NULL;
    }
    struct store *store = mem_alloc(sizeof *store);
    *store = (struct store){.db = db, .view.db = db, .limits = *limits, .told_pages = STORE_LONG_LOG_PAGES};
    counts_begin(&store->counts, &store->uses);
    if (limits->disk_reserve > 0 && limits->disk_reserve / LOG_SHARE < limits->log_pages)
        store->limits.log_pages = limits->disk_reserve / LOG_SHARE;
    enum err err = open_reserve(store, path, why) ? make_ready(store, path, seal, why) : ERR_INTERNAL;
    if (err == ERR_OK) {
        uses_keep(store->uses);
        store_look(store);
        return store;
    }
    if (why->len == 0)
        buf_printf(why, "%s: %s", path,
                   err == ERR_BUSY   ? "another program has been reading it for too long"
                   : err == ERR_SYNC ? err_text(err)
                                     : db_error(db));
    store_close(store);
    return NULL;
}

enum err store_audit(struct store *store, struct hmac_key *key)
{
    return chain_begin(&store->chain, store->db, key);
}

void store_tell_audit(struct store *store)
{
    store->chain.tells = true;
    chain_tell(&store->chain, time_monotonic());
}

void store_close(struct store *store)
{
    chain_end(&store->chain);
    uses_free(&store->uses);
    counts_free(&store->counts);
    db_close(store->db);
    sealing_close(&store->sealing);
    if (store->reserve != NULL)
        reserve_close(store->reserve);
    free(store);
}

static struct span id_of(const struct store_job *job)
{
    return (struct span){(const char *)job->event.id.bytes, EVENT_ID_BYTES};
}

/* A webhook that is in quarantine is no longer, and first arrived when it was put there. */
static enum err leave_quarantine(struct store *store, struct store_job *job, struct use *use)
{
    bool row;
    db_bind_blob(store->db, SQL_QUARANTINE_FIND, 1, id_of(job));
    enum err err = db_step(store->db, SQL_QUARANTINE_FIND, &row);
    int64_t first_seen = err == ERR_OK && row ? db_int(store->db, SQL_QUARANTINE_FIND, 0) : 0;
    int64_t bytes = err == ERR_OK && row ? db_int(store->db, SQL_QUARANTINE_FIND, 1) : 0;
    db_reset(store->db, SQL_QUARANTINE_FIND);
    if (err != ERR_OK || !row)
        return err;
    event_set_time(&job->event, first_seen);
    db_bind_blob(store->db, SQL_QUARANTINE_CLEAR, 1, id_of(job));
    use->rows--;
    use->bytes -= bytes;
    return db_run(store->db, SQL_QUARANTINE_CLEAR);
}

/* NULL where the body makes the id. */
static struct span content_of(const struct event *event)
{
    return (struct span){(const char *)event->content, event->content != NULL ? HASH_BYTES : 0};
}

/* Whether the event is there, and if so, whether under its key stands what came now. What can't be unsealed
 * is taken for another, and holds up nothing. */
static enum err find_event(struct store *store, struct store_job *job, bool *found)
{
    db_bind_blob(store->db, SQL_EVENT_CONTENT, 1, id_of(job));
    db_bind_blob(store->db, SQL_EVENT_CONTENT, 2, content_of(&job->event));
    enum err err = db_step(store->db, SQL_EVENT_CONTENT, found);
    if (err == ERR_SEALED) {
        db_reset(store->db, SQL_EVENT_CONTENT);
        *found = job->changed = true;
        return ERR_OK;
    }
    job->changed = *found && db_int(store->db, SQL_EVENT_CONTENT, 0) == 0;
    db_reset(store->db, SQL_EVENT_CONTENT);
    return err;
}

static enum err put_event(struct store *store, struct store_job *job)
{
    const struct event *event = &job->event;
    struct use *use = use_find(store->uses, event->origin); /* who publishes may name any number of origins */
    if (use != NULL && use->rows > 0)
        TRY(leave_quarantine(store, job, use));
    db_bind_blob(store->db, SQL_EVENT_ADD, 1, id_of(job));
    db_bind_text(store->db, SQL_EVENT_ADD, 2, event->origin);
    db_bind_text(store->db, SQL_EVENT_ADD, 3, event->source);
    db_bind_text(store->db, SQL_EVENT_ADD, 4, event->type);
    db_bind_text(store->db, SQL_EVENT_ADD, 5, event->org);
    db_bind_int(store->db, SQL_EVENT_ADD, 6, event->time);
    db_bind_text(store->db, SQL_EVENT_ADD, 7, (struct span){event->detail, event->detail_len});
    db_bind_blob(store->db, SQL_EVENT_ADD, 8, content_of(event));
    db_bind_int(store->db, SQL_EVENT_ADD, 9, store->seq + 1);
    TRY(db_run(store->db, SQL_EVENT_ADD));
    job->duplicate = db_changes(store->db) == 0;
    store->seq += !job->duplicate;
    if (!job->duplicate)
        counts_add_event(&store->counts, store->seq - store->began, event->type);
    bool found;
    return job->duplicate && event->content != NULL ? find_event(store, job, &found) : ERR_OK;
}

static enum err put_quarantine(struct store *store, struct store_job *job)
{
    struct use *use = use_of(&store->uses, job->event.origin);
    int64_t bytes = (int64_t)(job->body.len + job->head.len);
    TRY(find_event(store, job, &job->known));
    job->duplicate = job->known;
    job->changed = false; /* what can't be mapped has no content to compare */
    if (job->known)
        return ERR_OK;
    db_bind_blob(store->db, SQL_QUARANTINE_REPEAT, 1, id_of(job));
    db_bind_int(store->db, SQL_QUARANTINE_REPEAT, 2, job->event.time);
    db_bind_text(store->db, SQL_QUARANTINE_REPEAT, 3, job->faults);
    db_bind_blob(store->db, SQL_QUARANTINE_REPEAT, 4, job->body);
    enum err err = db_run(store->db, SQL_QUARANTINE_REPEAT);
    if (err == ERR_SEALED)
        err = leave_quarantine(store, job, use); /* what can be read takes the place of what can't */
    else
        job->duplicate = err == ERR_OK && db_changes(store->db) > 0;
    if (err != ERR_OK || job->duplicate)
        return err;
    if (use->rows >= store->limits.quarantine_rows || use->bytes + bytes > store->limits.quarantine_bytes) {
        job->err = ERR_QUARANTINE_FULL;
        return ERR_OK; /* of no concern to the rest of the batch */
    }
    db_bind_blob(store->db, SQL_QUARANTINE_ADD, 1, id_of(job));
    db_bind_text(store->db, SQL_QUARANTINE_ADD, 2, job->event.origin);
    db_bind_text(store->db, SQL_QUARANTINE_ADD, 3, job->event.org);
    db_bind_int(store->db, SQL_QUARANTINE_ADD, 4, job->event.time);
    db_bind_text(store->db, SQL_QUARANTINE_ADD, 5, job->faults);
    db_bind_blob(store->db, SQL_QUARANTINE_ADD, 6, job->body);
    db_bind_text(store->db, SQL_QUARANTINE_ADD, 7, job->head);
    use->rows++;
    use->bytes += bytes;
    return db_run(store->db, SQL_QUARANTINE_ADD);
}

static enum err put_faults(struct store *store, struct store_job *job)
{
    db_bind_blob(store->db, SQL_QUARANTINE_FAULTS, 1, id_of(job));
    db_bind_text(store->db, SQL_QUARANTINE_FAULTS, 2, job->faults);
    return db_run(store->db, SQL_QUARANTINE_FAULTS);
}

static enum err put_clear(struct store *store, struct store_job *job)
{
    struct use *use = use_of(&store->uses, job->event.origin);
    return use->rows > 0 ? leave_quarantine(store, job, use) : ERR_OK;
}

static enum err put_matches(struct store *store, struct store_job *job)
{
    for (size_t i = 0; i < job->match_count; i++) {
        db_bind_text(store->db, SQL_MATCH, 1, job->matches[i].origin);
        db_bind_text(store->db, SQL_MATCH, 2, job->matches[i].secret);
        db_bind_int(store->db, SQL_MATCH, 3, job->matches[i].time);
        TRY(db_run(store->db, SQL_MATCH));
    }
    return ERR_OK;
}

static enum err put_nothing(struct store *store, struct store_job *job)
{
    (void)store, (void)job;
    return ERR_OK;
}

static enum err put_probe(struct store *store, struct store_job *job)
{
    db_bind_int(store->db, SQL_PROBE, 1, job->event.time);
    return db_run(store->db, SQL_PROBE);
}

bool store_is_lost(enum err err)
{
    return err == ERR_STORE || err == ERR_FULL || err == ERR_SYNC;
}

enum err store_attempt(struct store *store, store_part *part, void *arg)
{
    int64_t seq = store->seq;
    TRY(db_run(store->db, SQL_SAVEPOINT));
    enum err err = part(store, arg);
    if (store_is_lost(err))
        return err;
    if (err != ERR_OK) {
        TRY(db_run(store->db, SQL_SAVEPOINT_UNDO));
        store->seq = seq;
    }
    TRY(db_run(store->db, SQL_SAVEPOINT_END));
    return err;
}

static enum err call(struct store *store, void *arg)
{
    struct store_job *job = arg;
    return job->call(store, job);
}

static enum err put_call(struct store *store, struct store_job *job)
{
    enum err err = store_attempt(store, call, job);
    if (store_is_lost(err))
        return err;
    job->err = err; /* of no concern to the rest of the batch */
    return ERR_OK;
}

enum err store_publish(struct store *store, const struct event *event, bool *duplicate, bool *changed)
{
    struct store_job job = {.kind = STORE_EVENT, .event = *event};
    enum err err = put_event(store, &job);
    *duplicate = job.duplicate;
    *changed = job.changed;
    return err;
}

int64_t store_seq(const struct store *store)
{
    return store->seq;
}

void store_recount(struct store *store)
{
    store->counted = false;
}

struct view *store_view(struct store *store)
{
    return &store->view;
}

struct db *store_db(struct store *store)
{
    return store->db;
}

struct sealing *store_sealing(struct store *store)
{
    return &store->sealing;
}

static enum err (*const puts_by_kind[])(struct store *, struct store_job *) = {
    [STORE_EVENT] = put_event,     [STORE_QUARANTINE] = put_quarantine,
    [STORE_CLEAR] = put_clear,     [STORE_FAULTS] = put_faults,
    [STORE_MATCHES] = put_matches, [STORE_FENCE] = put_nothing,
    [STORE_PROBE] = put_probe,     [STORE_CALL] = put_call,
};

static enum err put(struct store *store, struct store_job *job)
{
    job->err = ERR_OK;
    job->known = job->changed = false; /* as it may have been tried before */
    return puts_by_kind[job->kind](store, job);
}

/* What leaves quarantine goes first: it makes room for what comes, and tells when that first arrived. */
static enum err put_clears(struct store *store, struct store_job *first, int64_t *since)
{
    *since = INT64_MAX;
    for (struct store_job *job = first; job != NULL; job = job->part) {
        if (job->kind != STORE_CLEAR)
            continue;
        TRY(put(store, job));
        *since = job->event.time < *since ? job->event.time : *since;
    }
    return ERR_OK;
}

static enum err put_since(struct store *store, struct store_job *job, int64_t since)
{
    bool is_older = since < job->event.time;
    if (job->kind == STORE_EVENT && is_older)
        event_set_time(&job->event, since);
    TRY(put(store, job));
    if (job->kind != STORE_QUARANTINE || !is_older)
        return ERR_OK;
    db_bind_blob(store->db, SQL_QUARANTINE_SINCE, 1, id_of(job));
    db_bind_int(store->db, SQL_QUARANTINE_SINCE, 2, since);
    return db_run(store->db, SQL_QUARANTINE_SINCE);
}

/* All parts or none: one that finds quarantine full takes the others with it. All are of one source. */
static enum err put_parts(struct store *store, struct store_job *first)
{
    int64_t since;
    enum err full = ERR_OK;
    struct use *use = use_of(&store->uses, first->event.origin);
    int64_t rows = use->rows, bytes = use->bytes;
    int64_t seq = store->seq;
    TRY(db_run(store->db, SQL_SAVEPOINT));
    TRY(put_clears(store, first, &since));
    for (struct store_job *job = first; job != NULL && full == ERR_OK; job = job->part) {
        if (job->kind == STORE_CLEAR)
            continue;
        TRY(put_since(store, job, since));
        full = job->err;
    }
    first->err = full;
    if (full != ERR_OK) {
        TRY(db_run(store->db, SQL_SAVEPOINT_UNDO));
        use->rows = rows;
        use->bytes = bytes;
        store->seq = seq;
    }
    return db_run(store->db, SQL_SAVEPOINT_END);
}

static struct store_job *next_of(const struct store_job *job)
{
    return (struct store_job *)job->mail.next;
}

/* Which jobs of a chain. */
enum share { ALL, NO_WEBHOOKS };

static bool is_of(const struct store_job *job, enum share share)
{
    return share == ALL || !job->webhook;
}

static enum err put_audited(struct store *store, struct store_job *job)
{
    TRY(job->part == NULL ? put(store, job) : put_parts(store, job));
    return job->audit != NULL && job->err == ERR_OK ? chain_add(&store->chain, store->db, job->audit)
                                                    : ERR_OK;
}

static enum err put_all(struct store *store, struct store_job *first, enum share share)
{
    if (!store->counted)
        TRY(count(store));
    store->began = store->seq;
    TRY(db_run(store->db, SQL_BEGIN));
    TRY(sealing_begin(&store->sealing, store->db));
    for (struct store_job *job = first; job != NULL; job = next_of(job)) {
        if (is_of(job, share))
            TRY(put_audited(store, job));
    }
    return db_run(store->db, SQL_COMMIT);
}

enum err store_adopt(struct store *store, struct seal *keys, struct buf *why)
{
    why->len = 0;
    if (!sealing_check(store->db, keys, "the database", why))
        return why->len == 0 ? ERR_STORE : ERR_SEALED;
    store->adopting = keys;
    return ERR_OK;
}

static int64_t count_jobs(const struct store_job *first, enum share share)
{
    int64_t count = 0;
    for (const struct store_job *job = first; job != NULL; job = next_of(job))
        count += is_of(job, share);
    return count;
}

/* All or nothing: no job of a transaction that failed is kept, so each of them says so. */
static enum err transact(struct store *store, struct store_job *first, enum share share)
{
    int64_t seq = store->seq;
    struct audit_head head = store->chain.head;
    int64_t since = time_monotonic();
    store->adopting = NULL;
    enum err err = store_state(store) == ERR_SYNC ? ERR_SYNC : put_all(store, first, share);
    if (err == ERR_OK) {
        if (store->adopting != NULL)
            seal_adopt(store->sealing.seal, store->adopting);
        counts_keep(&store->counts, store->seq - store->began, count_jobs(first, share),
                    time_monotonic() - since);
        if (store->counted || count(store) == ERR_OK) /* or the next transaction tries again */
            uses_keep(store->uses);
        return ERR_OK;
    }
    store->seq = seq;
    store->chain.head = head;
    counts_fail(&store->counts);
    err = store_is_lost(err) ? err : ERR_STORE;
    if (store_state(store) != err)
        log_event_limited(LOG_ERROR, "store can't write", LOG_STR("reason", db_error(store->db)));
    store_set_state(store, err);
    enum err rolled_back = db_run(store->db, SQL_ROLLBACK);
    (void)rolled_back; /* SQLite may have done it already */
    sealing_forget(&store->sealing);
    for (struct store_job *job = first; job != NULL; job = next_of(job)) {
        if (is_of(job, share))
            job->err = err;
    }
    store->counted = false;
    store->looked = time_monotonic();
    return err;
}

void store_write(struct store *store, struct store_job *first)
{
    if (transact(store, first, ALL) != ERR_FULL || store->reserve == NULL ||
        count_jobs(first, NO_WEBHOOKS) == 0)
        return;
    reserve_release(store->reserve);
    enum err err = transact(store, first, NO_WEBHOOKS);
    (void)err; /* each job says it */
}

/* One transaction for all that waits. */
#include "store/store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "room.h"
#include "sys/reserve.h"
#include "uses.h"

/* Marks the file as ours: "pkup". */
#define APPLICATION_ID 0x706b7570

/* Pages of a log that somebody is to be told of. */
#define LONG_LOG_PAGES 8000

/* Between two looks at a disk that had no room or did not write; each writes, too. */
#define LOOK_US 100000

/* Bytes of the reserve for each page that may wait in the log, so that what is held has room for them all. */
#define LOG_SHARE (4 * 4096)

static const char *const migrations[] = {
#define MIGRATION(sql) sql,
#include "tbl/migration.h"
};

#define VERSION ((int)(sizeof migrations / sizeof migrations[0]))

struct store {
    struct db *db;
    struct view view; /* of the same connection */
    struct store_limits limits;
    struct use *uses;
    int64_t seq;  /* of the newest event */
    bool counted; /* whether `uses` and `seq` can be believed */
    struct reserve *reserve;
    atomic_int state;   /* as store_state has it */
    int64_t looked;     /* when, in us of time_monotonic */
    int64_t told_pages; /* the length of the log at which somebody is told */
};

static enum err migrate(struct db *db)
{
    int64_t version;
    TRY(db_number(db, "PRAGMA user_version", &version));
    for (; version < VERSION; version++) {
        struct buf sql CLEANUP(buf_free) = {0};
        buf_printf(&sql, "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                   migrations[version], APPLICATION_ID, (int)version + 1);
        TRY(db_exec(db, buf_text(&sql))); /* closing rolls back */
    }
    return ERR_OK;
}

/* A file of another program, or of a later pickupd, is left as it is. */
static bool is_ours(struct db *db, const char *path, struct buf *why)
{
    int64_t version, id, tables;
    if (db_number(db, "PRAGMA user_version", &version) != ERR_OK ||
        db_number(db, "PRAGMA application_id", &id) != ERR_OK ||
        db_number(db, "SELECT count(*) FROM sqlite_schema", &tables) != ERR_OK)
        buf_printf(why, "%s: %s", path, db_error(db));
    else if (id != APPLICATION_ID && tables > 0)
        buf_printf(why, "%s: is a database of another program", path);
    else if (version > VERSION)
        buf_printf(why, "%s: was written by a later pickupd (file version %d, this one knows %d)", path,
                   (int)version, VERSION);
    else
        return true;
    return false;
}

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

static enum err make_ready(struct store *store)
{
    TRY(db_own(store->db));
    TRY(migrate(store->db));
    TRY(db_prepare(store->db, sql_texts, SQL_COUNT));
    return count(store);
}

static void look(struct store *store);

struct store *store_open(const char *path, const struct store_limits *limits, struct buf *why)
{
    struct db *db = db_open(path, DB_WRITE, why);
    if (db == NULL)
        return NULL;
    if (!is_ours(db, path, why)) {
        db_close(db);
        return NULL;
    }
    struct store *store = mem_alloc(sizeof *store);
    *store = (struct store){.db = db, .view = {db}, .limits = *limits, .told_pages = LONG_LOG_PAGES};
    if (limits->disk_reserve > 0 && limits->disk_reserve / LOG_SHARE < limits->log_pages)
        store->limits.log_pages = limits->disk_reserve / LOG_SHARE;
    enum err err = open_reserve(store, path, why) ? make_ready(store) : ERR_INTERNAL;
    if (err == ERR_OK) {
        look(store);
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

void store_close(struct store *store)
{
    uses_free(&store->uses);
    db_close(store->db);
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

/* Whether the event is there, and if so, whether under its key stands what came now. */
static enum err find_event(struct store *store, struct store_job *job, bool *found)
{
    db_bind_blob(store->db, SQL_EVENT_CONTENT, 1, id_of(job));
    db_bind_blob(store->db, SQL_EVENT_CONTENT, 2, content_of(&job->event));
    enum err err = db_step(store->db, SQL_EVENT_CONTENT, found);
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
    TRY(db_run(store->db, SQL_QUARANTINE_REPEAT));
    job->duplicate = db_changes(store->db) > 0;
    if (job->duplicate)
        return ERR_OK;
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

struct view *store_view(struct store *store)
{
    return &store->view;
}

struct db *store_db(struct store *store)
{
    return store->db;
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
    struct use before = *use;
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
        use->rows = before.rows;
        use->bytes = before.bytes;
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

static enum err put_all(struct store *store, struct store_job *first, enum share share)
{
    if (!store->counted)
        TRY(count(store));
    TRY(db_run(store->db, SQL_BEGIN));
    for (struct store_job *job = first; job != NULL; job = next_of(job)) {
        if (is_of(job, share))
            TRY(job->part == NULL ? put(store, job) : put_parts(store, job));
    }
    return db_run(store->db, SQL_COMMIT);
}

/* A state is told when it comes; the last one stays. */
static void set_state(struct store *store, enum err state)
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

/* All or nothing: no job of a transaction that failed is kept, so each of them says so. */
static enum err transact(struct store *store, struct store_job *first, enum share share)
{
    int64_t seq = store->seq;
    enum err err = store_state(store) == ERR_SYNC ? ERR_SYNC : put_all(store, first, share);
    if (err == ERR_OK)
        return ERR_OK;
    store->seq = seq;
    err = store_is_lost(err) ? err : ERR_STORE;
    if (store_state(store) != err)
        log_event_limited(LOG_ERROR, "store can't write", LOG_STR("reason", db_error(store->db)));
    set_state(store, err);
    enum err rolled_back = db_run(store->db, SQL_ROLLBACK);
    (void)rolled_back; /* SQLite may have done it already */
    for (struct store_job *job = first; job != NULL; job = next_of(job)) {
        if (is_of(job, share))
            job->err = err;
    }
    store->counted = false;
    store->looked = time_monotonic();
    return err;
}

static bool holds_any(const struct store_job *first, enum share share)
{
    for (const struct store_job *job = first; job != NULL; job = next_of(job))
        if (is_of(job, share))
            return true;
    return false;
}

void store_write(struct store *store, struct store_job *first)
{
    if (transact(store, first, ALL) != ERR_FULL || store->reserve == NULL || !holds_any(first, NO_WEBHOOKS))
        return;
    reserve_release(store->reserve);
    enum err err = transact(store, first, NO_WEBHOOKS);
    (void)err; /* each job says it */
}

/* A commit does not fail with the checkpoint that is due after it: what it wrote is in the log. */
static void checkpoint(struct store *store)
{
    enum err err = db_checkpoint(store->db, store->limits.log_pages);
    if (err == ERR_FULL && store->reserve != NULL) {
        reserve_release(store->reserve);
        err = db_checkpoint(store->db, store->limits.log_pages);
    }
    if (err != ERR_OK)
        log_event_limited(LOG_ERROR, "store can't checkpoint", LOG_STR("reason", db_error(store->db)));
    if (err == ERR_SYNC)
        set_state(store, err);
    int64_t pages = db_log_pages(store->db);
    if (pages < LONG_LOG_PAGES)
        store->told_pages = LONG_LOG_PAGES;
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
        set_state(store, err);
    return err == ERR_OK && reserve_room(store->reserve) >= store->limits.disk_reserve;
}

/*
 * Whether there is room, and where something is wrong, whether writing works. That moves the log on, too,
 * which may be what takes the room.
 */
static void look(struct store *store)
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
    set_state(store, is_held ? ERR_OK : ERR_FULL);
}

void store_tend(struct store *store)
{
    if (store_state(store) != ERR_SYNC)
        checkpoint(store);
    enum err state = store_state(store);
    if (state == ERR_OK || (state != ERR_SYNC && time_monotonic() - store->looked >= LOOK_US))
        look(store);
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

int store_version(void)
{
    return VERSION;
}

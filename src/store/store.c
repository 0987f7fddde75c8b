/* One transaction for all that waits. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "sys/db.h"

/* Marks the file as ours: "pkup". */
#define APPLICATION_ID 0x706b7570

enum sql {
#define SQL(name, text) SQL_##name,
#include "tbl/sql_write.h"
    SQL_COUNT
};

static const char *const sql_texts[] = {
#define SQL(name, text) [SQL_##name] = text,
#include "tbl/sql_write.h"
};

static const char *const migrations[] = {
#define MIGRATION(sql) sql,
#include "tbl/migration.h"
};

#define VERSION ((int)(sizeof migrations / sizeof migrations[0]))

/* What quarantine holds of one source: counted here, so that nobody has to count rows to know. */
struct use {
    struct use *next;
    char *origin;
    int64_t rows;
    int64_t bytes;
};

struct store {
    struct db *db;
    struct store_limits limits;
    struct use *uses;
    bool counted; /* whether `uses` can be believed */
};

static enum err migrate(struct db *db)
{
    int64_t version;
    TRY(db_number(db, "PRAGMA user_version", &version));
    for (; version < VERSION; version++) {
        struct buf sql CLEANUP(buf_free) = {0};
        buf_printf(&sql, "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                   migrations[version], APPLICATION_ID, (int)version + 1);
        if (db_exec(db, buf_text(&sql)) == ERR_OK)
            continue;
        enum err rolled_back = db_exec(db, "ROLLBACK");
        (void)rolled_back; /* there may be nothing to roll back */
        return ERR_STORE;
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

static struct use *use_of(struct store *store, struct span origin)
{
    for (struct use *use = store->uses; use != NULL; use = use->next)
        if (span_is(span_of(use->origin), origin))
            return use;
    struct use *use = mem_alloc(sizeof *use);
    *use = (struct use){store->uses, mem_copy(origin), 0, 0};
    store->uses = use;
    return use;
}

static enum err count_quarantine(struct store *store)
{
    bool row;
    store->counted = false;
    for (struct use *use = store->uses; use != NULL; use = use->next)
        use->rows = use->bytes = 0;
    enum err err = db_step(store->db, SQL_QUARANTINE_USE, &row);
    while (err == ERR_OK && row) {
        struct use *use = use_of(store, db_span(store->db, SQL_QUARANTINE_USE, 0));
        use->rows++;
        use->bytes += db_int(store->db, SQL_QUARANTINE_USE, 1);
        err = db_step(store->db, SQL_QUARANTINE_USE, &row);
    }
    db_reset(store->db, SQL_QUARANTINE_USE);
    store->counted = err == ERR_OK;
    return err;
}

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
    store->db = db;
    store->limits = *limits;
    if (db_own(db) == ERR_OK && migrate(db) == ERR_OK && db_prepare(db, sql_texts, SQL_COUNT) == ERR_OK &&
        count_quarantine(store) == ERR_OK)
        return store;
    buf_printf(why, "%s: %s", path, db_error(db));
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    while (store->uses != NULL) {
        struct use *use = store->uses;
        store->uses = use->next;
        free(use->origin);
        free(use);
    }
    db_close(store->db);
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

/* Whether what is there under a key is what came now. */
static enum err compare(struct store *store, struct store_job *job)
{
    bool row;
    db_bind_blob(store->db, SQL_EVENT_CONTENT, 1, id_of(job));
    db_bind_blob(store->db, SQL_EVENT_CONTENT, 2, content_of(&job->event));
    enum err err = db_step(store->db, SQL_EVENT_CONTENT, &row);
    job->changed = err == ERR_OK && row && db_int(store->db, SQL_EVENT_CONTENT, 0) == 0;
    db_reset(store->db, SQL_EVENT_CONTENT);
    return err;
}

static enum err put_event(struct store *store, struct store_job *job)
{
    const struct event *event = &job->event;
    struct use *use = use_of(store, event->origin);
    if (use->rows > 0)
        TRY(leave_quarantine(store, job, use));
    db_bind_blob(store->db, SQL_EVENT_ADD, 1, id_of(job));
    db_bind_text(store->db, SQL_EVENT_ADD, 2, event->origin);
    db_bind_text(store->db, SQL_EVENT_ADD, 3, event->source);
    db_bind_text(store->db, SQL_EVENT_ADD, 4, event->type);
    db_bind_text(store->db, SQL_EVENT_ADD, 5, event->org);
    db_bind_int(store->db, SQL_EVENT_ADD, 6, event->time);
    db_bind_text(store->db, SQL_EVENT_ADD, 7, (struct span){event->detail, event->detail_len});
    db_bind_blob(store->db, SQL_EVENT_ADD, 8, content_of(event));
    TRY(db_run(store->db, SQL_EVENT_ADD));
    job->duplicate = db_changes(store->db) == 0;
    return job->duplicate && event->content != NULL ? compare(store, job) : ERR_OK;
}

static enum err put_quarantine(struct store *store, struct store_job *job)
{
    struct use *use = use_of(store, job->event.origin);
    int64_t bytes = (int64_t)(job->body.len + job->head.len);
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
    struct use *use = use_of(store, job->event.origin);
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

static enum err (*const puts_by_kind[])(struct store *, struct store_job *) = {
    [STORE_EVENT] = put_event,   [STORE_QUARANTINE] = put_quarantine, [STORE_CLEAR] = put_clear,
    [STORE_FAULTS] = put_faults, [STORE_MATCHES] = put_matches,       [STORE_FENCE] = put_nothing,
    [STORE_PROBE] = put_probe,
};

static enum err put(struct store *store, struct store_job *job)
{
    job->err = ERR_OK;
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
    struct use *use = use_of(store, first->event.origin);
    struct use before = *use;
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
    }
    return db_run(store->db, SQL_SAVEPOINT_END);
}

static struct store_job *next_of(const struct store_job *job)
{
    return (struct store_job *)job->mail.next;
}

static enum err write_all(struct store *store, struct store_job *first)
{
    if (!store->counted)
        TRY(count_quarantine(store));
    TRY(db_run(store->db, SQL_BEGIN));
    for (struct store_job *job = first; job != NULL; job = next_of(job)) {
        TRY(job->part == NULL ? put(store, job) : put_parts(store, job));
    }
    return db_run(store->db, SQL_COMMIT);
}

/* All or nothing: no job of a transaction that failed is kept, so each of them says so. */
static void undo(struct store *store, struct store_job *first)
{
    log_event_limited(LOG_ERROR, "store can't write", LOG_STR("reason", db_error(store->db)));
    enum err rolled_back = db_run(store->db, SQL_ROLLBACK);
    (void)rolled_back; /* SQLite may have done it already */
    for (struct store_job *job = first; job != NULL; job = next_of(job))
        job->err = ERR_STORE;
    store->counted = false;
}

void store_write(struct store *store, struct store_job *first)
{
    if (write_all(store, first) != ERR_OK)
        undo(store, first);
}

int store_version(void)
{
    return VERSION;
}

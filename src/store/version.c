/* Migrations, one after the other, each in a transaction. */
#include "version.h"

#include <string.h>

#include "store/store.h"

/* Marks the file as ours: "pkup". */
#define APPLICATION_ID 0x706b7570

#define NAME_SHOWN 100 /* bytes of one that is not ours */

static const char *const migrations[] = {
#define MIGRATION(sql) sql,
#include "tbl/migration.h"
};

#define VERSION ((int)(sizeof migrations / sizeof migrations[0]))

static enum err bring_to(struct db *db, int64_t wanted)
{
    int64_t version;
    TRY(db_number(db, "PRAGMA user_version", &version));
    for (; version < wanted; version++) {
        struct buf sql CLEANUP(buf_free) = {0};
        buf_printf(&sql, "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                   migrations[version], APPLICATION_ID, (int)version + 1);
        TRY(db_exec(db, buf_text(&sql))); /* closing rolls back */
    }
    return ERR_OK;
}

enum err version_update(struct db *db)
{
    return bring_to(db, VERSION);
}

bool version_is_ours(struct db *db, const char *path, struct buf *why)
{
    int64_t version, id, tables;
    if (db_number(db, "PRAGMA user_version", &version) != ERR_OK ||
        db_number(db, "PRAGMA application_id", &id) != ERR_OK ||
        db_number(db, "SELECT count(*) FROM sqlite_schema", &tables) != ERR_OK)
        buf_printf(why, "%s: %s", path, db_error(db));
    else if (id != APPLICATION_ID && tables > 0)
        buf_printf(why, "%s: is a database of another program", path);
    else if (version < 0)
        buf_printf(why, "%s: is damaged: no file has the version %d", path, (int)version);
    else if (version > VERSION)
        buf_printf(why, "%s: was written by a later pickupd (file version %d, this one knows %d)", path,
                   (int)version, VERSION);
    else
        return true;
    return false;
}

/*
 * What a schema holds, row by row, but for the tables of SQLite's own statistics, which somebody's ANALYZE
 * has left. By their text, since a trigger may have their names in a file that was made by hand.
 */
static const char *const listing[] = {
    "SELECT type || ' ' || name, tbl_name || ' ' || ifnull(sql, '')"
    " FROM sqlite_schema WHERE type <> 'table' OR ifnull(sql, '') NOT IN"
    " ('CREATE TABLE sqlite_stat1(tbl,idx,stat)', 'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)')"
    " ORDER BY 1, 2"};

/* A name that anybody may have given, for a terminal. */
static bool say(struct buf *why, const char *path, struct db *db, const char *text)
{
    struct span name = db_span(db, 0, 0);
    buf_printf(why, "%s: its schema was changed: the ", path);
    for (size_t i = 0; i < name.len && i < NAME_SHOWN; i++)
        buf_add_char(why, name.at[i] >= ' ' && name.at[i] < 0x7f ? name.at[i] : '?');
    buf_printf(why, " %s", text);
    return false;
}

/* In the order of the listing. */
static int order(struct db *one, struct db *other)
{
    struct span a = db_span(one, 0, 0), b = db_span(other, 0, 0);
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Both go on side by side, since the first difference ends it. */
static bool is_like(struct db *db, struct db *fresh, const char *path, struct buf *why)
{
    bool has, needs;
    while (db_step(db, 0, &has) == ERR_OK && db_step(fresh, 0, &needs) == ERR_OK) {
        if (!has && !needs)
            return true;
        int before = !has ? 1 : !needs ? -1 : order(db, fresh);
        if (before < 0)
            return say(why, path, db, "is none of pickupd's");
        if (before > 0)
            return say(why, path, fresh, "is missing");
        if (!span_is(db_span(db, 0, 1), db_span(fresh, 0, 1)))
            return say(why, path, db, "is another than pickupd's");
    }
    buf_printf(why, "%s: %s", path, db_error(db));
    return false;
}

bool version_is_plain(struct db *db, const char *path, struct buf *why)
{
    int64_t version;
    struct db *fresh = db_open("", DB_FRESH, why);
    if (fresh == NULL)
        return false;
    bool is_plain = false;
    if (db_number(db, "PRAGMA user_version", &version) == ERR_OK && bring_to(fresh, version) == ERR_OK &&
        db_prepare(db, listing, 1) == ERR_OK && db_prepare(fresh, listing, 1) == ERR_OK) {
        is_plain = is_like(db, fresh, path, why);
        db_reset(db, 0);
    } else {
        buf_printf(why, "%s: %s", path, db_error(db));
    }
    db_close(fresh);
    return is_plain;
}

int store_version(void)
{
    return VERSION;
}

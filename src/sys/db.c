/* SQLite behind our own door. */
#include "sys/db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct db {
    sqlite3 *handle;
    sqlite3_stmt **statements;
    size_t count;
};

/*
 * The path as a URI. psow=0: SQLite then never lets a write that a power cut may tear share a sector with a
 * commit that was synced before.
 */
static char *uri_of(const char *path, struct buf *uri)
{
    buf_add(uri, SPAN("file:"));
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '%' || *at == '?' || *at == '#')
            buf_printf(uri, "%%%02x", (unsigned)*at);
        else
            buf_add_char(uri, *at);
    }
    buf_add(uri, SPAN("?psow=0"));
    return buf_text(uri);
}

/* A new file's name is not on disk before its directory is; SQLite sees to that for the log only. */
static bool sync_directory(const char *path)
{
    char *copy CLEANUP(mem_drop) = mem_copy(span_of(path));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

/* Made here and not by SQLite, so that nobody else may read it from the first moment on. */
static bool create(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    close(fd);
    return sync_directory(path);
}

static enum err configure(struct db *db)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, 5000);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    TRY(db_exec(db, "PRAGMA temp_store = MEMORY")); /* what is sorted may be patients' data */
    return db_exec(db, "PRAGMA wal_autocheckpoint = 0");
}

enum err db_own(struct db *db)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    TRY(db_exec(db, "PRAGMA wal_autocheckpoint = 1000"));
    /* A journal of the change to WAL that came back would undo all that was written since. */
    TRY(db_exec(db, "PRAGMA synchronous = EXTRA"));
    TRY(db_exec(db, "PRAGMA journal_mode = WAL"));
    TRY(db_exec(db, "PRAGMA synchronous = FULL"));
    TRY(db_exec(db, "PRAGMA foreign_keys = ON"));
    /*
     * A process that was killed may have left commits in the log that were never synced, nor filled up to the
     * end of their sector. We read them as stored, so they must be, before we answer that they are.
     */
    return db_exec(db, "PRAGMA wal_checkpoint(RESTART)");
}

struct db *db_open(const char *path, enum db_mode mode, struct buf *why)
{
    struct buf uri CLEANUP(buf_free) = {0};
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    flags |= mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (mode == DB_WRITE && !create(path)) {
        buf_printf(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct db *db = mem_alloc(sizeof *db);
    if (sqlite3_open_v2(uri_of(path, &uri), &db->handle, flags, NULL) == SQLITE_OK && configure(db) == ERR_OK)
        return db;
    buf_printf(why, "%s: %s", path, db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < db->count; i++)
        sqlite3_finalize(db->statements[i]);
    free(db->statements);
    sqlite3_close(db->handle);
    free(db);
}

const char *db_error(struct db *db)
{
    return sqlite3_errstr(sqlite3_extended_errcode(db->handle));
}

enum err db_exec(struct db *db, const char *sql)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : ERR_STORE;
}

enum err db_number(struct db *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    bool got = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW;
    *number = got ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return got ? ERR_OK : ERR_STORE;
}

enum err db_prepare(struct db *db, const char *const *sql, size_t count)
{
    db->statements = mem_alloc(count * sizeof(sqlite3_stmt *));
    db->count = count;
    for (size_t i = 0; i < count; i++)
        if (sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL) !=
            SQLITE_OK)
            return ERR_STORE;
    return ERR_OK;
}

/* A parameter that does not exist is a fault of the program. */
static void need(int code)
{
    if (code != SQLITE_OK)
        abort();
}

void db_bind_int(struct db *db, size_t statement, int index, int64_t number)
{
    need(sqlite3_bind_int64(db->statements[statement], index, number));
}

void db_bind_text(struct db *db, size_t statement, int index, struct span text)
{
    need(
        sqlite3_bind_text64(db->statements[statement], index, text.at, text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_blob(struct db *db, size_t statement, int index, struct span bytes)
{
    need(sqlite3_bind_blob64(db->statements[statement], index, bytes.at, bytes.len, SQLITE_STATIC));
}

enum err db_step(struct db *db, size_t statement, bool *row)
{
    int code = sqlite3_step(db->statements[statement]);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? ERR_OK : ERR_STORE;
}

int64_t db_int(struct db *db, size_t statement, int column)
{
    return sqlite3_column_int64(db->statements[statement], column);
}

struct span db_span(struct db *db, size_t statement, int column)
{
    const char *at = sqlite3_column_blob(db->statements[statement], column);
    return (struct span){at ? at : "", (size_t)sqlite3_column_bytes(db->statements[statement], column)};
}

bool db_is_null(struct db *db, size_t statement, int column)
{
    return sqlite3_column_type(db->statements[statement], column) == SQLITE_NULL;
}

void db_reset(struct db *db, size_t statement)
{
    sqlite3_reset(db->statements[statement]); /* repeats the error that step has told already */
    sqlite3_clear_bindings(db->statements[statement]);
}

enum err db_run(struct db *db, size_t statement)
{
    bool row;
    enum err err = db_step(db, statement, &row);
    db_reset(db, statement);
    return err;
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

const char *db_library_version(void)
{
    return sqlite3_libversion();
}

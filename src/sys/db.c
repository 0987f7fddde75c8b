/* SQLite behind our own door. */
#include "sys/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "copy_file.h"
#include "log_file.h"
#include "sys/directory.h"

#define BUSY_MS 5000 /* that a reader is waited for */

/* What a statement ends with whose function can't give a value: SQLite has it for something we don't use. */
#define NO_VALUE SQLITE_AUTH

/* The log is cut to this length when it begins anew. */
#define LOG_BYTES "16777216"

static once_flag ready = ONCE_FLAG_INIT;

struct db {
    sqlite3 *handle;
    sqlite3_stmt **statements;
    size_t count;
    int64_t log_pages, moved_pages; /* of the log, and of these in the file */
    int64_t page_bytes;             /* once there is a log of ours */
    bool holds_refused;             /* the log does, after a sync that failed */
};

/*
 * The path as a URI. psow=0: SQLite then never lets a write that a power cut may tear share a sector with a
 * commit that was synced before.
 */
static char *uri_of(const char *path, enum db_mode mode, struct buf *uri)
{
    buf_add(uri, SPAN("file:"));
    if (mode == DB_FRESH) {
        buf_add(uri, SPAN(":memory:"));
        return buf_text(uri);
    }
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '%' || *at == '?' || *at == '#')
            buf_printf(uri, "%%%02x", (unsigned)*at);
        else
            buf_add_char(uri, *at);
    }
    buf_add(uri, mode == DB_STILL ? SPAN("?immutable=1") : SPAN("?psow=0"));
    return buf_text(uri);
}

/* Made here and not by SQLite, so that nobody else may read it from the first moment on. */
static bool create(const char *path)
{
    int fd = directory_open(path);
    if (fd < 0)
        return false;
    close(fd);
    return directory_sync(path); /* SQLite sees to that for the log only */
}

static enum err configure(struct db *db)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    TRY(db_exec(db, "PRAGMA temp_store = MEMORY")); /* what is sorted may be patients' data */
    return db_exec(db, "PRAGMA wal_autocheckpoint = 0");
}

/* Of the log's index and of the log, as sqlite.org/walformat.html has them. */
#define INDEX_BYTES     32768
#define INDEX_LAST      4 /* of its numbers: the last frame that is committed */
#define LOG_HEAD_BYTES  32
#define PAGE_HEAD_BYTES 24

/*
 * Takes out of the log what was refused. The system may have dropped it and show it all the same; moved into
 * the file, it would put that ahead of a log that the disk has not got.
 */
static void take_back(struct db *db)
{
    sqlite3_file *file, *log;
    void *index = NULL; /* what we read of it only this connection writes */
    if (db->page_bytes == 0 ||
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK ||
        file->pMethods->xShmMap(file, 0, INDEX_BYTES, 0, (void *)&index) != SQLITE_OK || index == NULL) {
        db->holds_refused = false; /* there is no log yet */
        return;
    }
    int64_t pages = ((const uint32_t *)index)[INDEX_LAST];
    int64_t bytes = pages > 0 ? LOG_HEAD_BYTES + pages * (PAGE_HEAD_BYTES + db->page_bytes) : 0;
    db->holds_refused = log->pMethods->xTruncate(log, bytes) != SQLITE_OK;
}

bool db_may_close(struct db *db)
{
    if (db->holds_refused)
        take_back(db);
    return !db->holds_refused;
}

static enum err result(struct db *db, int code)
{
    int why = errno; /* of the call that failed last; SQLite keeps it of some statements only */
    switch (code) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        take_back(db);
        return ERR_SYNC;
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_SHMSIZE:
        return why == ENOSPC || why == EDQUOT || why == EFBIG ? ERR_FULL : ERR_STORE;
    case NO_VALUE:
        return ERR_SEALED;
    default:
        if ((code & 0xff) == SQLITE_CONSTRAINT)
            return ERR_INTERNAL; /* a fault of what was to be written, not of the disk */
        return code == SQLITE_FULL ? ERR_FULL : ERR_STORE;
    }
}

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
    (void)handle, (void)name;
    struct db *db = arg;
    db->log_pages = pages;
    if (pages < db->moved_pages)
        db->moved_pages = 0; /* it has begun anew */
    return SQLITE_OK;
}

enum err db_own(struct db *db)
{
    int64_t busy;
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    sqlite3_wal_hook(db->handle, on_commit, db);
    TRY(db_exec(db, "PRAGMA journal_size_limit = " LOG_BYTES));
    /* A journal of the change to WAL that came back would undo all that was written since. */
    TRY(db_exec(db, "PRAGMA synchronous = EXTRA"));
    TRY(db_exec(db, "PRAGMA journal_mode = WAL"));
    TRY(db_exec(db, "PRAGMA synchronous = FULL"));
    TRY(db_exec(db, "PRAGMA foreign_keys = ON"));
    TRY(db_exec(db, "PRAGMA secure_delete = ON")); /* what is deleted or replaced is overwritten */
    TRY(db_number(db, "PRAGMA page_size", &db->page_bytes));
    /*
     * A process that was killed may have left commits in the log that were never synced, nor filled up to the
     * end of their sector. We read them as stored, so they must be, before we answer that they are.
     */
    TRY(db_number(db, "PRAGMA wal_checkpoint(RESTART)", &busy));
    if (busy != 0)
        return ERR_BUSY;
    /* SQLite does not look whether the name of the log could be synced. */
    return directory_sync(sqlite3_db_filename(db->handle, "main")) ? ERR_OK : ERR_SYNC;
}

enum err db_checkpoint(struct db *db, int64_t least)
{
    int pages, moved;
    if (db_waiting_pages(db) < least)
        return ERR_OK;
    TRY(result(db, sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved)));
    db->moved_pages = moved;
    return ERR_OK;
}

enum err db_cut_log(struct db *db, int64_t room)
{
    int pages, moved;
    if (db_waiting_pages(db) * db->page_bytes > room)
        return ERR_OK;
    sqlite3_busy_timeout(db->handle, 0);
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, &pages, &moved);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    if (code == SQLITE_OK)
        db->log_pages = db->moved_pages = 0;
    return code == SQLITE_BUSY ? ERR_OK : result(db, code);
}

int64_t db_waiting_pages(const struct db *db)
{
    return db->log_pages - db->moved_pages;
}

const struct db_syncs *db_syncs(void)
{
    return log_file_syncs();
}

enum err db_empty_log(struct db *db)
{
    int pages, moved;
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, &pages, &moved);
    if (code == SQLITE_OK)
        db->log_pages = db->moved_pages = 0;
    return code == SQLITE_BUSY ? ERR_BUSY : result(db, code);
}

int64_t db_log_pages(const struct db *db)
{
    return db->log_pages;
}

/* SQLite need not count its memory, which it does under a lock. Refused once somebody has used it: no matter.
 */
static void set_up(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct db *db_open(const char *path, enum db_mode mode, struct buf *why)
{
    struct buf uri CLEANUP(buf_free) = {0};
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    flags |= mode == DB_WRITE || mode == DB_FRESH ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (mode == DB_WRITE && !create(path)) {
        buf_printf(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct db *db = mem_alloc(sizeof *db);
    call_once(&ready, set_up);
    const char *vfs = mode == DB_WRITE ? log_file_vfs() : NULL;
    if (sqlite3_open_v2(uri_of(path, mode, &uri), &db->handle, flags, vfs) == SQLITE_OK &&
        configure(db) == ERR_OK)
        return db;
    buf_printf(why, "%s: %s", path, db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (db->holds_refused)
        take_back(db);
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
    return result(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

enum err db_number(struct db *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? ERR_STORE : result(db, code);
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
    return result(db, code);
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

bool db_is_int(struct db *db, size_t statement, int column)
{
    return sqlite3_column_type(db->statements[statement], column) == SQLITE_INTEGER;
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

/* Copies. */

#define COPY_PAGES 256 /* between two ticks */

/*
 * A backup begins anew whenever another connection has written, unless the one it reads by is in a read of
 * its own all the time, as it is here.
 */
static enum err copy_pages(struct db *db, sqlite3 *to, const enum err *refused, db_tick_fn *tick, void *arg)
{
    int code = SQLITE_OK;
    enum err err = ERR_OK;
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", db->handle, "main");
    if (backup == NULL)
        return ERR_STORE;
    while (err == ERR_OK && code == SQLITE_OK) {
        err = tick(arg);
        if (err == ERR_OK)
            code = sqlite3_backup_step(backup, COPY_PAGES);
    }
    sqlite3_backup_finish(backup);
    if (err != ERR_OK || *refused != ERR_OK)
        return err != ERR_OK ? err : *refused;
    return code == SQLITE_DONE ? ERR_OK : result(db, code);
}

static enum err copy_to(struct db *db, const char *vfs, const enum err *refused, db_tick_fn *tick, void *arg)
{
    sqlite3 *to;
    int64_t tables;
    enum err err = ERR_STORE;
    TRY(db_exec(db, "BEGIN"));
    int code =
        sqlite3_open_v2("copy", &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
    if (code == SQLITE_OK)
        code = sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        err = db_number(db, "SELECT count(*) FROM sqlite_schema", &tables); /* from now on it is one moment */
    if (err == ERR_OK)
        err = copy_pages(db, to, refused, tick, arg);
    sqlite3_close(to);
    enum err ended = db_exec(db, "COMMIT");
    return err == ERR_OK ? ended : err;
}

enum err db_copy(struct db *db, db_page_fn *page, db_tick_fn *tick, void *arg)
{
    enum err refused;
    const char *vfs = copy_file_vfs(page, arg, &refused);
    return copy_to(db, vfs, &refused, tick, arg);
}

/* Functions. */

struct function {
    db_function *call;
    void *arg;
};

struct db_call {
    sqlite3_context *context;
    sqlite3_value **values;
    size_t count;
};

static void on_call(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct function *function = sqlite3_user_data(context);
    struct db_call call = {context, values, (size_t)count};
    function->call(function->arg, &call);
}

enum err db_add_function(struct db *db, const char *name, db_function *call, void *arg)
{
    struct function *function = mem_alloc(sizeof *function);
    *function = (struct function){call, arg};
    return result(db, sqlite3_create_function_v2(db->handle, name, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                                 function, on_call, NULL, NULL, free));
}

size_t db_call_count(const struct db_call *call)
{
    return call->count;
}

enum db_type db_call_type(const struct db_call *call, size_t i)
{
    switch (sqlite3_value_type(call->values[i])) {
    case SQLITE_NULL:
        return DB_NULL;
    case SQLITE_INTEGER:
        return DB_INT;
    case SQLITE_TEXT:
        return DB_TEXT;
    default:
        return DB_BYTES;
    }
}

int64_t db_call_int(const struct db_call *call, size_t i)
{
    return sqlite3_value_int64(call->values[i]);
}

struct span db_call_span(const struct db_call *call, size_t i)
{
    const char *at = sqlite3_value_blob(call->values[i]);
    return (struct span){at ? at : "", (size_t)sqlite3_value_bytes(call->values[i])};
}

void db_give_arg(struct db_call *call, size_t i)
{
    sqlite3_result_value(call->context, call->values[i]);
}

void db_give_int(struct db_call *call, int64_t number)
{
    sqlite3_result_int64(call->context, number);
}

void db_give(struct db_call *call, enum db_type type, struct span value)
{
    if (type == DB_TEXT)
        sqlite3_result_text64(call->context, value.at, value.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_result_blob64(call->context, value.at, value.len, SQLITE_TRANSIENT);
}

void db_fail(struct db_call *call)
{
    sqlite3_result_error_code(call->context, NO_VALUE);
}

/* The copy may be larger than memory, and holds nothing that is not in the file. */
enum err db_vacuum(struct db *db)
{
    TRY(db_exec(db, "PRAGMA temp_store = FILE"));
    enum err err = db_exec(db, "VACUUM");
    TRY(db_exec(db, "PRAGMA temp_store = MEMORY"));
    return err;
}

const char *db_library_version(void)
{
    return sqlite3_libversion();
}

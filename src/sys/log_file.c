/* Writes to SQLite's log, gathered. */
#include "log_file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "base/mem.h"
#include "base/time.h"
#include "sys/db.h"

/* As sqlite.org/walformat.html has them. */
#define LOG_HEAD_BYTES  32
#define PAGE_HEAD_BYTES 24
#define PAGE_SIZE_AT    8 /* of the log's head, big-endian */

/* More than most commits write; a longer one takes more calls. SQLite's unix VFS takes less than 128 KiB in
 * one. */
#define GATHERED_MAX (124 * 1024)

/* A log, with the real file behind it in memory. */
struct log_file {
    sqlite3_file base;
    sqlite3_file *real;
    char *gathered;
    int count;              /* bytes of it */
    sqlite3_int64 at;       /* where in the file they belong */
    sqlite3_int64 frame;    /* bytes of a page with its head; 0 until the log is begun */
    sqlite3_int64 through;  /* what belongs before this is not gathered */
    sqlite3_int64 unsynced; /* bytes written since the last sync */
};

static struct db_syncs syncs;

static sqlite3_vfs *default_vfs;
static sqlite3_vfs gathering_vfs;
static once_flag registered = ONCE_FLAG_INIT;

static struct log_file *of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

/* What could not be written is not tried again: then the call that needed it fails, and so does the commit.
 */
static int write_gathered(struct log_file *log)
{
    int count = log->count;
    sqlite3_int64 at = log->at;
    log->at += count;
    log->count = 0;
    log->unsynced += count;
    return count == 0 ? SQLITE_OK : log->real->pMethods->xWrite(log->real, log->gathered, count, at);
}

static int gather(struct log_file *log, const void *from, int bytes, sqlite3_int64 at)
{
    if (at != log->at + log->count || bytes > GATHERED_MAX - log->count) {
        int code = write_gathered(log);
        if (code != SQLITE_OK)
            return code;
        log->at = at;
    }
    memcpy(log->gathered + log->count, from, (size_t)bytes);
    log->count += bytes;
    return SQLITE_OK;
}

static void begin(struct log_file *log, const unsigned char *head)
{
    const unsigned char *size = head + PAGE_SIZE_AT;
    log->frame = PAGE_HEAD_BYTES + (size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3]);
}

static int on_write(sqlite3_file *file, const void *from, int bytes, sqlite3_int64 at)
{
    struct log_file *log = of(file);
    if (at == 0 && bytes == LOG_HEAD_BYTES)
        begin(log, from);
    int code = gather(log, from, bytes, at);
    bool waits = log->frame > 0 && at >= log->through;
    return code != SQLITE_OK || waits ? code : write_gathered(log);
}

static sqlite3_int64 end_of_frame(const struct log_file *log, sqlite3_int64 at)
{
    sqlite3_int64 into = at > LOG_HEAD_BYTES && log->frame > 0 ? (at - LOG_HEAD_BYTES) % log->frame : 0;
    return into > 0 ? at + log->frame - into : at;
}

/*
 * With psow=0 SQLite repeats a commit's last page up to the end of the sector, syncs there, within that page,
 * and then writes the rest of it, which no sync follows.
 */
static int on_sync(sqlite3_file *file, int flags)
{
    struct log_file *log = of(file);
    log->through = end_of_frame(log, log->at + log->count);
    int code = write_gathered(log);
    if (code != SQLITE_OK)
        return code;
    int64_t since = time_monotonic();
    histogram_add(&syncs.bytes, HISTOGRAM_BYTES, log->unsynced);
    log->unsynced = 0;
    code = log->real->pMethods->xSync(log->real, flags);
    histogram_add(&syncs.time, HISTOGRAM_TIME, time_monotonic() - since); /* also of one that failed */
    return code;
}

static int on_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at)
{
    int code = write_gathered(of(file));
    return code == SQLITE_OK ? of(file)->real->pMethods->xRead(of(file)->real, to, bytes, at) : code;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
    int code = write_gathered(of(file));
    return code == SQLITE_OK ? of(file)->real->pMethods->xTruncate(of(file)->real, bytes) : code;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *bytes)
{
    int code = write_gathered(of(file));
    return code == SQLITE_OK ? of(file)->real->pMethods->xFileSize(of(file)->real, bytes) : code;
}

/* What was not synced is of no commit. */
static int on_close(sqlite3_file *file)
{
    free(of(file)->gathered);
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, arg);
}

static int on_sector_size(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int on_characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

/* SQLite locks the database, and shares memory by it, never by the log. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
};

/* Every other file is the default's own. */
static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *flags_out)
{
    struct log_file *log = of(file);
    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return default_vfs->xOpen(default_vfs, path, file, flags, flags_out);
    *log = (struct log_file){.real = (sqlite3_file *)(log + 1)};
    int code = default_vfs->xOpen(default_vfs, path, log->real, flags, flags_out);
    if (code != SQLITE_OK)
        return code;
    log->gathered = mem_alloc(GATHERED_MAX);
    log->base.pMethods = &methods;
    return SQLITE_OK;
}

static void set_up(void)
{
    default_vfs = sqlite3_vfs_find(NULL);
    gathering_vfs = *default_vfs;
    gathering_vfs.zName = "pickupd";
    gathering_vfs.szOsFile += (int)sizeof(struct log_file);
    gathering_vfs.xOpen = on_open;
    if (sqlite3_vfs_register(&gathering_vfs, 0) != SQLITE_OK)
        abort();
}

const char *log_file_vfs(void)
{
    call_once(&registered, set_up);
    return gathering_vfs.zName;
}

const struct db_syncs *log_file_syncs(void)
{
    return &syncs;
}

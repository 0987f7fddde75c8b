/* The few calls that SQLite makes of a file which it only writes, and which is new. */
#include "copy_file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

struct copy_file {
    sqlite3_file base;
    sqlite3_int64 bytes; /* that it would have */
};

static struct {
    db_page_fn *page;
    void *arg;
    enum err *err;
} sink;

static sqlite3_vfs vfs;
static once_flag registered = ONCE_FLAG_INIT;

static int on_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

/* A new file is empty, and what was written is not read again. */
static int on_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at)
{
    if (at < ((struct copy_file *)file)->bytes)
        return SQLITE_IOERR_READ;
    memset(to, 0, (size_t)bytes);
    return SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *file, const void *from, int bytes, sqlite3_int64 at)
{
    struct copy_file *copy = (struct copy_file *)file;
    *sink.err = sink.page(sink.arg, at / bytes + 1, (struct span){from, (size_t)bytes});
    if (copy->bytes < at + bytes)
        copy->bytes = at + bytes;
    return *sink.err == ERR_OK ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
    ((struct copy_file *)file)->bytes = bytes;
    return SQLITE_OK;
}

static int on_flags(sqlite3_file *file, int flags)
{
    (void)file, (void)flags;
    return SQLITE_OK;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *bytes)
{
    *bytes = ((struct copy_file *)file)->bytes;
    return SQLITE_OK;
}

static int on_reserved(sqlite3_file *file, int *is_reserved)
{
    (void)file;
    *is_reserved = 0;
    return SQLITE_OK;
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
    (void)file, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int on_number(sqlite3_file *file)
{
    (void)file;
    return 0; /* of the sector size: the usual one; of characteristics: none */
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_flags,
    .xFileSize = on_size,
    .xLock = on_flags,
    .xUnlock = on_flags,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_number,
    .xDeviceCharacteristics = on_number,
};

static int on_open(sqlite3_vfs *self, const char *path, sqlite3_file *file, int flags, int *flags_out)
{
    (void)self, (void)path;
    *(struct copy_file *)file = (struct copy_file){0};
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
        return SQLITE_CANTOPEN; /* a journal would have to be kept */
    file->pMethods = &methods;
    if (flags_out != NULL)
        *flags_out = flags;
    return SQLITE_OK;
}

static int on_access(sqlite3_vfs *self, const char *path, int flags, int *is_there)
{
    (void)self, (void)path, (void)flags;
    *is_there = 0;
    return SQLITE_OK;
}

static int on_full_path(sqlite3_vfs *self, const char *path, int bytes, char *full)
{
    (void)self;
    sqlite3_snprintf(bytes, full, "%s", path);
    return SQLITE_OK;
}

static void set_up(void)
{
    vfs = *sqlite3_vfs_find(NULL); /* for the time and the like */
    vfs.zName = "pickupd-copy";
    vfs.szOsFile = (int)sizeof(struct copy_file);
    vfs.xOpen = on_open;
    vfs.xAccess = on_access;
    vfs.xFullPathname = on_full_path;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        abort();
}

const char *copy_file_vfs(db_page_fn *page, void *arg, enum err *err)
{
    call_once(&registered, set_up);
    sink.page = page;
    sink.arg = arg;
    sink.err = err;
    *err = ERR_OK;
    return vfs.zName;
}

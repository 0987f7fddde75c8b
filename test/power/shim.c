/* Between SQLite and the real files. */
#include "shim.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/unit.h"

#define PIECE_BYTES 4096

struct shim shim;

/* A file of SQLite's, with the real one behind it in memory. */
struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
    enum disk_name name; /* DISK_NAMES for what is of no concern */
    size_t file;
};

static sqlite3_vfs *unix_vfs;
static enum disk_name syncing = DISK_NAMES; /* the file that SQLite may sync the directory for */

/* Whether this call is to fail. */
static bool strikes(enum shim_call call)
{
    struct shim_fault *fault = &shim.fault;
    if ((fault->calls & call) == 0)
        return false;
    size_t number = fault->seen++;
    bool fails = fault->sticky ? number >= fault->after : number == fault->after;
    fault->struck += fails;
    if (fails)
        fault->last = call;
    return fails;
}

static int error_of(int io_error)
{
    return shim.fault.error == SHIM_NO_SPACE ? SQLITE_FULL : io_error;
}

static void note(const struct shim_file *file, enum disk_kind kind, uint64_t at, struct span bytes)
{
    if (shim.disk != NULL && file->name != DISK_NAMES)
        disk_note(shim.disk, (struct disk_op){kind, file->name, file->file, at, bytes});
}

static struct shim_file *of(sqlite3_file *file)
{
    return (struct shim_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return of(file)->real;
}

static int shim_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int shim_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at)
{
    return real(file)->pMethods->xRead(real(file), to, bytes, at);
}

/* One that is long can end in the middle, when the process is killed. */
static void note_write(const struct shim_file *file, uint64_t at, struct span bytes)
{
    while (bytes.len > 0) {
        struct span piece = {bytes.at, bytes.len < PIECE_BYTES ? bytes.len : PIECE_BYTES};
        note(file, DISK_WRITE, at, piece);
        span_skip(&bytes, piece.len);
        at += piece.len;
    }
}

/* A write that fails may have been made in part. */
static int shim_write(sqlite3_file *file, const void *from, int bytes, sqlite3_int64 at)
{
    bool fails = of(file)->name != DISK_NAMES && strikes(SHIM_WRITE);
    int made = fails ? bytes / 2 : bytes;
    int code = real(file)->pMethods->xWrite(real(file), from, made, at);
    note_write(of(file), (uint64_t)at, (struct span){from, (size_t)made});
    return fails ? error_of(SQLITE_IOERR_WRITE) : code;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 length)
{
    if (of(file)->name != DISK_NAMES && strikes(SHIM_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    note(of(file), DISK_TRUNCATE, (uint64_t)length, SPAN(""));
    return real(file)->pMethods->xTruncate(real(file), length);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    if (of(file)->name != DISK_NAMES && strikes(SHIM_SYNC)) {
        note(of(file), DISK_SYNC_FAILED, 0, SPAN(""));
        return SQLITE_IOERR_FSYNC; /* as SQLite calls all of them */
    }
    note(of(file), DISK_SYNC, 0, SPAN(""));
    syncing = of(file)->name;
    int code = real(file)->pMethods->xSync(real(file), flags);
    syncing = DISK_NAMES;
    return code;
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int shim_reserved(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int shim_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int shim_characteristics(sqlite3_file *file)
{
    int flags = real(file)->pMethods->xDeviceCharacteristics(real(file));
    return shim.psow ? flags | SQLITE_IOCAP_POWERSAFE_OVERWRITE : flags;
}

static int shim_share(sqlite3_file *file, int region, int bytes, int extend, void volatile **at)
{
    if (extend && strikes(SHIM_SHARE))
        return error_of(SQLITE_IOERR_SHMSIZE);
    return real(file)->pMethods->xShmMap(real(file), region, bytes, extend, at);
}

static int shim_share_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void shim_share_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int shim_share_end(sqlite3_file *file, int remove)
{
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* without mapped reading */
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_share,
    .xShmLock = shim_share_lock,
    .xShmBarrier = shim_share_barrier,
    .xShmUnmap = shim_share_end,
};

static enum disk_name name_of(int flags)
{
    return (flags & SQLITE_OPEN_MAIN_DB)        ? DISK_MAIN
           : (flags & SQLITE_OPEN_MAIN_JOURNAL) ? DISK_JOURNAL
           : (flags & SQLITE_OPEN_WAL)          ? DISK_LOG
                                                : DISK_NAMES;
}

static void note_name(enum disk_name name)
{
    if (shim.disk != NULL && shim.disk->files[name] == 0)
        disk_note(shim.disk, (struct disk_op){.kind = DISK_CREATE, .name = name});
}

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *opened, int flags, int *flags_out)
{
    struct shim_file *file = of(opened);
    (void)vfs;
    *file = (struct shim_file){.name = name_of(flags), .real = (sqlite3_file *)(file + 1)};
    if (file->name != DISK_NAMES && strikes(SHIM_OPEN))
        return shim.fault.error == SHIM_NO_SPACE ? SQLITE_FULL : SQLITE_CANTOPEN;
    int code = unix_vfs->xOpen(unix_vfs, path, file->real, flags, flags_out);
    if (code != SQLITE_OK)
        return code;
    file->base.pMethods = &methods;
    if (file->name == DISK_NAMES || shim.disk == NULL)
        return SQLITE_OK;
    note_name(file->name);
    file->file = shim.disk->files[file->name];
    return SQLITE_OK;
}

static int shim_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    enum disk_name name = DISK_NAMES - 1;
    (void)vfs;
    while (name > DISK_MAIN && !span_ends_nocase(span_of(path), span_of(disk_endings[name])))
        name--;
    if (strikes(SHIM_DELETE))
        return SQLITE_IOERR_DELETE;
    if (shim.disk != NULL && shim.disk->files[name] != 0)
        disk_note(shim.disk, (struct disk_op){.kind = DISK_DELETE, .name = name});
    syncing = name;
    int code = unix_vfs->xDelete(unix_vfs, path, sync_directory);
    syncing = DISK_NAMES;
    return code;
}

/* In the place of libc's, for SQLite and for us: what matters here is which directory is synced, and why. */
static int note_sync(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return -1;
    if (!S_ISDIR(info.st_mode))
        return 0;
    if (strikes(SHIM_DIRECTORY)) {
        errno = shim.fault.error == SHIM_NO_SPACE ? ENOSPC : EIO;
        return -1;
    }
    if (shim.disk == NULL)
        return 0;
    if (syncing == DISK_NAMES && access(shim.path, F_OK) == 0)
        note_name(DISK_MAIN);
    disk_note(shim.disk,
              (struct disk_op){.kind = syncing == DISK_NAMES ? DISK_SYNC_DIRECTORY : DISK_SYNC_NAME,
                               .name = syncing});
    return 0;
}

int fsync(int fd)
{
    return note_sync(fd);
}

int fdatasync(int fd)
{
    return note_sync(fd);
}

void shim_install(void)
{
    static sqlite3_vfs vfs;
    if (unix_vfs != NULL)
        return;
    sqlite3_initialize();
    unix_vfs = sqlite3_vfs_find(NULL);
    vfs = *unix_vfs;
    vfs.zName = "shim";
    vfs.szOsFile = (int)sizeof(struct shim_file) + unix_vfs->szOsFile;
    vfs.xOpen = shim_open;
    vfs.xDelete = shim_delete;
    assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

/* stat and statvfs. */
#include "sys/disk.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/err.h"

static bool look(const char *database, const char *suffix, struct stat *file)
{
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "%s%s", database, suffix);
    *file = (struct stat){0};
    return stat(buf_text(&path), file) == 0 || errno == ENOENT;
}

static int64_t length(const char *database, const char *suffix)
{
    struct stat file;
    return look(database, suffix, &file) ? (int64_t)file.st_size : -1;
}

void disk_look(const char *database, struct disk_use *use)
{
    struct stat reserve;
    struct statvfs disk;
    bool has_end = statvfs(database, &disk) == 0 && disk.f_blocks > 0;
    *use = (struct disk_use){
        .file_bytes = length(database, ""),
        .log_bytes = length(database, "-wal"),
        .held_bytes = look(database, ".reserve", &reserve) ? (int64_t)reserve.st_blocks * 512 : -1,
        .free_bytes = has_end ? (int64_t)(disk.f_bavail * disk.f_frsize) : -1,
        .size_bytes = has_end ? (int64_t)(disk.f_blocks * disk.f_frsize) : -1,
    };
}

/* A directory is synced as a file is. */
#include "sys/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

bool directory_sync(const char *path)
{
    char *copy CLEANUP(mem_drop) = mem_copy(span_of(path));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

static void give_away(int fd, const char *path)
{
    struct stat directory;
    char *copy CLEANUP(mem_drop) = mem_copy(span_of(path));
    if (stat(dirname(copy), &directory) != 0 || fchown(fd, directory.st_uid, directory.st_gid) != 0)
        return; /* as where that user is unknown: it stays root's */
}

/* Only what was made here is given away: what was there may be another file's second name. */
int directory_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && geteuid() == 0)
        give_away(fd, path);
    return fd;
}

/*
 * Preloaded into a server, a disk that does as a test wants: in the directory that $PICKUPD_DISK names,
 * `hang` keeps every sync waiting as long as the test holds a lock on it, `fail` fails them, and `free` says
 * how many bytes are left.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_word(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("PICKUPD_DISK"), name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool may_sync(void)
{
    int fd = open_word("hang");
    if (fd >= 0) {
        flock(fd, LOCK_SH);
        close(fd);
    }
    fd = open_word("fail");
    if (fd < 0)
        return true;
    close(fd);
    errno = EIO;
    return false;
}

int fsync(int fd)
{
    return may_sync() ? (int)syscall(SYS_fsync, fd) : -1;
}

int fdatasync(int fd)
{
    return may_sync() ? (int)syscall(SYS_fdatasync, fd) : -1;
}

int fstatvfs(int fd, struct statvfs *disk)
{
    char digits[32] = "";
    int (*next)(int, struct statvfs *);
    *(void **)&next = dlsym(RTLD_NEXT, "fstatvfs");
    int code = next(fd, disk), word = open_word("free");
    if (word >= 0 && read(word, digits, sizeof digits - 1) > 0)
        disk->f_bavail = strtoull(digits, NULL, 10) / disk->f_frsize;
    if (word >= 0)
        close(word);
    return code;
}

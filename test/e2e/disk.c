/*
 * Preloaded into a server, a disk that does as a test wants: in the directory that $PICKUPD_DISK names,
 * `hang` keeps every sync waiting as long as the test holds a lock on it, which `hung` then tells, `fail`
 * fails them, `free` says how many bytes are left, and `pause` stops the process, once it has written
 * something at a place.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_word(const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("PICKUPD_DISK"), name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static bool may_sync(void)
{
    int fd = open_word("hang", O_RDONLY);
    if (fd >= 0) {
        if (flock(fd, LOCK_SH | LOCK_NB) < 0)
            close(open_word("hung", O_RDONLY | O_CREAT));
        flock(fd, LOCK_SH);
        close(fd);
    }
    fd = open_word("fail", O_RDONLY);
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

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at)
{
    char path[4096];
    ssize_t put = syscall(SYS_pwrite64, fd, from, bytes, at);
    int error = errno;
    snprintf(path, sizeof path, "%s/pause", getenv("PICKUPD_DISK"));
    if (unlink(path) == 0)
        raise(SIGSTOP);
    errno = error;
    return put;
}

int fstatvfs(int fd, struct statvfs *disk)
{
    char digits[32] = "";
    int (*next)(int, struct statvfs *);
    *(void **)&next = dlsym(RTLD_NEXT, "fstatvfs");
    int code = next(fd, disk), word = open_word("free", O_RDONLY);
    if (word >= 0 && read(word, digits, sizeof digits - 1) > 0)
        disk->f_bavail = strtoull(digits, NULL, 10) / disk->f_frsize;
    if (word >= 0)
        close(word);
    return code;
}

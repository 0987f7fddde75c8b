/* statvfs, and blocks that belong to a file nobody reads. */
#include "sys/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/directory.h"

struct reserve {
    int fd;
    int64_t bytes; /* to hold */
    int64_t held;
};

struct reserve *reserve_open(const char *path, int64_t bytes)
{
    int fd = directory_open(path);
    if (fd < 0)
        return NULL;
    struct reserve *reserve = mem_alloc(sizeof *reserve);
    *reserve = (struct reserve){.fd = fd, .bytes = bytes};
    reserve_release(reserve);
    return reserve;
}

void reserve_close(struct reserve *reserve)
{
    close(reserve->fd);
    free(reserve);
}

int64_t reserve_room(const struct reserve *reserve)
{
    struct statvfs disk;
    if (fstatvfs(reserve->fd, &disk) != 0 || disk.f_blocks == 0) /* as of a tmpfs without a limit */
        return INT64_MAX;
    return (int64_t)(disk.f_bavail * disk.f_frsize) + reserve->held;
}

/* Not posix_fallocate: where the file system can't do it, that one writes instead. */
bool reserve_hold(struct reserve *reserve)
{
    if (reserve->held == reserve->bytes)
        return true;
    if (fallocate(reserve->fd, 0, 0, reserve->bytes) == 0) {
        reserve->held = reserve->bytes;
        return true;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return true;
    reserve_release(reserve); /* what could be had of it */
    return false;
}

void reserve_release(struct reserve *reserve)
{
    if (ftruncate(reserve->fd, 0) == 0)
        reserve->held = 0;
}

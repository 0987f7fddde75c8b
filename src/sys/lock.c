/* flock on a file of its own: the database file's own locks belong to SQLite. */
#include "sys/lock.h"

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "sys/directory.h"

int lock_take(const char *path)
{
    int fd = directory_open(path);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

void lock_release(int lock)
{
    close(lock);
}

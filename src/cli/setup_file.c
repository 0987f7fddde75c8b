/* Reading whole files. */
#include "setup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hmac.h"

#define WAIT_MS 5000 /* for who writes to a pipe */

static bool waits_for_nobody; /* the loop that reads has others to serve */

void setup_wait_for_nobody(void)
{
    waits_for_nobody = true;
}

static bool is_pipe(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode);
}

/* The next bytes, 0 at the end, -1 if there are none to be had. */
static ssize_t read_next(int fd, char *bytes, size_t room)
{
    struct pollfd file = {.fd = fd, .events = POLLIN};
    int found;
    do
        found = poll(&file, 1, WAIT_MS);
    while (found < 0 && errno == EINTR);
    return found > 0 ? read(fd, bytes, room) : -1;
}

int setup_file_open(const char *path, mode_rule *suits, struct faults *faults)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        mode_unopened(path, faults);
        return -1;
    }
    if (waits_for_nobody && is_pipe(fd))
        faults_add(faults, "%s: is a pipe, which is read at a start only", path);
    else if (suits == NULL || suits(fd, path, faults))
        return fd;
    close(fd);
    return -1;
}

bool setup_file_read(int fd, const char *path, size_t max, struct buf *out, struct faults *faults)
{
    char bytes[4096];
    ssize_t got;
    while ((got = read_next(fd, bytes, sizeof bytes)) > 0 && out->len <= max)
        buf_add(out, (struct span){bytes, (size_t)got});
    bool bad = got < 0;
    hmac_wipe(bytes, sizeof bytes);
    if (bad)
        faults_add(faults, "%s: can't be read", path);
    else if (out->len > max)
        faults_add(faults, "%s: is longer than %zu bytes", path, max);
    return !bad && out->len <= max;
}

bool setup_read_checked(const char *path, mode_rule *suits, size_t max, struct buf *out,
                        struct faults *faults)
{
    int fd = setup_file_open(path, suits, faults);
    if (fd < 0)
        return false;
    bool good = setup_file_read(fd, path, max, out, faults);
    close(fd);
    return good;
}

bool setup_read_file(const char *path, size_t max, struct buf *out, struct faults *faults)
{
    return setup_read_checked(path, NULL, max, out, faults);
}

bool setup_read_private(const char *path, mode_rule *suits, size_t max, struct buf *out,
                        struct faults *faults)
{
    out->room = max + 4096 + 1; /* never moved while it grows, so that it can be wiped */
    out->at = mem_alloc(out->room);
    return setup_read_checked(path, suits, max, out, faults);
}

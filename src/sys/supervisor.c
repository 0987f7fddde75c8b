/* systemd's protocol, as sd_notify(3) has it, without its library. */
#include "sys/supervisor.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"

/* A name behind an @ is one of the abstract namespace, in which a NUL stands there. */
static bool name_of(struct span path, struct sockaddr_un *name, socklen_t *len)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((!span_starts(path, SPAN("/")) && !span_starts(path, SPAN("@"))) || path.len >= sizeof name->sun_path)
        return false;
    memcpy(name->sun_path, path.at, path.len);
    if (path.at[0] == '@')
        name->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    return true;
}

/*
 * What can't be told is not told: we serve all the same, and a manager that waits for it says so itself.
 * False if it could be told later: it has not read yet what it was told before.
 */
static bool tell(struct span text)
{
    struct sockaddr_un name;
    socklen_t len;
    if (!name_of(span_of(getenv("NOTIFY_SOCKET")), &name, &len))
        return true;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    ssize_t sent = sendto(fd, text.at, text.len, MSG_NOSIGNAL, (struct sockaddr *)&name, len);
    bool is_full = sent < 0 && errno == EAGAIN;
    close(fd);
    return !is_full;
}

bool supervisor_ready(void)
{
    return tell(SPAN("READY=1"));
}

bool supervisor_reloading(int64_t since)
{
    struct buf text CLEANUP(buf_free) = {0};
    buf_add(&text, SPAN("RELOADING=1\nMONOTONIC_USEC="));
    buf_add_int(&text, since);
    return tell(buf_span(&text));
}

bool supervisor_status(struct span line)
{
    struct buf text CLEANUP(buf_free) = {0};
    buf_add(&text, SPAN("STATUS="));
    buf_add(&text, line);
    return tell(buf_span(&text));
}

void supervisor_stopping(void)
{
    tell(SPAN("STOPPING=1"));
}

void supervisor_alive(void)
{
    tell(SPAN("WATCHDOG=1"));
}

int64_t supervisor_watchdog(void)
{
    int64_t pid, us;
    struct span process = span_of(getenv("WATCHDOG_PID"));
    if (process.len > 0 && (!num_parse(process, &pid) || pid != getpid()))
        return 0; /* meant for another, whose environment we have */
    if (!num_parse(span_of(getenv("WATCHDOG_USEC")), &us) || us < 1000)
        return 0;
    return us / 1000;
}

/* Listening sockets. */
#include "sys/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"

#define FIRST_INHERITED 3 /* of the service manager's protocol */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    struct sockaddr_storage room;
};

static bool is_unix(const char *address)
{
    return span_starts(span_of(address), SPAN("unix:"));
}

static bool unix_address(const char *path, union address *out, socklen_t *len)
{
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof out->un.sun_path)
        return false;
    memset(out, 0, sizeof *out);
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, path, bytes);
    *len = sizeof out->un;
    return true;
}

/* Reads an address; false if it is none. */
static bool parse(const char *address, union address *out, socklen_t *len)
{
    if (is_unix(address))
        return unix_address(address + 5, out, len);
    struct span text = span_of(address);
    const char *colon = strrchr(address, ':');
    if (colon == NULL)
        return false;
    struct span host = {address, (size_t)(colon - address)};
    struct span port_text = {colon + 1, text.len - host.len - 1};
    int64_t port;
    if (!num_parse(port_text, &port) || port < 0 || port > 65535)
        return false;
    bool bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    char name[64] = "";
    if (span_is(host, SPAN("localhost")))
        host = SPAN("127.0.0.1");
    if (bracketed)
        host = (struct span){host.at + 1, host.len - 2};
    if (host.len >= sizeof name)
        return false;
    memcpy(name, host.at, host.len);
    memset(out, 0, sizeof *out);
    if (bracketed) {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        *len = sizeof out->v6;
        return inet_pton(AF_INET6, name, &out->v6.sin6_addr) == 1;
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    *len = sizeof out->v4;
    return inet_pton(AF_INET, name, &out->v4.sin_addr) == 1;
}

void net_check(const char *address, const char *key, struct faults *faults)
{
    union address parsed;
    socklen_t len;
    if (!parse(address, &parsed, &len))
        faults_add(faults, "%s: must be HOST:PORT, [V6]:PORT or unix:/PATH (at most 107 bytes), not %s", key,
                   address);
}

/* A file left by a process that was killed refuses connections; one in use does not. */
static void remove_stale(const char *path)
{
    int fd = net_connect_unix(path);
    if (fd >= 0)
        close(fd);
    else if (errno == ECONNREFUSED)
        unlink(path);
}

static bool bind_and_listen(int fd, const char *address, union address *at, socklen_t len, unsigned mode)
{
    int yes = 1;
    if (is_unix(address)) {
        remove_stale(address + 5);
        if (bind(fd, &at->any, len) != 0 || chmod(address + 5, mode) != 0)
            return false;
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* accepted sockets inherit it */
        if (bind(fd, &at->any, len) != 0)
            return false;
    }
    return listen(fd, SOMAXCONN) == 0;
}

int net_listen(const char *address, unsigned mode, struct faults *faults)
{
    union address at;
    socklen_t len;
    if (!parse(address, &at, &len)) {
        net_check(address, "address", faults);
        return -1;
    }
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind_and_listen(fd, address, &at, len, mode))
        return fd;
    faults_add(faults, "can't listen on %s: %s", address, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int net_inherited(const char *name)
{
    int64_t pid, count;
    struct span names = span_of(getenv("LISTEN_FDNAMES"));
    if (!num_parse(span_of(getenv("LISTEN_PID")), &pid) || pid != getpid() ||
        !num_parse(span_of(getenv("LISTEN_FDS")), &count))
        return -1;
    for (int fd = FIRST_INHERITED; fd < FIRST_INHERITED + count; fd++) {
        if (!span_is(span_cut(&names, ':'), span_of(name)))
            continue;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        return fd;
    }
    return -1;
}

void net_describe(int fd, struct buf *out)
{
    union address at = {0};
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN] = "";
    getsockname(fd, &at.any, &len);
    if (at.any.sa_family == AF_UNIX)
        buf_printf(out, "unix:%s", at.un.sun_path);
    else if (at.any.sa_family == AF_INET6)
        buf_printf(out, "[%s]:%d", inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof host),
                   ntohs(at.v6.sin6_port));
    else
        buf_printf(out, "%s:%d", inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof host),
                   ntohs(at.v4.sin_port));
}

void net_close(int fd, const char *address)
{
    close(fd);
    if (is_unix(address))
        unlink(address + 5);
}

int net_connect_unix(const char *path)
{
    union address at;
    socklen_t len;
    errno = ENAMETOOLONG;
    if (!unix_address(path, &at, &len))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &at.any, len) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

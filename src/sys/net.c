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

#include "base/address.h"
#include "base/num.h"

#define FIRST_INHERITED 3 /* of the service manager's protocol */

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    struct sockaddr_storage room;
};

/* The kernel's name for an address; its length. */
static socklen_t name_of(const struct address *address, union name *name)
{
    memset(name, 0, sizeof *name);
    switch (address->kind) {
    case ADDRESS_UNIX:
        name->un.sun_family = AF_UNIX;
        memcpy(name->un.sun_path, address->path, strlen(address->path));
        return sizeof name->un;
    case ADDRESS_V6:
        name->v6.sin6_family = AF_INET6;
        name->v6.sin6_port = htons((uint16_t)address->port);
        inet_pton(AF_INET6, address->host, &name->v6.sin6_addr);
        return sizeof name->v6;
    default:
        name->v4.sin_family = AF_INET;
        name->v4.sin_port = htons((uint16_t)address->port);
        inet_pton(AF_INET, address->host, &name->v4.sin_addr);
        return sizeof name->v4;
    }
}

/* Never anything but a socket: a wrong path in the configuration must not cost a file. */
static void remove_socket(const char *path)
{
    struct stat file;
    if (lstat(path, &file) == 0 && S_ISSOCK(file.st_mode))
        unlink(path);
}

/* A socket left by a process that was killed refuses connections; one in use does not. */
static void remove_stale(const char *path)
{
    int fd = net_connect_unix(path);
    if (fd >= 0)
        close(fd);
    else if (errno == ECONNREFUSED)
        remove_socket(path);
}

static bool bind_and_listen(int fd, const struct address *address, unsigned mode)
{
    int yes = 1;
    union name name;
    socklen_t len = name_of(address, &name);
    if (address->kind == ADDRESS_UNIX) {
        remove_stale(address->path);
        if (bind(fd, &name.any, len) != 0 || chmod(address->path, mode) != 0)
            return false;
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* accepted sockets inherit it */
        if (bind(fd, &name.any, len) != 0)
            return false;
    }
    return listen(fd, SOMAXCONN) == 0;
}

static int open_socket(enum address_kind kind)
{
    static const int families[] = {
        [ADDRESS_V4] = AF_INET,
        [ADDRESS_V6] = AF_INET6,
        [ADDRESS_UNIX] = AF_UNIX,
    };
    return socket(families[kind], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int listen_at(const struct address *address, const char *text, unsigned mode, struct faults *faults)
{
    int fd = open_socket(address->kind);
    if (fd >= 0 && bind_and_listen(fd, address, mode))
        return fd;
    faults_add(faults, "can't listen on %s: %s", text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int net_listen(const char *text, unsigned mode, struct faults *faults)
{
    struct address address;
    if (address_parse(span_of(text), &address))
        return listen_at(&address, text, mode, faults);
    faults_add(faults, "can't listen on %s: it is no address", text);
    return -1;
}

static bool unix_address(const char *path, struct address *address)
{
    *address = (struct address){.kind = ADDRESS_UNIX};
    if (strlen(path) > ADDRESS_PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address->path, path, strlen(path));
    return true;
}

int net_listen_unix(const char *path, unsigned mode, struct faults *faults)
{
    struct address address;
    if (unix_address(path, &address))
        return listen_at(&address, path, mode, faults);
    faults_add(faults, "can't listen on %s: %s", path, strerror(errno));
    return -1;
}

/* Where the manager counts more than it has passed on, a file of our own may have the number. */
static bool is_listening(int fd)
{
    int yes = 0;
    socklen_t len = sizeof yes;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes != 0;
}

int net_inherited(const char *name)
{
    int yes = 1, fd = FIRST_INHERITED - 1;
    int64_t pid, count;
    struct span names = span_of(getenv("LISTEN_FDNAMES"));
    if (!num_parse(span_of(getenv("LISTEN_PID")), &pid) || pid != getpid() ||
        !num_parse(span_of(getenv("LISTEN_FDS")), &count))
        return -1;
    while (count-- > 0 && names.len > 0) {
        fd++;
        if (!span_is(span_cut(&names, ':'), span_of(name)) || !is_listening(fd))
            continue;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* of no effect on a unix socket */
        return fd;
    }
    return -1;
}

void net_describe(int fd, struct buf *out)
{
    union name at = {0};
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

struct network_host net_peer(int fd)
{
    union name at = {0};
    socklen_t len = sizeof at;
    if (getpeername(fd, &at.any, &len) != 0)
        return (struct network_host){0};
    switch (at.any.sa_family) {
    case AF_UNIX:
        return (struct network_host){.kind = NETWORK_UNIX};
    case AF_INET:
        return network_host_of(&at.v4.sin_addr, sizeof at.v4.sin_addr);
    case AF_INET6:
        return network_host_of(&at.v6.sin6_addr, sizeof at.v6.sin6_addr);
    default:
        return (struct network_host){0};
    }
}

void net_close(int fd, const char *text)
{
    struct address address;
    close(fd);
    if (address_parse(span_of(text), &address) && address.kind == ADDRESS_UNIX)
        remove_socket(address.path);
}

int net_connect_unix(const char *path)
{
    struct address address;
    union name name;
    if (!unix_address(path, &address))
        return -1;
    socklen_t len = name_of(&address, &name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &name.any, len) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

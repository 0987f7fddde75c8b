/* Listening sockets of the faces. */
#include "listener.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "sys/net.h"

bool listener_open(struct listener *listener, const char *address, struct faults *faults)
{
    if (listener->fd >= 0)
        return true;
    listener->address = address;
    listener->fd = net_inherited(listener->name);
    listener->inherited = listener->fd >= 0;
    if (listener->fd < 0)
        listener->fd = net_listen(address, 0660, faults);
    return listener->fd >= 0;
}

void listener_report(const struct listener *listener)
{
    struct buf address CLEANUP(buf_free) = {0};
    net_describe(listener->fd, &address);
    log_event(LOG_INFO, "listening", LOG_STR("face", listener->face), LOG_STR("address", buf_text(&address)));
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        net_close(listener->fd, listener->inherited ? "" : listener->address);
    listener->fd = -1;
}

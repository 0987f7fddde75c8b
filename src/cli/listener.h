/* A listening socket of a face: opened once, or inherited from the service manager. For the first thread. */
#ifndef PICKUPD_CLI_LISTENER_H
#define PICKUPD_CLI_LISTENER_H

#include <stdbool.h>

#include "base/faults.h"

struct listener {
    const char *face;    /* its name in the log */
    const char *name;    /* that of the inherited socket */
    const char *address; /* otherwise; NULL: it is not open */
    int fd;
    bool inherited;
};

#define LISTENER_CLOSED(face, name) ((struct listener){(face), (name), 0, -1, false})

/* Does nothing if it is open. False with a fault. */
bool listener_open(struct listener *listener, const char *address, struct faults *faults);

/* Says in the log where. */
void listener_report(const struct listener *listener);

/* A socket's file goes with it, unless it was inherited. */
void listener_close(struct listener *listener);

#endif

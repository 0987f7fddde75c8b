/* How a command changes the database: through the server that has it, or by itself while nobody has. */
#ifndef PICKUPD_CLI_CHANGE_H
#define PICKUPD_CLI_CHANGE_H

#include "base/err.h"
#include "cli/setup.h"

struct change {
    bool (*alone)(struct setup *setup, void *arg); /* holding the lock; false, and said, if it went wrong */
    enum err (*ask)(const char *control, bool *good, void *arg); /* ERR_NOT_FOUND: nobody is there; ERR_BUSY:
                                                                    nobody knows what was done */
    const char *undone;                                          /* what is said if nobody has done it */
};

/* False, and said, if it was not made, or went wrong. Waits for its turn behind other commands, for 2 s. */
bool change_make(struct setup *setup, const struct change *change, void *arg);

#endif

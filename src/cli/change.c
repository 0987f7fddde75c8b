/* Through the server, or past it where there is none. */
#include "change.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "sys/lock.h"

#define TURNS   40
#define TURN_MS 50

/* Who has the lock and no socket is another command, as here, or a server that starts or stops. */
bool change_make(struct setup *setup, const struct change *change, void *arg)
{
    bool good = false;
    enum err err = ERR_NOT_FOUND;
    char *lock_path CLEANUP(mem_drop) = setup_beside(setup, ".lock");
    char *control_path CLEANUP(mem_drop) = setup_beside(setup, ".control");
    for (int turn = 0; err == ERR_NOT_FOUND && turn < TURNS; turn++) {
        if (turn > 0)
            poll(NULL, 0, TURN_MS);
        int lock = lock_take(lock_path);
        if (lock >= 0) {
            good = change->alone(setup, arg);
            lock_release(lock);
            return good;
        }
        if (errno != EWOULDBLOCK) {
            fprintf(stderr, "%s: %s\n", lock_path, strerror(errno));
            return false;
        }
        err = change->ask(control_path, &good, arg);
    }
    if (err == ERR_BUSY)
        fprintf(stderr, "%s: the running server hung up before it said whether all was done\n", control_path);
    else if (err != ERR_OK)
        fprintf(stderr, "%s: %s: %s\n", control_path,
                err == ERR_NOT_FOUND ? "another command has the database"
                                     : "the running server did not do it",
                change->undone);
    return err == ERR_OK && good;
}

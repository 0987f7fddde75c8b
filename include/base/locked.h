/*
 * Memory for secrets: never swapped out, in no core dump, between pages that can't be touched, wiped when it
 * is given back. libcrypto keeps private keys there as well, once it has been started.
 */
#ifndef PICKUPD_BASE_LOCKED_H
#define PICKUPD_BASE_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Takes the memory, once, before any secret is read and any thread is started. False if the system does not
 * let us lock it; it serves all the same. Where it was never called, as in commands that end soon, the rest
 * is plain memory that is wiped.
 */
bool locked_start(void);

/* Whether a secret of so many bytes would find room, with all that is made of it. */
bool locked_has_room(size_t bytes);

/* Zeroed; aborts without room. Any thread. */
void *locked_alloc(size_t size);

/* Wipes and gives back; NULL is fine. */
void locked_free(void *at, size_t size);

#endif

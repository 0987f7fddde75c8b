/*
 * Room on a disk: how much of it is free, and a file that holds some back, to be given up when there is no
 * other. One thread at a time.
 */
#ifndef PICKUPD_SYS_RESERVE_H
#define PICKUPD_SYS_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

struct reserve;

/* Makes the file (0600), or opens it and gives up what a former process held. NULL with errno. */
struct reserve *reserve_open(const char *path, int64_t bytes);

/* The file stays, and so does what it holds. */
void reserve_close(struct reserve *reserve);

/* Bytes of the file system that this process may still fill, with those that are held; INT64_MAX if it does
 * not say. */
int64_t reserve_room(const struct reserve *reserve);

/* Holds the bytes, if they are not held already. False if they can't be had now; where the file system can't
 * hold anything back it is true, and nothing is held. */
bool reserve_hold(struct reserve *reserve);

/* Gives up what is held. */
void reserve_release(struct reserve *reserve);

#endif

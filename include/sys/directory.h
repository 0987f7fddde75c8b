/* Directories, and the files that are made in them. */
#ifndef PICKUPD_SYS_DIRECTORY_H
#define PICKUPD_SYS_DIRECTORY_H

#include <stdbool.h>

/* What a directory says of its files is not on disk before it is synced: of the one that a path lies in.
 * False with errno. */
bool directory_sync(const char *path);

/* A file to read and write, made (0600) if it is not there. What root makes belongs to whom its directory
 * belongs, if it can be given away: who serves there later is no longer root. -1 with errno. */
int directory_open(const char *path);

#endif

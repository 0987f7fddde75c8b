/* Room on the disk of a database, and what the database takes of it. */
#ifndef PICKUPD_SYS_DISK_H
#define PICKUPD_SYS_DISK_H

#include <stdint.h>

/* What is not there is 0; what can't be told, or has no end, is -1. */
struct disk_use {
    int64_t file_bytes, log_bytes; /* as the files are long */
    int64_t held_bytes;            /* of the reserve, as it takes them from the disk */
    int64_t free_bytes, size_bytes;
};

/* Any thread. `database` is the file's name; what lies beside it is named after it. */
void disk_look(const char *database, struct disk_use *use);

#endif

/*
 * A VFS for SQLite around the real one: it notes on a disk what the files are told, and fails when it is
 * asked to. Syncs are noted and not made. One thread.
 */
#ifndef PICKUPD_TEST_SHIM_H
#define PICKUPD_TEST_SHIM_H

#include "disk.h"

/* Calls that can fail, as bits. */
enum shim_call {
    SHIM_WRITE = 1,
    SHIM_SYNC = 2,
    SHIM_TRUNCATE = 4,
    SHIM_DELETE = 8,
    SHIM_OPEN = 16,
    SHIM_SHARE = 32,     /* memory for the index of the log, which is a file, too */
    SHIM_DIRECTORY = 64, /* a sync of the directory, of which SQLite does not always look whether it worked */
    SHIM_ALL = 127,
};

enum shim_error {
    SHIM_NO_SPACE,
    SHIM_IO,
};

/* From the call `after` on (from 0, of those in `calls`), one call fails, or all. */
struct shim_fault {
    unsigned calls;
    size_t after;
    enum shim_error error;
    bool sticky;
    size_t seen;         /* calls so far */
    size_t struck;       /* of them failed */
    enum shim_call last; /* that failed */
};

extern struct shim {
    struct disk *disk; /* to note on, or NULL */
    const char *path;  /* of the database */
    bool psow;         /* claim that a torn write harms nothing beside it */
    struct shim_fault fault;
} shim;

/* Makes it the VFS of every database opened from now on. */
void shim_install(void);

#endif

/*
 * What a disk was told, operation by operation, and what may be found on it when the power goes after any of
 * them. Writes that were not synced may be missing, torn, and in another order; so may names be that were
 * not synced to their directory.
 */
#ifndef PICKUPD_TEST_DISK_H
#define PICKUPD_TEST_DISK_H

#include <stdint.h>

#include "base/buf.h"

/* The files beside one another, by what follows the database's name. The -shm never survives. */
enum disk_name {
    DISK_MAIN,
    DISK_JOURNAL,
    DISK_LOG,
    DISK_NAMES,
};

extern const char *const disk_endings[DISK_NAMES];

enum disk_kind {
    DISK_CREATE,      /* `file` gets the name */
    DISK_DELETE,      /* the name is taken from its file */
    DISK_WRITE,       /* `bytes` at `at` of `file` */
    DISK_TRUNCATE,    /* `file` to the length `at` */
    DISK_SYNC,        /* of `file` */
    DISK_SYNC_FAILED, /* of `file`: what was waiting is dropped in part, and comes back only if it is written
                         again */
    DISK_SYNC_NAME,   /* of the directory, by SQLite, for the sake of this name */
    DISK_SYNC_DIRECTORY, /* of the directory, by ourselves */
};

struct disk_op {
    enum disk_kind kind;
    enum disk_name name;
    size_t file;
    uint64_t at;
    struct span bytes;
};

/* Zero-initialised, and released with disk_free. */
struct disk {
    struct arena arena;
    struct disk_op *ops;
    size_t count, room;
    size_t files[DISK_NAMES]; /* that has the name now, or 0 */
    size_t last_file;
};

/* Copies the bytes. A DISK_CREATE gets its file here. */
void disk_note(struct disk *disk, struct disk_op op);
void disk_free(struct disk *disk);

/* The first operations of another disk, waiting or synced as they are there. */
void disk_copy(struct disk *copy, const struct disk *disk, size_t count);

/* What a cut left, on the disk for good. */
void disk_load(struct disk *disk, const struct buf images[DISK_NAMES], const bool there[DISK_NAMES]);

enum disk_tearing {
    DISK_TEARS_512,  /* sectors of 512 bytes are written or not; nothing beside a write changes */
    DISK_TEARS_4096, /* sectors of 4096 bytes, and one that was being written may hold anything anywhere */
};

enum disk_directory {
    DISK_DIRECTORY_WHOLE,    /* a sync of the directory keeps all its names, as Linux does it */
    DISK_DIRECTORY_BY_NAMES, /* one that SQLite makes for a file keeps the name of that file only */
};

/* A power cut before operation `at`. The same cut gives the same disk. */
struct disk_cut {
    size_t at;
    uint64_t seed;
    enum disk_tearing tearing;
    enum disk_directory directory;
    bool spares; /* no cut at all: what the system still remembers when only the program was killed */
};

/* What is under each name then; false where the name is not there. */
void disk_after(const struct disk *disk, const struct disk_cut *cut, struct buf images[DISK_NAMES],
                bool there[DISK_NAMES]);

#endif

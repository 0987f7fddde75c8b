/*
 * Copies of the database that are made while it is served, and what becomes of them again. A whole copy is a
 * database file as it was at one moment. A copy of changes holds the pages that differ from those of the copy
 * before it, which it names, and the sum of all pages as they were. Any thread, one at a time in a
 * process; takes as long as it takes.
 */
#ifndef PICKUPD_STORE_BACKUP_H
#define PICKUPD_STORE_BACKUP_H

#include "base/buf.h"
#include "base/err.h"

#define BACKUP_NAME 64 /* bytes of a copy's name within its directory, with the NUL */

/* What is known of the copy made last, so that the next one need not hold what has not changed. */
struct backup_pages;
struct backup_pages *backup_pages_new(void);
void backup_pages_free(struct backup_pages *pages);

/* Of the file that backup_pages_write has left for the copy of that name; else NULL, and nothing is known. */
struct backup_pages *backup_pages_read(const char *path, const char *name);

/* False with the reason in *why. */
MUST bool backup_pages_write(const struct backup_pages *pages, const char *path, const char *name,
                             struct buf *why);

/* Asked about once a mebibyte: anything but ERR_OK ends the copy. */
typedef enum err backup_tick(void *arg);

struct backup_order {
    const char *database;
    const char *to;                    /* the file to be made; what has that name is replaced */
    const struct backup_pages *before; /* changes alone, of the copy of the name below; NULL: a whole copy */
    const char *before_name;
    struct backup_pages *pages; /* out, or NULL: what the copy is of */
    backup_tick *tick;
    void *arg;
    int64_t bytes; /* out: of the file */
};

/*
 * Makes a copy under another name (a ".part" behind it), syncs it, checks it if it is whole, and gives it its
 * name then. ERR_BUSY and whatever else `tick` has returned; all other errors have a reason in *why.
 */
MUST enum err backup_make(struct backup_order *order, struct buf *why);

/* Makes a database file (mode 0600, synced) of a copy, or of one of changes and all that it builds on; false
 * with the reason. Part of it may be there then. */
MUST bool backup_unpack(const char *from, const char *to, struct buf *why);

/*
 * Whether a database file that nobody has open is ours, not of a later pickupd, has the tables, indexes and
 * triggers of its version and nothing else, and is sound: each index, too, if it is to be done in full. False
 * with the reason.
 */
MUST bool backup_is_sound(const char *path, bool in_full, struct buf *why);

/* What a file is: for deciding whether it may be replaced. */
MUST bool backup_is_ours(const char *path, struct buf *why);

/* Whether a database file is of this program's version, so that it has an audit. */
bool backup_is_of_now(const char *path);

/* The newest seq that a database file has given; false if that can't be read. */
MUST bool backup_newest_seq(const char *path, int64_t *seq);

/*
 * Of a database file that was unpacked: seqs go on behind `seq`, which have been given already, and whoever
 * had done all of the log still has. False with the reason.
 */
MUST bool backup_go_on_after(const char *path, int64_t seq, struct buf *why);

#endif

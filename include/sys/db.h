/*
 * SQLite: one file, one connection, statements prepared once and named by their index. A handle belongs to
 * one thread at a time.
 */
#ifndef PICKUPD_SYS_DB_H
#define PICKUPD_SYS_DB_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum db_mode {
    DB_WRITE, /* creates the file (0600); see db_own */
    DB_READ,  /* never writes, never checkpoints, not even when closing */
};

/*
 * Whatever can fail here is ERR_FULL if there is no room for it, ERR_SYNC if the disk has failed to sync,
 * ERR_INTERNAL if a constraint forbids it, and otherwise ERR_STORE. After ERR_SYNC nothing more may be
 * written: the system may have dropped what it was to sync, and still show it. What was refused is taken out
 * of the log; who opens the file next moves the rest of it and syncs it, closing does not.
 */
struct db;

/* NULL with the reason in *why. Nothing in the file has been changed yet. */
struct db *db_open(const char *path, enum db_mode mode, struct buf *why);

/*
 * Makes this the one connection that writes and checkpoints: WAL mode, and a commit returns when it has been
 * synced, as is all that is there already when this returns. Closing it checkpoints. ERR_BUSY: another
 * process has been reading for seconds, so that the log can't be begun anew.
 */
MUST enum err db_own(struct db *db);

/* Moves what the log holds into the file, as far as nobody reads what was there before; does nothing unless
 * that many pages wait. */
MUST enum err db_checkpoint(struct db *db, int64_t least);

/*
 * Moves all of the log into the file and gives its room back; does nothing if somebody is reading, or if the
 * file might have to grow by more than `room` bytes for it.
 */
MUST enum err db_cut_log(struct db *db, int64_t room);

/* Pages of the log after the last commit; those that were moved count until it begins anew. */
int64_t db_log_pages(const struct db *db);

/* Whether what was refused by ERR_SYNC is out of the log by now; tries it again. */
MUST bool db_may_close(struct db *db);

void db_close(struct db *db);

/* What went wrong last; static until the next call. Holds no data. */
const char *db_error(struct db *db);

/* Runs SQL that gives no rows. */
MUST enum err db_exec(struct db *db, const char *sql);

/* The first column of the first row as a number. */
MUST enum err db_number(struct db *db, const char *sql, int64_t *number);

/* Prepares statement i from sql[i]. */
MUST enum err db_prepare(struct db *db, const char *const *sql, size_t count);

/* Parameters count from 1. Texts and blobs are borrowed until db_reset. */
void db_bind_int(struct db *db, size_t statement, int index, int64_t number);
void db_bind_text(struct db *db, size_t statement, int index, struct span text);
void db_bind_blob(struct db *db, size_t statement, int index, struct span bytes);

/* The next row; *row is false at the end. */
MUST enum err db_step(struct db *db, size_t statement, bool *row);

/* Columns count from 0; spans are valid until the next step or reset. */
int64_t db_int(struct db *db, size_t statement, int column);
struct span db_span(struct db *db, size_t statement, int column);
bool db_is_null(struct db *db, size_t statement, int column);

void db_reset(struct db *db, size_t statement);

/* Runs a statement that gives no rows, and resets it. */
MUST enum err db_run(struct db *db, size_t statement);

/* Rows that the last statement changed. */
int64_t db_changes(struct db *db);

/* For `version`. */
const char *db_library_version(void);

#endif

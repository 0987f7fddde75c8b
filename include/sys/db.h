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

struct db;

/* NULL with the reason in *why. Nothing in the file has been changed yet. */
struct db *db_open(const char *path, enum db_mode mode, struct buf *why);

/*
 * Makes this the one connection that writes and checkpoints: WAL mode, and a commit returns when it has been
 * synced, as is all that is there already when this returns. Closing it checkpoints.
 */
MUST enum err db_own(struct db *db);

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

/*
 * SQLite: one file, one connection, statements prepared once and named by their index. A handle belongs to
 * one thread at a time.
 */
#ifndef PICKUPD_SYS_DB_H
#define PICKUPD_SYS_DB_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/histogram.h"

enum db_mode {
    DB_WRITE, /* creates the file (0600); see db_own */
    DB_READ,  /* never writes, never checkpoints, not even when closing */
    DB_FRESH, /* an empty one in memory; the path counts for nothing */
    DB_STILL, /* reads a file that nobody writes, and makes none beside it: a log that is there is not read */
};

/*
 * Whatever can fail here is ERR_FULL if there is no room for it, ERR_SYNC if the disk has failed to sync,
 * ERR_INTERNAL if a constraint forbids it, ERR_SEALED if a function of ours can't give a value (see db_fail),
 * and otherwise ERR_STORE. After ERR_SYNC nothing more may be
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

/* The same, whatever it takes. ERR_BUSY: somebody has been reading for seconds what was there before. */
MUST enum err db_empty_log(struct db *db);

/* Pages of the log after the last commit; those that were moved count until it begins anew. */
int64_t db_log_pages(const struct db *db);

/* Pages of the log that are not in the file yet. */
int64_t db_waiting_pages(const struct db *db);

/* Syncs of logs, by any connection of this process; any thread reads. */
struct db_syncs {
    struct histogram time;  /* HISTOGRAM_TIME */
    struct histogram bytes; /* written since the one before; HISTOGRAM_BYTES */
};
const struct db_syncs *db_syncs(void);

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
bool db_is_int(struct db *db, size_t statement, int column);

void db_reset(struct db *db, size_t statement);

/* Runs a statement that gives no rows, and resets it. */
MUST enum err db_run(struct db *db, size_t statement);

/* Rows that the last statement changed. */
int64_t db_changes(struct db *db);

/*
 * Hands over all pages of the file as they are at one moment, whoever writes meanwhile; in any order, and a
 * page may come twice, of which the later counts. One that nothing is kept in, where SQLite has its locks, is
 * left out. Until it has ended the log can't begin anew, so `tick` is called about every mebibyte: what it or
 * `page` return but ERR_OK ends the copy and is returned. Takes the connection's one read for as long as it
 * lasts.
 */
typedef enum err db_page_fn(void *arg, int64_t number, struct span page);
typedef enum err db_tick_fn(void *arg);
MUST enum err db_copy(struct db *db, db_page_fn *page, db_tick_fn *tick, void *arg);

/*
 * Functions that statements may call with any arguments; the schema may not. To be added before what calls
 * them is prepared. Arguments count from 0, and their spans are valid during the call; what is given is
 * copied.
 */
struct db_call;
typedef void db_function(void *arg, struct db_call *call);
enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BYTES };

MUST enum err db_add_function(struct db *db, const char *name, db_function *function, void *arg);

size_t db_call_count(const struct db_call *call);
enum db_type db_call_type(const struct db_call *call, size_t i);
int64_t db_call_int(const struct db_call *call, size_t i);
struct span db_call_span(const struct db_call *call, size_t i);

/* What the function gives; nothing is NULL. */
void db_give_arg(struct db_call *call, size_t i);
void db_give_int(struct db_call *call, int64_t number);
void db_give(struct db_call *call, enum db_type type, struct span value);

/* Ends the statement with ERR_SEALED; what it has changed is undone, and the transaction goes on. */
void db_fail(struct db_call *call);

/*
 * Writes the whole file anew, without what was deleted; not in a transaction. Takes room for all of it in the
 * log, and beside it in the system's directory for temporary files.
 */
MUST enum err db_vacuum(struct db *db);

/* For `version`. */
const char *db_library_version(void);

#endif

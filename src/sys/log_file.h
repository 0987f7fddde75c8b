/*
 * SQLite's log, written with as few calls as it has commits. For the rooms of this floor.
 *
 * SQLite writes each page of a commit with two calls. This gathers writes that follow one another, and makes
 * them as one before anything else is done with the log: before a commit is synced, and so before any reader
 * is told of it. It is for a connection whose every commit syncs (synchronous=FULL, see db_own); another
 * would tell readers of pages that only this process holds.
 */
#ifndef PICKUPD_SYS_LOG_FILE_H
#define PICKUPD_SYS_LOG_FILE_H

struct db_syncs;

/* Of all logs that were written by it. */
const struct db_syncs *log_file_syncs(void);

/* The name of a VFS for SQLite around its default one. */
const char *log_file_vfs(void);

#endif

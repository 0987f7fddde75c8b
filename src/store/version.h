/* The version of the file: whose it is, and how it is brought up to date. */
#ifndef PICKUPD_STORE_VERSION_H
#define PICKUPD_STORE_VERSION_H

#include "sys/db.h"

/* A file of another program, or of a later pickupd, is left as it is; the reason goes to *why. */
bool version_is_ours(struct db *db, const char *path, struct buf *why);

MUST enum err version_update(struct db *db);

/*
 * Whether a file that is ours has the tables, indexes and triggers of its version and nothing else; a trigger
 * that somebody has added would run with our next change. Of a connection that has no statements yet. The
 * reason goes to *why.
 */
bool version_is_plain(struct db *db, const char *path, struct buf *why);

#endif

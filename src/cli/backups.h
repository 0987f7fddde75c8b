/* A directory of copies, each named by its time: whole ones, and ones of changes that build on these. */
#ifndef PICKUPD_CLI_BACKUPS_H
#define PICKUPD_CLI_BACKUPS_H

#include "store/backup.h"

/* A time in a file's name: 20260131T140000Z. */
#define BACKUPS_TIME 32 /* bytes, with the NUL */
void backups_write_time(char text[BACKUPS_TIME], int64_t time);

/* How a copy that is to be added is made. */
struct backups_plan {
    char name[BACKUP_NAME];        /* of the copy */
    char before_name[BACKUP_NAME]; /* of the one it builds on */
    struct backup_pages *before;   /* NULL: it is a whole one */
};

/* The next copy, at that time. To be freed with backup_pages_free(plan->before). False with a line on
 * standard error. */
bool backups_plan(const char *directory, int64_t now, struct backups_plan *plan);

/* The names beside it of what is known of the copy made last, and of the lock. */
#define BACKUPS_SUMS "pickupd.sums"
#define BACKUPS_LOCK ".lock"

/* Removes all but the newest so many, and what these build on. */
void backups_prune(const char *directory, int64_t keep);

#endif

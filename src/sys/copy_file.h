/*
 * A file that nobody keeps: SQLite's backup writes its pages to it, and they are handed on. For the rooms of
 * this floor.
 */
#ifndef PICKUPD_SYS_COPY_FILE_H
#define PICKUPD_SYS_COPY_FILE_H

#include "sys/db.h"

/*
 * The name of a VFS whose every database hands what is written to it to `page`, and holds nothing. One copy
 * at a time in a process. What `page` returned is in *err once SQLite says that a write has failed.
 */
const char *copy_file_vfs(db_page_fn *page, void *arg, enum err *err);

#endif

/* What a power cut leaves, as files that a store can be opened on. */
#ifndef PICKUPD_TEST_REMAINS_H
#define PICKUPD_TEST_REMAINS_H

#include "../unit/shelf.h"
#include "disk.h"

/* Of the database (ending "") or a file beside it; lives in the shelf's arena. */
const char *remains_path(struct shelf *shelf, const char *ending);

/* Nothing is there but what the disk kept; `loaded`, if not NULL, gets all of it for good. */
void remains_put(struct shelf *shelf, const struct disk *disk, const struct disk_cut *cut,
                 struct disk *loaded);

#endif

/* Opening the database as the configuration has it, with its limits and the keys it is sealed with. */
#ifndef PICKUPD_CLI_OPEN_H
#define PICKUPD_CLI_OPEN_H

#include "cli/setup.h"
#include "store/store.h"
#include "store/view.h"

/* For writing, and for looking. NULL with the reason in *why. The setup keeps the keys, and outlives both. */
struct store *open_store(struct setup *setup, struct buf *why);
struct view *open_view(struct setup *setup, struct buf *why);

#endif

/* The files beside the database, and their directory: nobody else's to read or to change. */
#ifndef PICKUPD_CLI_BELONGINGS_H
#define PICKUPD_CLI_BELONGINGS_H

#include "cli/setup.h"

/*
 * Closes what is there to all but its owner (0600), which the log tells. False with a fault if that can't be,
 * or if everybody may put other files in their place. Before the database is opened, as its user.
 */
MUST bool belongings_close(const struct setup *setup, struct faults *faults);

#endif

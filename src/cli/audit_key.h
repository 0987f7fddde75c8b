/* The key of the audit's chain. */
#ifndef PICKUPD_CLI_AUDIT_KEY_H
#define PICKUPD_CLI_AUDIT_KEY_H

#include "base/hmac.h"
#include "cli/setup.h"

/* From audit_key_file, or from beside the database. NULL with a fault. */
struct hmac_key *audit_key_read(const struct setup *setup, struct faults *faults);

/*
 * The same, for whoever writes, which holds the lock: where audit_key_file is not set, a key is made if there
 * is none. If there are rows already, as after a restore on another machine, that is told: without the key
 * that they were chained with they can't be verified.
 */
struct hmac_key *audit_key_own(const struct setup *setup, bool has_rows, struct faults *faults);

#endif

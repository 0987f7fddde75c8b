/* What this process may do, and who it is. */
#ifndef PICKUPD_SYS_PRIVILEGES_H
#define PICKUPD_SYS_PRIVILEGES_H

#include <sys/types.h>

#include "base/err.h"
#include "base/faults.h"

/*
 * Becomes that user, with its groups and no capability, for good; "" stays who we are, as does the user we
 * are already. False with a fault if there is no such user, or we may not. Before any thread is started.
 */
MUST bool privileges_become(const char *user, struct faults *faults);

/* Whether there is such a user; "" always is. False with a fault. */
MUST bool privileges_know(const char *user, struct faults *faults);

/* Who that is; 0 for "" and for whom nobody knows. */
uid_t privileges_uid(const char *user);

/* Gives up what nobody needs who serves: to gain rights by a program that is started, and to leave a core
 * dump, which would hold secrets and patients. After privileges_become. */
void privileges_forgo(void);

/* Whether everything may be done. */
bool privileges_are_root(void);

#endif

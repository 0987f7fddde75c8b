/*
 * Secrets in environment variables. Whoever may read /proc/PID/environ, or is handed a copy of the
 * environment, must not find them there.
 */
#ifndef PICKUPD_BASE_VARIABLE_H
#define PICKUPD_BASE_VARIABLE_H

#include "base/span.h"

/*
 * The value of a variable, or nothing. The first look takes it out of the environment, where zeros are left
 * of it, and keeps it in locked memory, valid until variables_forget. In one thread only.
 */
struct span variable_take(const char *name);

/*
 * Whether a text is a name as POSIX has them in the environment: A-Z, 0-9 and '_', no digit first. Others may
 * be taken, too, but none is shown: it may be a secret that stands where a name belongs.
 */
bool variable_is_name(struct span text);

/* Wipes all that were taken. */
void variables_forget(void);

#endif

/* What a command does by itself, told to the audit first. */
#ifndef PICKUPD_CLI_AUDITED_H
#define PICKUPD_CLI_AUDITED_H

#include "cli/setup.h"
#include "store/store.h"

/*
 * Has it on disk that this command, one of those that flow/control.c knows, is about to look at what may be
 * patient data, or to do something: by the running server, or by itself where there is none. `org` is the
 * organization that it names, or empty; `what` a JSON object of ids and counts. False, and said, if that
 * can't be done: then it must not be done.
 */
MUST bool audited(struct setup *setup, const char *action, struct span org, struct span what);

/* The same, for whoever has the store open and holds the lock. */
MUST enum err audited_here(struct store *store, const char *action, struct span org, struct span what);

#endif

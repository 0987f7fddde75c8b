/*
 * Reading the configuration again while serving: sources, secrets and definitions are swapped without
 * dropping a request. A configuration with any fault changes nothing.
 */
#ifndef PICKUPD_CLI_RELOAD_H
#define PICKUPD_CLI_RELOAD_H

#include "cli/setup.h"
#include "model/tally.h"
#include "store/writer.h"

struct reload;

/*
 * Belongs to the control loop. `first` is what is served now, and stays the caller's; its sources are
 * released once others have taken their place. `file` names the configuration, or is NULL.
 * `log` is what the command line says of the log.
 */
struct reload *reload_new(struct loop *control, struct writer *writer, struct setup *first, const char *file,
                          const struct setup_log *log, struct tallies *tallies);

/*
 * A loop, and where it keeps the sources it serves: written in that loop's thread, which then calls `swapped`
 * (or NULL).
 */
void reload_add_user(struct reload *reload, struct loop *loop, const struct sources **slot, loop_fn *swapped,
                     void *arg);

/* Calls back in the control loop after each reload, whether it changed anything or was refused. */
void reload_tell(struct reload *reload, loop_fn *ended, void *arg);

/* Reads the configuration, and swaps it in unless it has faults, which go to the log. */
void reload_now(struct reload *reload);

/* No more reloads, also not one that was asked for meanwhile: the loops are about to go. */
void reload_stop(struct reload *reload);

/* After all loops have ended and were drained. */
void reload_free(struct reload *reload);

#endif

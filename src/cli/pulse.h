/*
 * Whether every thread that takes, stores or answers webhooks still runs, as told to the service manager:
 * ready once all have run, and then alive as long as all have run lately. The writer counts as alive while it
 * waits for the disk, however long: a disk is not healed by killing us, and webhooks are answered 503
 * meanwhile, which the status line says.
 */
#ifndef PICKUPD_CLI_PULSE_H
#define PICKUPD_CLI_PULSE_H

#include "store/writer.h"
#include "sys/loop.h"

struct pulse;

/* Belongs to the control loop, which feels it. */
struct pulse *pulse_new(struct loop *control, struct writer *writer);

/* One more loop whose beat counts. Before it runs. */
void pulse_add(struct pulse *pulse, struct loop *loop);

/* How many sources are served, for the status line; in the control loop's thread. */
void pulse_sources(struct pulse *pulse, size_t enabled);

/* The configuration is being read again; there as well. */
void pulse_reloading(struct pulse *pulse);

/* The configuration was read again, and so many sources are served; there as well. */
void pulse_reloaded(struct pulse *pulse, size_t enabled);

/* From now on nobody is told anything but the stop. */
void pulse_stop(struct pulse *pulse);

/* After all loops have ended, and before the control loop goes. NULL is fine. */
void pulse_free(struct pulse *pulse);

#endif

/*
 * What /readyz waits for: one probe on its way to the disk and back, for all who ask meanwhile and in the
 * second after it. Belongs to the loop of the private face.
 */
#ifndef PICKUPD_WEB_READY_H
#define PICKUPD_WEB_READY_H

#include "sys/loop.h"

struct ready;

/* The loop must outlive it. */
struct ready *ready_new(struct loop *loop);

/* Once all that was put to the writer has come back. */
void ready_free(struct ready *ready);

#endif

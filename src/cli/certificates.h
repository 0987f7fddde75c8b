/* The certificates of both faces: read with the configuration, and again with it. */
#ifndef PICKUPD_CLI_CERTIFICATES_H
#define PICKUPD_CLI_CERTIFICATES_H

#include "cli/setup.h"

/* Reads what the configuration names. */
void certificates_load(struct setup *setup, struct faults *faults);

/*
 * What is served from now on is what `next` has read. False if a face would begin or cease to speak TLS,
 * which stays as it is.
 */
bool certificates_adopt(struct setup *serving, struct setup *next);

/* Says in the log until when they are valid. */
void certificates_report(const struct setup *setup);

/* The same for a person. */
void certificates_print(const struct setup *setup);

#endif

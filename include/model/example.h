/* A definition's own examples: signed requests, and what must become of them. */
#ifndef PICKUPD_MODEL_EXAMPLE_H
#define PICKUPD_MODEL_EXAMPLE_H

#include "model/definition.h"

/*
 * Runs all of them; whatever does not become what it should is added to `faults`, as "FILE:LINE: ...". The
 * texts may hold values of the examples, which are made up.
 */
void examples_run(const struct definition *definition, struct faults *faults);

#endif

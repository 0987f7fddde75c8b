/*
 * A list of what is wrong with an input, so that all of it can be said at once. Texts name fields, keys and
 * lines, never values of a payload. Zero-initialised; with an arena set the texts live there.
 */
#ifndef PICKUPD_BASE_FAULTS_H
#define PICKUPD_BASE_FAULTS_H

#include "base/mem.h"

struct faults {
    char **texts;
    size_t count;
    struct arena *arena;
};

/* Adds a text unless it is there already; of one of 512 bytes or more the first, up to a whole character. */
void faults_add(struct faults *faults, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Releases a list without an arena; with one it only forgets. */
void faults_free(struct faults *faults);

#endif

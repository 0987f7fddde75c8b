/* INI files: [section], key = value, comments from ';' or '#'; one line each, no continuation lines. */
#ifndef PICKUPD_BASE_INI_H
#define PICKUPD_BASE_INI_H

#include "base/faults.h"

/* What the library underneath can hold; longer ones are refused, never cut. */
#define INI_LINE_MAX    199
#define INI_SECTION_MAX 49
#define INI_NAME_MAX    49

/*
 * Called for every section line (name and value are NULL; so is the section if it was refused) and for every
 * key. `line` counts from 1. The texts are valid during the call.
 */
typedef void ini_row(void *arg, int line, const char *section, const char *name, const char *value);

/* Reads a whole file's text; what can't be read is added to `faults` as "FILE:LINE: ...". */
void ini_read(struct span text, const char *file, ini_row *row, void *arg, struct faults *faults);

#endif

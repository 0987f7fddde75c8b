/* The two halves of setup_read_checked, for the file that says itself whose it may be. */
#ifndef PICKUPD_CLI_SETUP_FILE_H
#define PICKUPD_CLI_SETUP_FILE_H

#include "cli/setup.h"

/* Negative with a fault. No rule: whatever its owner and mode. */
int setup_file_open(const char *path, mode_rule *suits, struct faults *faults);

/* Adds the rest of it, at most `max` bytes; false with a fault. */
bool setup_file_read(int fd, const char *path, size_t max, struct buf *out, struct faults *faults);

#endif

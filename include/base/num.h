/* The one strict parser of numbers from outside: the whole text or nothing. */
#ifndef PICKUPD_BASE_NUM_H
#define PICKUPD_BASE_NUM_H

#include <stdint.h>

#include "base/span.h"

/* A decimal whole number, an optional '-' and 1 to 19 digits, within 64 bits. */
bool num_parse(struct span text, int64_t *number);

/* A decimal number as JSON writes it; false if it is too large for a double. */
bool num_real(struct span text, double *number);

/* Bytes: a number of at least 0, or one with the unit KiB, MiB or GiB behind it. */
bool num_parse_size(struct span text, int64_t *bytes);

/* Seconds: a number of at least 0 with the unit s, m, h or d behind it, or none for seconds. */
bool num_parse_duration(struct span text, int64_t *seconds);

/* Exactly `count` decimal digits at the start of `text`, at most 9; false if there are fewer. */
bool num_digits(struct span text, size_t count, int *number);

/* Writes exactly `count` digits of a number that is not negative, with zeros in front and no NUL. */
void num_put_digits(char *at, int count, int number);

#endif

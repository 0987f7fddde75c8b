/* Bytes as hexadecimal digits. */
#ifndef PICKUPD_BASE_HEX_H
#define PICKUPD_BASE_HEX_H

#include <stdint.h>

#include "base/span.h"

/* Writes 2 * count lowercase digits and a NUL. */
void hex_write(char *text, const uint8_t *bytes, size_t count);

/* Reads exactly `count` bytes from 2 * count digits of either case; false for any other text. */
bool hex_read(struct span text, uint8_t *bytes, size_t count);

#endif

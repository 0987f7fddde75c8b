/* Numbers that nobody can guess, from the system. Any thread. */
#ifndef PICKUPD_BASE_RANDOM_H
#define PICKUPD_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_fill(void *at, size_t count); /* at most 256 bytes */
uint64_t random_number(void);

/* From least to most, both included; least <= most. */
int64_t random_between(int64_t least, int64_t most);

#endif

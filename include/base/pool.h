/*
 * Blocks of memory that a thread takes and gives back by the hundred: it keeps those given back, by their
 * size, for its next ones. (glibc keeps seven of a size; what goes beyond costs it a multiple.) A block may
 * be given back by another thread than the one that took it.
 */
#ifndef PICKUPD_BASE_POOL_H
#define PICKUPD_BASE_POOL_H

#include <stddef.h>

/* As malloc, realloc and free; out of memory aborts. */
void *pool_take(size_t size);
void *pool_resize(void *at, size_t size);
void pool_give(void *at);

#endif

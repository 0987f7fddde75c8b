/*
 * Memory. Running out of it aborts the process with a message: every input is bounded, so it means a
 * machine too small for its configuration, and what was answered 200 is on disk already.
 *
 * What one request allocates lives in its arena and dies with it. Long-lived things use mem_alloc and free.
 */
#ifndef PICKUPD_BASE_MEM_H
#define PICKUPD_BASE_MEM_H

#include "base/span.h"

/* Zeroed memory, to be released with free(). */
void *mem_alloc(size_t size);

/* As realloc; the new part is not zeroed. */
void *mem_resize(void *at, size_t size);

/* A NUL-terminated copy, to be released with free(). */
char *mem_copy(struct span text);

/* For CLEANUP on a pointer: frees what it points to. */
void mem_drop(void *pointer_to_pointer);

/* An arena is zero-initialised and used by one thread at a time. */
struct arena {
    struct arena_block *blocks;
    char *next;
    size_t left;
};

/* Zeroed memory, aligned for any type, valid until arena_free. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc, for what is written before it is read: holds anything. */
void *arena_room(struct arena *arena, size_t size);

/* A NUL-terminated copy in the arena. */
char *arena_copy(struct arena *arena, struct span text);

/* Releases everything; the arena may be used again. */
void arena_free(struct arena *arena);

#endif

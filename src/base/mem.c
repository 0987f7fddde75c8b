/* Allocation that aborts when memory is out, and arenas. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Large enough for a usual webhook, so that most arenas are one block. */
#define ARENA_BLOCK 8192

struct arena_block {
    struct arena_block *next;
    alignas(max_align_t) char bytes[];
};

static void *need(void *at)
{
    if (at == NULL) {
        fputs("pickupd: out of memory\n", stderr);
        abort();
    }
    return at;
}

void *mem_alloc(size_t size)
{
    return need(calloc(1, size ? size : 1));
}

void *mem_resize(void *at, size_t size)
{
    return need(realloc(at, size ? size : 1));
}

char *mem_copy(struct span text)
{
    char *copy = mem_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

void mem_drop(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size > arena->left) {
        size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
        struct arena_block *block = need(malloc(sizeof *block + room));
        block->next = arena->blocks;
        arena->blocks = block;
        arena->next = block->bytes;
        arena->left = room;
    }
    void *at = arena->next;
    arena->next += size;
    arena->left -= size;
    return memset(at, 0, size);
}

char *arena_copy(struct arena *arena, struct span text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    *arena = (struct arena){0};
}

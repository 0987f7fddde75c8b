/* Allocation that aborts when memory is out, and arenas. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* Large enough for a usual webhook, so that most arenas are one block. */
#define ARENA_BLOCK 8192

/* Blocks that a thread keeps for its next arenas. None where a sanitizer is to see what is used after its
 * end. */
#ifndef ARENA_SPARES
#    define ARENA_SPARES 64
#endif

struct arena_block {
    struct arena_block *next;
    size_t room;
    alignas(max_align_t) char bytes[];
};

static thread_local struct arena_block *spares;
static thread_local size_t spare_count;
static once_flag prepared = ONCE_FLAG_INIT;
static tss_t ending;

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

static void blocks_free(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

static void end_thread(void *unused)
{
    (void)unused;
    blocks_free(spares);
    spares = NULL;
    spare_count = 0;
}

static void prepare(void)
{
    tss_create(&ending, end_thread);
}

static struct arena_block *block_take(size_t size)
{
    struct arena_block *block = spares;
    if (size > ARENA_BLOCK || block == NULL) {
        size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
        block = need(malloc(sizeof *block + room));
        block->room = room;
        return block;
    }
    spares = block->next;
    spare_count--;
    return block;
}

static void block_give(struct arena_block *block)
{
    if (block->room > ARENA_BLOCK || spare_count == ARENA_SPARES) {
        free(block);
        return;
    }
    call_once(&prepared, prepare);
    tss_set(ending, &spares);
    block->next = spares;
    spares = block;
    spare_count++;
}

void *arena_room(struct arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size > arena->left) {
        struct arena_block *block = block_take(size);
        block->next = arena->blocks;
        arena->blocks = block;
        arena->next = block->bytes;
        arena->left = block->room;
    }
    void *at = arena->next;
    arena->next += size;
    arena->left -= size;
    return at;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_room(arena, size), 0, size);
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
        block_give(block);
    }
    *arena = (struct arena){0};
}

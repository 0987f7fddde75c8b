/* Free lists by size, for each thread its own. */
#include "base/pool.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "base/mem.h"

/* Sizes are multiples of this. */
#define STEP alignof(max_align_t)

/* Larger ones are not kept. */
#define LARGEST 8192

/* Bytes that a thread keeps. None where a sanitizer is to see what is used after its end. */
#ifndef POOL_BYTES
#    define POOL_BYTES (1024 * 1024)
#endif

/* Stands before what the caller gets. */
struct head {
    alignas(max_align_t) size_t size;
};

/* Stands where the caller's bytes were. */
struct spare {
    struct spare *next;
};

static thread_local struct spare *spares[LARGEST / STEP + 1];
static thread_local size_t kept; /* bytes */
static once_flag prepared = ONCE_FLAG_INIT;
static tss_t ending;

static void end_thread(void *unused)
{
    (void)unused;
    for (size_t i = 0; i <= LARGEST / STEP; i++) {
        while (spares[i] != NULL) {
            struct spare *spare = spares[i];
            spares[i] = spare->next;
            free((struct head *)spare - 1);
        }
    }
    kept = 0;
}

static void prepare(void)
{
    tss_create(&ending, end_thread);
}

static void keep(struct spare *spare, size_t size)
{
    if (kept == 0) {
        call_once(&prepared, prepare);
        tss_set(ending, spares);
    }
    spare->next = spares[size / STEP];
    spares[size / STEP] = spare;
    kept += size;
}

void *pool_take(size_t size)
{
    size = size > 0 ? (size + STEP - 1) / STEP * STEP : STEP;
    struct spare *spare = size <= LARGEST ? spares[size / STEP] : NULL;
    if (spare != NULL) {
        spares[size / STEP] = spare->next;
        kept -= size;
        return spare;
    }
    struct head *head = mem_resize(NULL, sizeof *head + size);
    head->size = size;
    return head + 1;
}

void *pool_resize(void *at, size_t size)
{
    if (at == NULL)
        return pool_take(size);
    const struct head *head = (struct head *)at - 1;
    if (size <= head->size)
        return at;
    void *larger = pool_take(size);
    memcpy(larger, at, head->size);
    pool_give(at);
    return larger;
}

void pool_give(void *at)
{
    if (at == NULL)
        return;
    struct head *head = (struct head *)at - 1;
    if (head->size > LARGEST || kept + head->size > POOL_BYTES)
        free(head);
    else
        keep(at, head->size);
}

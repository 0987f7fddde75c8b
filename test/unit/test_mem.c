/* Zeroed memory and arenas. */
#include "base/mem.h"

#include <stdalign.h>

#include "unit.h"

static bool all_zero(const char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != '\0')
            return false;
    return true;
}

/* Small ones share a block, large ones get their own; both must be zeroed, aligned and apart. */
static void arena_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 100, 4000, 8192, 8193, 100000, 3, 1 << 20, 0, 5};
    struct arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            char *at = arena_alloc(&arena, sizes[i]);
            assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
            assert_true(all_zero(at, sizes[i]));
            memset(at, 0xff, sizes[i]); /* dirt that the next one must not see */
        }
        if (round == 1)
            arena_free(&arena);
    }
    arena_free(&arena);
}

static void arena_pieces_do_not_overlap(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&arena, 1 + i * 3);
        memset(pieces[i], (int)i, 1 + i * 3);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t byte = 0; byte < 1 + i * 3; byte++)
            assert_int_equal((uint8_t)pieces[i][byte], i);
}

static void copies_end_with_a_nul(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    char *copy CLEANUP(mem_drop) = mem_copy((struct span){"abcdef", 3});
    assert_string_equal(copy, "abc");
    assert_string_equal(arena_copy(&arena, (struct span){"abcdef", 3}), "abc");
    assert_string_equal(arena_copy(&arena, (struct span){NULL, 0}), "");
}

static void a_freed_arena_is_empty(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_alloc(&arena, 10);
    arena_free(&arena);
    assert_null(arena.blocks);
    assert_null(arena.next);
    assert_int_equal(arena.left, 0);
    arena_free(&arena);
}

static void heap_memory_is_zeroed(void **state)
{
    (void)state;
    char *at CLEANUP(mem_drop) = mem_alloc(1000);
    char *none CLEANUP(mem_drop) = mem_alloc(0);
    assert_true(all_zero(at, 1000));
    assert_non_null(none);
}

static void resizing_keeps_what_was_there(void **state)
{
    (void)state;
    char *at = mem_resize(NULL, 4);
    memcpy(at, "abc", 4);
    at = mem_resize(at, 100000);
    assert_string_equal(at, "abc");
    free(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(arena_pieces_do_not_overlap),
        cmocka_unit_test(copies_end_with_a_nul),
        cmocka_unit_test(a_freed_arena_is_empty),
        cmocka_unit_test(heap_memory_is_zeroed),
        cmocka_unit_test(resizing_keeps_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

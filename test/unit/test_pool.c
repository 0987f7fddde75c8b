/* Blocks come back, and not without end. */
#include "base/pool.h"

#include <malloc.h>

#include "sys/thread.h"
#include "unit.h"

#define MANY 1000

/* Bytes that the program has from the system's allocator. */
static size_t in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* Under a sanitizer nothing is kept, and there and under valgrind nobody counts. */
static bool counts(void)
{
    size_t before = in_use();
    void *large = pool_take(100000);
    bool counted = in_use() >= before + 100000;
    pool_give(large);
#ifdef POOL_BYTES
    return counted && POOL_BYTES > 0;
#else
    return counted;
#endif
}

static void what_is_given_back_is_taken_again(void **state)
{
    (void)state;
    if (!counts())
        skip();
    void *first = pool_take(100), *second = pool_take(112), *other = pool_take(200);
    assert_true(first != second);
    pool_give(second);
    pool_give(other);
    pool_give(first);
    assert_ptr_equal(pool_take(97), first); /* of the same sixteen */
    assert_ptr_equal(pool_take(112), second);
    assert_ptr_equal(pool_take(200), other);
    for (int i = 0; i < MANY; i++) {
        void *largest = pool_take(8192);
        size_t taken = in_use();
        pool_give(largest);
        assert_int_equal(in_use(), taken); /* the thread has it still */
    }
    pool_give(first);
    pool_give(second);
    pool_give(other);
}

static void blocks_do_not_overlap(void **state)
{
    (void)state;
    unsigned char *blocks[MANY];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < MANY; i++) {
            blocks[i] = pool_take(i * 37 % 9000);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            memset(blocks[i], (int)(i % 251), i * 37 % 9000);
        }
        for (size_t i = 0; i < MANY; i++) {
            for (size_t at = 0; at < i * 37 % 9000; at++)
                assert_int_equal(blocks[i][at], i % 251);
            pool_give(blocks[i]);
        }
    }
}

static void a_block_keeps_its_bytes_when_it_grows(void **state)
{
    (void)state;
    size_t size = 5;
    char *at = memset(pool_resize(NULL, size), 'x', size);
    while (size < 100000) {
        size_t before = size;
        size *= 3;
        at = pool_resize(at, size);
        for (size_t i = 0; i < before; i++)
            assert_int_equal(at[i], 'x');
        memset(at, 'x', size);
    }
    at = pool_resize(at, 1);
    assert_int_equal(*at, 'x');
    pool_give(at);
    pool_give(NULL);
}

static void a_thread_does_not_keep_all(void **state)
{
    (void)state;
    static void *blocks[MANY];
    if (!counts())
        skip();
    size_t before = in_use();
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = pool_take(i % 2 ? 8192 : 100000);
    assert_true(in_use() > before + MANY / 2 * 108000);
    for (size_t i = 0; i < MANY; i++)
        pool_give(blocks[i]);
    assert_in_range(in_use(), 0, before + 1200000);
}

static void use_some(void *arg)
{
    void *blocks[MANY];
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = pool_take(i);
    for (size_t i = 0; i < MANY; i++)
        pool_give(blocks[i]);
    *(size_t *)arg = in_use();
}

static void a_thread_that_ends_keeps_nothing(void **state)
{
    (void)state;
    size_t within, before = in_use();
    if (!counts())
        skip();
    thread_join(thread_start("pool", use_some, &within));
    assert_true(within > before + 400000);
    assert_in_range(in_use(), 0, before + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_back_is_taken_again),     cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(a_block_keeps_its_bytes_when_it_grows), cmocka_unit_test(a_thread_does_not_keep_all),
        cmocka_unit_test(a_thread_that_ends_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Room that is held back on a real disk. */
#include "sys/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "shelf.h"

#define BYTES (INT64_C(8) << 20)

/* Whether the file system can do it at all. */
static bool can_hold;

static int64_t held_by(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    return info.st_blocks * 512;
}

static int set_up(void **state)
{
    int code = shelf_set_up(state);
    struct shelf *shelf = *state;
    int fd = open(shelf->path, O_RDWR | O_CREAT, 0600);
    can_hold = fallocate(fd, 0, 0, 4096) == 0;
    close(fd);
    unlink(shelf->path);
    return code;
}

static void what_is_held_is_on_the_disk(void **state)
{
    struct shelf *shelf = *state;
    if (!can_hold)
        skip();
    struct reserve *reserve = reserve_open(shelf->path, BYTES);
    assert_non_null(reserve);
    assert_int_equal(held_by(shelf->path), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(reserve_hold(reserve));
        assert_true(reserve_hold(reserve)); /* once is enough */
        assert_in_range(held_by(shelf->path), BYTES, BYTES + 65536);
        assert_true(reserve_room(reserve) > BYTES);
        reserve_release(reserve);
        assert_int_equal(held_by(shelf->path), 0);
    }
    reserve_close(reserve);
}

/* What a process held is there for the next, which may need it to open its database. */
static void opening_gives_up_what_was_held(void **state)
{
    struct shelf *shelf = *state;
    if (!can_hold)
        skip();
    struct reserve *reserve = reserve_open(shelf->path, BYTES);
    assert_true(reserve_hold(reserve));
    reserve_close(reserve);
    assert_in_range(held_by(shelf->path), BYTES, BYTES + 65536);
    reserve = reserve_open(shelf->path, BYTES);
    assert_int_equal(held_by(shelf->path), 0);
    reserve_close(reserve);
}

static void more_than_there_is_can_not_be_held(void **state)
{
    struct shelf *shelf = *state;
    if (!can_hold)
        skip();
    struct reserve *reserve = reserve_open(shelf->path, INT64_C(1) << 60);
    assert_false(reserve_hold(reserve));
    assert_int_equal(held_by(shelf->path), 0);
    reserve_close(reserve);
}

static void a_directory_is_no_reserve(void **state)
{
    struct shelf *shelf = *state;
    assert_null(reserve_open(shelf->dir, BYTES));
}

#define RESERVE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, shelf_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESERVE_TEST(what_is_held_is_on_the_disk),
        RESERVE_TEST(opening_gives_up_what_was_held),
        RESERVE_TEST(more_than_there_is_can_not_be_held),
        RESERVE_TEST(a_directory_is_no_reserve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The log in few writes: nothing is seen before it is in the file, and what fails is refused. */
#include <errno.h>
#include <sys/syscall.h>

#include "shelf.h"

#define PAGE_BYTES  4096
#define HEAD_BYTES  24 /* of a page in the log */
#define FRAME_BYTES (HEAD_BYTES + PAGE_BYTES)

static struct {
    size_t count;
    size_t into_heads; /* that began where a sync had cut a page's head in two, or from its page */
    size_t fail_at;    /* the number of the one that fails, from 1; 0 for none */
    size_t most;       /* bytes of the largest */
} writes;

static bool is_log(int fd)
{
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 4 && strcmp(path + length - 4, "-wal") == 0;
}

/* In the place of libc's, which SQLite would call. */
ssize_t pwrite64(int fd, const void *from, size_t bytes, off64_t at)
{
    if (is_log(fd)) {
        off64_t into = (at - 32) % FRAME_BYTES;
        writes.into_heads += into > 0 && into <= HEAD_BYTES;
        writes.most = bytes > writes.most ? bytes : writes.most;
        if (++writes.count == writes.fail_at) {
            errno = ENOSPC;
            return -1;
        }
    }
    return syscall(SYS_pwrite64, fd, from, bytes, at);
}

/* One that writes, and one that reads beside it. */
struct pair {
    struct db *writer, *reader;
};

static struct db *need(struct shelf *shelf, enum db_mode mode)
{
    struct buf why = {.arena = &shelf->arena};
    struct db *db = db_open(shelf->path, mode, &why);
    if (db == NULL)
        fail_msg("%s", buf_text(&why));
    return db;
}

static struct pair open_pair(struct shelf *shelf)
{
    struct pair pair = {.writer = need(shelf, DB_WRITE)};
    assert_int_equal(db_own(pair.writer), ERR_OK);
    assert_int_equal(db_exec(pair.writer, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, text TEXT);"
                                          "WITH RECURSIVE r(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM r"
                                          " WHERE i < 199)"
                                          "INSERT INTO t SELECT i, 0, printf('%0900d', i) FROM r"),
                     ERR_OK);
    pair.reader = need(shelf, DB_READ);
    return pair;
}

static void close_pair(struct pair *pair)
{
    db_close(pair->reader);
    db_close(pair->writer);
}

/* Rows are read whole, so that every page is. */
static int64_t seen(struct db *db)
{
    int64_t sum;
    assert_int_equal(db_number(db, "SELECT sum(n + (length(text) <> 900)) FROM t", &sum), ERR_OK);
    return sum;
}

static void check_sound(struct db *db)
{
    int64_t sound;
    assert_int_equal(db_number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check", &sound),
                     ERR_OK);
    assert_int_equal(sound, 1);
}

/* Adds one to some rows. */
static enum err commit(struct db *db, size_t number, size_t rows)
{
    struct buf sql CLEANUP(buf_free) = {0};
    buf_printf(&sql, "UPDATE t SET n = n + 1 WHERE id >= %zu AND id < %zu", number % 7, number % 7 + rows);
    return db_exec(db, buf_text(&sql));
}

static void a_commit_is_two_writes(void **state)
{
    struct pair pair = open_pair(*state);
    for (size_t i = 0; i < 3; i++) {
        writes.count = 0;
        assert_int_equal(commit(pair.writer, i, 100), ERR_OK); /* of 25 pages and more */
        assert_in_range(writes.count, 1, 2);                   /* the second of what a sync left of a page */
        assert_int_equal(db_checkpoint(pair.writer, 0), ERR_OK);
        assert_int_equal(commit(pair.writer, i, 1), ERR_OK); /* begins the log anew */
        assert_int_equal(seen(pair.reader), 101 * (int64_t)(i + 1));
    }
    close_pair(&pair);
}

/* A sync may cut a page anywhere; what is left of it is seen, too. */
static void a_commit_is_seen_at_once(void **state)
{
    struct pair pair = open_pair(*state);
    int64_t sum = 0;
    writes.into_heads = 0;
    for (size_t i = 0; i < 1500; i++) {
        size_t rows = 1 + i % 9;
        assert_int_equal(commit(pair.writer, i, rows), ERR_OK);
        check_int("seen", seen(pair.reader), sum += (int64_t)rows);
    }
    assert_true(writes.into_heads > 0);
    check_sound(pair.reader);
    assert_int_equal(db_checkpoint(pair.writer, 0), ERR_OK);
    check_int("moved", seen(pair.reader), sum);
    check_sound(pair.writer);
    close_pair(&pair);
}

/* It does not fit into memory, so that SQLite writes pages before the commit, reads them again, and writes
 * some twice. */
static void a_long_commit_is_whole(void **state)
{
    struct pair pair = open_pair(*state);
    assert_int_equal(db_exec(pair.writer, "PRAGMA cache_size = 10"), ERR_OK);
    writes.most = 0;
    assert_int_equal(db_exec(pair.writer, "BEGIN IMMEDIATE"), ERR_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(commit(pair.writer, i, 190), ERR_OK);
    check_int("own", seen(pair.writer), 570);
    check_int("before", seen(pair.reader), 0);
    assert_int_equal(db_exec(pair.writer, "COMMIT"), ERR_OK);
    check_int("after", seen(pair.reader), 570);
    assert_int_equal(db_exec(pair.writer, "PRAGMA cache_size = 1000"), ERR_OK);
    assert_int_equal(commit(pair.writer, 0, 190), ERR_OK);
    check_int("at once", seen(pair.reader), 760);
    check_sound(pair.reader);
    assert_in_range(writes.most, 30 * FRAME_BYTES, 131071); /* SQLite's VFS takes no more */
    close_pair(&pair);
}

static void a_write_that_fails_is_a_commit_that_fails(void **state)
{
    struct pair pair = open_pair(*state);
    int64_t sum = 0;
    for (size_t i = 0; i < 40; i++) {
        writes.count = 0;
        writes.fail_at = 1 + i % 2;
        enum err err = commit(pair.writer, i, 100);
        bool failed = writes.count >= writes.fail_at;
        writes.fail_at = 0;
        assert_int_equal(err, failed ? ERR_FULL : ERR_OK);
        sum += failed ? 0 : 100;
        check_int("refused", seen(pair.reader), sum);
        assert_int_equal(commit(pair.writer, i, 3), ERR_OK);
        check_int("goes on", seen(pair.reader), sum += 3);
    }
    check_sound(pair.reader);
    close_pair(&pair);
}

/* What is undone was written in part, and is written over. */
static void what_is_undone_is_not_seen(void **state)
{
    struct pair pair = open_pair(*state);
    assert_int_equal(db_exec(pair.writer, "PRAGMA cache_size = 10"), ERR_OK);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(db_exec(pair.writer, "BEGIN IMMEDIATE"), ERR_OK);
        assert_int_equal(commit(pair.writer, i, 190), ERR_OK);
        assert_int_equal(db_exec(pair.writer, "ROLLBACK"), ERR_OK);
        check_int("undone", seen(pair.reader), (int64_t)i);
        assert_int_equal(commit(pair.writer, i, 1), ERR_OK);
        check_int("goes on", seen(pair.reader), (int64_t)i + 1);
    }
    check_sound(pair.reader);
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(a_commit_is_two_writes),     SHELF_TEST(a_commit_is_seen_at_once),
        SHELF_TEST(a_long_commit_is_whole),     SHELF_TEST(a_write_that_fails_is_a_commit_that_fails),
        SHELF_TEST(what_is_undone_is_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Copies of a file that is written all the time: of one moment, whole, and ended by whoever makes them. */
#include <fcntl.h>
#include <limits.h>

#include "shelf.h"
#include "store/backup.h"
#include "sys/db.h"

#define EVENTS 3000 /* of far more pages than come between two ticks */

struct desk {
    struct shelf *shelf;
    struct store *store;
    struct db *db;
    int fd;
    int ticks, pages;
    int last_tick, last_page; /* that goes well */
};

static struct store_job event_of(struct desk *desk, int number)
{
    char *body = arena_alloc(&desk->shelf->arena, 800);
    snprintf(body, 800, "%0780d", number);
    return event_job(desk->shelf, "dentrix", body, number);
}

static void add_event(struct desk *desk, int number)
{
    struct store_job job = event_of(desk, number);
    write_batch(desk->store, &job, 1);
}

static void add_all(struct desk *desk)
{
    struct store_job *jobs = arena_alloc(&desk->shelf->arena, EVENTS * sizeof *jobs);
    for (int i = 0; i < EVENTS; i++)
        jobs[i] = event_of(desk, i);
    write_batch(desk->store, jobs, EVENTS);
}

static enum err on_page(void *arg, int64_t number, struct span page)
{
    struct desk *desk = arg;
    assert_int_equal(pwrite(desk->fd, page.at, page.len, (off_t)((number - 1) * (int64_t)page.len)),
                     (ssize_t)page.len);
    return ++desk->pages > desk->last_page ? ERR_TOO_LARGE : ERR_OK;
}

/* Somebody writes between any two steps, and his log is moved into the file as far as it may be. */
static enum err on_tick(void *arg)
{
    struct desk *desk = arg;
    add_event(desk, EVENTS + desk->ticks);
    store_tend(desk->store);
    return ++desk->ticks > desk->last_tick ? ERR_BUSY : ERR_OK;
}

static const char *copy_path(struct desk *desk)
{
    struct buf path = {.arena = &desk->shelf->arena};
    buf_printf(&path, "%s/copy.db", desk->shelf->dir);
    return buf_text(&path);
}

static void open_desk(struct desk *desk, void **state)
{
    struct buf why = {0};
    *desk = (struct desk){.shelf = *state, .last_tick = INT_MAX, .last_page = INT_MAX};
    desk->store = open_store(desk->shelf);
    add_all(desk);
    desk->db = db_open(desk->shelf->path, DB_READ, &why);
    assert_non_null(desk->db);
    desk->fd = open(copy_path(desk), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(desk->fd >= 0);
}

static void close_desk(struct desk *desk)
{
    close(desk->fd);
    db_close(desk->db);
    store_close(desk->store);
}

static int64_t number_in_copy(struct desk *desk, const char *sql)
{
    int64_t number;
    struct buf why = {0};
    struct db *db = db_open(copy_path(desk), DB_STILL, &why);
    assert_non_null(db);
    assert_int_equal(db_number(db, sql, &number), ERR_OK);
    db_close(db);
    return number;
}

static void test_of_one_moment(void **state)
{
    struct desk desk;
    open_desk(&desk, state);
    assert_int_equal(db_copy(desk.db, on_page, on_tick, &desk), ERR_OK);
    assert_true(desk.ticks > 2);
    /* The first tick comes before the first page is read, but not before the moment has begun. */
    assert_int_equal(number_in_copy(&desk, "SELECT count(*) FROM events"), EVENTS);
    assert_int_equal(number_in_copy(&desk, "SELECT count(*) FROM pragma_integrity_check(1)"
                                           " WHERE integrity_check = 'ok'"),
                     1);
    assert_int_equal(db_copy(desk.db, on_page, on_tick, &desk), ERR_OK); /* the next is of another one */
    assert_true(number_in_copy(&desk, "SELECT count(*) FROM events") > EVENTS + 2);
    close_desk(&desk);
}

/* Nothing stays behind that holds up the log. */
static void test_ended(void **state)
{
    struct desk desk;
    int64_t events;
    open_desk(&desk, state);
    desk.last_tick = 2;
    assert_int_equal(db_copy(desk.db, on_page, on_tick, &desk), ERR_BUSY);
    desk.last_tick = INT_MAX;
    desk.last_page = desk.pages + 100;
    assert_int_equal(db_copy(desk.db, on_page, on_tick, &desk), ERR_TOO_LARGE);
    assert_int_equal(db_number(desk.db, "SELECT count(*) FROM events", &events), ERR_OK);
    assert_int_equal(events, EVENTS + desk.ticks);
    desk.last_page = INT_MAX;
    assert_int_equal(db_copy(desk.db, on_page, on_tick, &desk), ERR_OK);
    close_desk(&desk);
}

static enum err no_tick(void *arg)
{
    (void)arg;
    return ERR_OK;
}

/* The sums of a copy, as they are kept. */
static struct span sums_of(struct desk *desk, const char *database, struct backup_pages *pages)
{
    struct buf why = {0}, copy = {.arena = &desk->shelf->arena}, sums = {.arena = &desk->shelf->arena};
    buf_printf(&copy, "%s.of", database);
    buf_printf(&sums, "%s.sums", database);
    struct backup_order order = {
        .database = database, .to = buf_text(&copy), .pages = pages, .tick = no_tick};
    assert_int_equal(backup_make(&order, &why), ERR_OK);
    assert_true(backup_pages_write(pages, buf_text(&sums), "name", &why));
    char *text = arena_alloc(&desk->shelf->arena, 1 << 20);
    int fd = open(buf_text(&sums), O_RDONLY);
    ssize_t len = read(fd, text, 1 << 20);
    close(fd);
    assert_true(len > 0);
    return (struct span){text, (size_t)len};
}

/* As where a copy gave way to a server, which made the file smaller before the copy began anew. */
static void test_begun_anew(void **state)
{
    struct desk desk;
    open_desk(&desk, state);
    store_close(desk.store);
    const char *full = desk.shelf->path;
    struct buf empty = {.arena = &desk.shelf->arena};
    buf_printf(&empty, "%s/empty.db", desk.shelf->dir);
    desk.shelf->path = buf_text(&empty);
    desk.store = open_store(desk.shelf);
    struct backup_pages *used = backup_pages_new(), *fresh = backup_pages_new();
    size_t large = sums_of(&desk, full, used).len;
    struct span again = sums_of(&desk, desk.shelf->path, used),
                want = sums_of(&desk, desk.shelf->path, fresh);
    assert_true(large > want.len);
    assert_int_equal(again.len, want.len);
    assert_memory_equal(again.at, want.at, want.len);
    backup_pages_free(used);
    backup_pages_free(fresh);
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(test_of_one_moment), SHELF_TEST(test_ended),
                                       SHELF_TEST(test_begun_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

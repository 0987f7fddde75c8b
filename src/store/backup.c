/* Making copies, and taking them apart. */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages.h"
#include "room.h"
#include "sys/db.h"
#include "sys/directory.h"
#include "version.h"

#define CHAIN_MAX 10000 /* copies that one may build on */

static void say_errno(struct buf *why, const char *path)
{
    buf_printf(why, "%s: %s", path, strerror(errno));
}

/* Making. */

struct copy {
    struct backup_order *order;
    struct backup_pages *pages;
    int fd;
    int error; /* errno of the write that failed */
};

static bool write_page(struct copy *copy, int64_t number, struct span page)
{
    const struct backup_order *order = copy->order;
    if (order->before == NULL)
        return pages_put_at(copy->fd, (number - 1) * (int64_t)page.len, page.at, page.len);
    return !pages_differ(order->before, copy->pages, number) || changes_add(copy->fd, number, page);
}

static enum err on_page(void *arg, int64_t number, struct span page)
{
    struct copy *copy = arg;
    if (pages_note(copy->pages, number, page) && write_page(copy, number, page))
        return ERR_OK;
    copy->error = errno;
    return ERR_INTERNAL;
}

static enum err on_tick(void *arg)
{
    const struct copy *copy = arg;
    return copy->order->tick(copy->order->arg);
}

/* Pages of another size are none that were there before. */
static enum err begin(struct copy *copy, struct db *db)
{
    int64_t page_bytes;
    const struct backup_order *order = copy->order;
    if (order->before == NULL)
        return ERR_OK;
    TRY(db_number(db, "PRAGMA page_size", &page_bytes));
    if (page_bytes != order->before->page_bytes)
        return ERR_CONFLICT;
    return changes_begin(copy->fd, order->before_name, page_bytes) ? ERR_OK : ERR_INTERNAL;
}

static enum err copy_pages(struct copy *copy, struct db *db)
{
    errno = 0;
    TRY(begin(copy, db));
    TRY(db_copy(db, on_page, on_tick, copy));
    return copy->order->before == NULL || changes_end(copy->fd, copy->pages) ? ERR_OK : ERR_INTERNAL;
}

static enum err copy_database(struct copy *copy, struct buf *why)
{
    const struct backup_order *order = copy->order;
    struct db *db = db_open(order->database, DB_READ, why);
    if (db == NULL)
        return ERR_STORE;
    bool is_good = version_is_ours(db, order->database, why) && version_is_plain(db, order->database, why);
    enum err err = is_good ? copy_pages(copy, db) : ERR_STORE;
    if (err == ERR_INTERNAL)
        buf_printf(why, "%s: %s", order->to, strerror(copy->error != 0 ? copy->error : errno));
    else if (err == ERR_CONFLICT)
        buf_printf(why, "%s: its pages have another size than those of the copy before", order->database);
    else if (store_is_lost(err) && why->len == 0)
        buf_printf(why, "%s: %s", order->database, db_error(db));
    db_close(db);
    return err;
}

/* What the copy is given its name for is on disk, and can be read. */
static enum err finish(struct copy *copy, const char *part, struct buf *why)
{
    struct stat file;
    struct backup_order *order = copy->order;
    if (fsync(copy->fd) != 0 || fstat(copy->fd, &file) != 0) {
        say_errno(why, part);
        return ERR_INTERNAL;
    }
    order->bytes = file.st_size;
    if (order->before == NULL && !backup_is_sound(part, false, why))
        return ERR_INTERNAL;
    if (rename(part, order->to) == 0 && directory_sync(order->to))
        return ERR_OK;
    say_errno(why, order->to);
    return ERR_INTERNAL;
}

/* One that a kill has left is begun anew; one that somebody else is writing is not. */
static int open_part(const char *part, struct buf *why)
{
    struct stat opened, named;
    int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0 && stat(part, &named) == 0 &&
        opened.st_ino == named.st_ino && ftruncate(fd, 0) == 0)
        return fd;
    if (fd >= 0 && errno == EWOULDBLOCK)
        buf_printf(why, "%s: another backup is writing it", part);
    else
        say_errno(why, part);
    if (fd >= 0)
        close(fd);
    return -1;
}

enum err backup_make(struct backup_order *order, struct buf *why)
{
    struct buf part CLEANUP(buf_free) = {0};
    struct backup_pages *own = order->pages == NULL ? backup_pages_new() : NULL;
    struct copy copy = {.order = order, .pages = own != NULL ? own : order->pages};
    copy.pages->count = 0; /* it may be of a copy that was given up */
    buf_printf(&part, "%s.part", order->to);
    copy.fd = open_part(buf_text(&part), why);
    if (copy.fd < 0) {
        backup_pages_free(own);
        return ERR_INTERNAL;
    }
    enum err err = copy_database(&copy, why);
    if (err == ERR_OK)
        err = finish(&copy, buf_text(&part), why);
    if (err != ERR_OK)
        unlink(buf_text(&part));
    close(copy.fd);
    backup_pages_free(own);
    return err;
}

/* Looking. */

bool backup_is_ours(const char *path, struct buf *why)
{
    struct db *db = db_open(path, DB_STILL, why);
    if (db == NULL)
        return false;
    bool is_ours = version_is_ours(db, path, why);
    int64_t tables;
    if (is_ours && (db_number(db, "SELECT count(*) FROM sqlite_schema", &tables) != ERR_OK || tables == 0)) {
        buf_printf(why, "%s: holds nothing", path);
        is_ours = false;
    }
    db_close(db);
    return is_ours;
}

bool backup_is_sound(const char *path, bool in_full, struct buf *why)
{
    int64_t faults = 1;
    if (!backup_is_ours(path, why))
        return false;
    struct db *db = db_open(path, DB_STILL, why);
    if (db == NULL)
        return false;
    if (!version_is_plain(db, path, why)) { /* before a look at all of it runs what may be foreign code */
        db_close(db);
        return false;
    }
    enum err err =
        db_number(db,
                  in_full ? "SELECT count(*) FROM pragma_integrity_check(1) WHERE integrity_check <> 'ok'"
                          : "SELECT count(*) FROM pragma_quick_check(1) WHERE quick_check <> 'ok'",
                  &faults);
    db_close(db);
    if (err != ERR_OK || faults > 0)
        buf_printf(why, "%s: is damaged", path);
    return err == ERR_OK && faults == 0;
}

bool backup_is_of_now(const char *path)
{
    int64_t version = 0;
    struct buf why CLEANUP(buf_free) = {0};
    struct db *db = db_open(path, DB_READ, &why);
    bool is_read = db != NULL && db_number(db, "PRAGMA user_version", &version) == ERR_OK;
    if (db != NULL)
        db_close(db);
    return is_read && version == store_version();
}

/* Unpacking. */

static bool copy_file(int from, int to)
{
    char bytes[65536];
    ssize_t got;
    while ((got = read(from, bytes, sizeof bytes)) > 0)
        if (!pages_put(to, bytes, (size_t)got))
            return false;
    return got == 0;
}

/* A copy on the way from the whole one to the one that is wanted. */
struct link {
    struct link *next; /* which builds on this one */
    char *path;
};

static char *beside(struct arena *arena, const char *path, const char *name)
{
    char *copy CLEANUP(mem_drop) = mem_copy(span_of(path));
    struct buf out = {.arena = arena};
    buf_printf(&out, "%s/%s", dirname(copy), name);
    return buf_text(&out);
}

/* Nothing but a file: a pipe would have us wait for ever, and a device might never end. */
static int open_copy(const char *path, struct buf *why)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode))
        return fd;
    if (fd < 0) {
        say_errno(why, path);
        return -1;
    }
    buf_printf(why, "%s: is no file of bytes", path);
    close(fd);
    return -1;
}

/* All that `from` builds on, beginning with the whole copy. NULL with the reason. */
static struct link *find_chain(struct arena *arena, const char *from, struct buf *why)
{
    struct link *first = NULL;
    char *path = arena_copy(arena, span_of(from));
    for (int i = 0; i < CHAIN_MAX; i++) {
        char before[BACKUP_NAME];
        int64_t page_bytes;
        struct link *link = arena_alloc(arena, sizeof *link);
        *link = (struct link){first, path};
        first = link;
        int fd = open_copy(path, why);
        if (fd < 0)
            return NULL;
        bool has_more = changes_read_head(fd, before, &page_bytes);
        close(fd);
        if (!has_more)
            return first;
        path = beside(arena, from, before);
    }
    buf_printf(why, "%s: builds on too many copies", from);
    return NULL;
}

static bool apply(const struct link *link, int to, int64_t *page_bytes, uint8_t sum[HASH_BYTES])
{
    char before[BACKUP_NAME];
    int fd = open(link->path, O_RDONLY | O_CLOEXEC);
    bool is_applied =
        fd >= 0 && changes_read_head(fd, before, page_bytes) && changes_apply(fd, *page_bytes, to, sum);
    if (fd >= 0)
        close(fd);
    return is_applied;
}

/* Every page is what it was when the copy was made. */
static bool has_sum(int fd, int64_t page_bytes, const uint8_t sum[HASH_BYTES])
{
    uint8_t found[HASH_BYTES];
    struct backup_pages *pages = backup_pages_new();
    bool is_same = pages_of_file(fd, page_bytes, pages);
    if (is_same)
        pages_sum(pages, found);
    backup_pages_free(pages);
    return is_same && memcmp(found, sum, sizeof found) == 0;
}

static bool unpack(const struct link *first, int to, struct buf *why)
{
    int64_t page_bytes = 0;
    uint8_t sum[HASH_BYTES];
    int from = open(first->path, O_RDONLY | O_CLOEXEC);
    bool is_copied = from >= 0 && copy_file(from, to);
    if (!is_copied)
        say_errno(why, first->path);
    if (from >= 0)
        close(from);
    for (const struct link *link = first->next; is_copied && link != NULL; link = link->next) {
        is_copied = apply(link, to, &page_bytes, sum);
        if (!is_copied)
            buf_printf(why, "%s: is damaged, or there is no room for it", link->path);
    }
    if (is_copied && first->next != NULL && !has_sum(to, page_bytes, sum)) {
        buf_printf(why, "%s: does not fit what builds on it: one of the copies was changed or replaced",
                   first->path);
        return false;
    }
    return is_copied;
}

bool backup_unpack(const char *from, const char *to, struct buf *why)
{
    struct arena arena CLEANUP(arena_free) = {0};
    const struct link *first = find_chain(&arena, from, why);
    if (first == NULL)
        return false;
    int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        say_errno(why, to);
        return false;
    }
    bool is_unpacked = unpack(first, fd, why);
    if (is_unpacked && fsync(fd) != 0) {
        say_errno(why, to);
        is_unpacked = false;
    }
    close(fd);
    return is_unpacked;
}

/* An older file remembers it elsewhere, and knows no consumers whose cursor it could be. */
static enum err newest_seq(struct db *db, int64_t *seq)
{
    int64_t tables;
    TRY(db_number(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('consumers', 'last_seq')", &tables));
    if (tables < 2)
        return ERR_NOT_FOUND;
    return db_number(db, "SELECT max(seq, ifnull((SELECT max(seq) FROM events), 0)) FROM last_seq", seq);
}

bool backup_newest_seq(const char *path, int64_t *seq)
{
    struct buf why CLEANUP(buf_free) = {0};
    struct db *db = access(path, F_OK) == 0 ? db_open(path, DB_READ, &why) : NULL;
    if (db == NULL)
        return false;
    bool is_read = version_is_ours(db, path, &why) && newest_seq(db, seq) == ERR_OK;
    db_close(db);
    return is_read;
}

static enum err move_on(struct db *db, int64_t seq)
{
    int64_t last = 0;
    struct buf sql CLEANUP(buf_free) = {0};
    TRY(db_own(db));
    enum err err = newest_seq(db, &last);
    if (err != ERR_OK || last >= seq)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    buf_printf(&sql,
               "BEGIN IMMEDIATE; UPDATE consumers SET cursor = %" PRId64 " WHERE cursor >= %" PRId64
               "; UPDATE last_seq SET seq = %" PRId64 "; COMMIT",
               seq, last, seq);
    return db_exec(db, buf_text(&sql));
}

bool backup_go_on_after(const char *path, int64_t seq, struct buf *why)
{
    struct db *db = db_open(path, DB_WRITE, why);
    if (db == NULL)
        return false;
    enum err err = move_on(db, seq);
    if (err != ERR_OK)
        buf_printf(why, "%s: %s", path, db_error(db));
    db_close(db);
    return err == ERR_OK;
}

/* What is there may be half of one database and half of another. */
bool room_is_being_restored(const char *path, struct buf *why)
{
    struct buf mark CLEANUP(buf_free) = {0};
    buf_printf(&mark, "%s" STORE_RESTORING, path);
    bool is_there = access(buf_text(&mark), F_OK) == 0;
    if (is_there)
        buf_printf(why, "%s: is there, so a restore has not come to its end: restore again", buf_text(&mark));
    return is_there;
}

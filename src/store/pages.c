/* What is kept of pages, and how. */
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_AT    0x40000000 /* where SQLite locks bytes; the page there holds nothing */
#define PAGE_LEAST 512
#define PAGE_MOST  65536
#define COUNT_MOST INT64_C(4294967294)

static const char head_mark[16] = "pickupd changes";
static const char sums_mark[16] = "pickupd sums";

/* As they stand in the file; numbers in big-endian. */
struct changes_head {
    char mark[16];
    char before[BACKUP_NAME];
    uint8_t page_bytes[8];
};

struct changes_end {
    uint8_t count[8];
    uint8_t sum[HASH_BYTES];
};

struct sums_head {
    char mark[16];
    char name[BACKUP_NAME];
    uint8_t page_bytes[8], count[8];
    uint8_t sum[HASH_BYTES];
};

static void put_number(uint8_t at[8], int64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
}

static int64_t get_number(const uint8_t at[8])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return (int64_t)number;
}

static bool is_page_size(int64_t bytes)
{
    return bytes >= PAGE_LEAST && bytes <= PAGE_MOST && (bytes & (bytes - 1)) == 0;
}

static bool is_lock_page(int64_t number, int64_t page_bytes)
{
    return number == LOCK_AT / page_bytes + 1;
}

/* Files. */

bool pages_put(int fd, const void *from, size_t bytes)
{
    for (const char *at = from; bytes > 0;) {
        ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        bytes -= (size_t)put;
    }
    return true;
}

bool pages_put_at(int fd, int64_t at, const void *from, size_t bytes)
{
    for (const char *next = from; bytes > 0;) {
        ssize_t put = pwrite(fd, next, bytes, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        next += put;
        at += put;
        bytes -= (size_t)put;
    }
    return true;
}

bool pages_get(int fd, void *to, size_t bytes)
{
    for (char *at = to; bytes > 0;) {
        ssize_t got = read(fd, at, bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        bytes -= (size_t)got;
    }
    return true;
}

/* Digests. */

struct backup_pages *backup_pages_new(void)
{
    return mem_alloc(sizeof(struct backup_pages));
}

void backup_pages_free(struct backup_pages *pages)
{
    if (pages != NULL)
        free(pages->sums);
    free(pages);
}

static void make_room(struct backup_pages *pages, int64_t count)
{
    if (count > pages->room) {
        int64_t room = count > 2 * pages->room ? count : 2 * pages->room;
        pages->sums = mem_resize(pages->sums, (size_t)room * sizeof *pages->sums);
        memset(pages->sums + pages->room, 0, (size_t)(room - pages->room) * sizeof *pages->sums);
        pages->room = room;
    }
    if (count > pages->count)
        pages->count = count;
}

bool pages_note(struct backup_pages *pages, int64_t number, struct span page)
{
    uint8_t sum[HASH_BYTES];
    if (number < 1 || number > COUNT_MOST || (pages->count > 0 && (int64_t)page.len != pages->page_bytes))
        return false;
    pages->page_bytes = (int64_t)page.len;
    make_room(pages, number);
    hash_text(page, sum);
    memcpy(pages->sums[number - 1], sum, PAGES_SUM);
    return true;
}

bool pages_differ(const struct backup_pages *before, const struct backup_pages *now, int64_t number)
{
    return number > before->count || memcmp(before->sums[number - 1], now->sums[number - 1], PAGES_SUM) != 0;
}

void pages_sum(const struct backup_pages *pages, uint8_t sum[HASH_BYTES])
{
    hash_text((struct span){(const char *)pages->sums, (size_t)pages->count * PAGES_SUM}, sum);
}

bool pages_of_file(int fd, int64_t page_bytes, struct backup_pages *pages)
{
    struct stat file;
    char page[PAGE_MOST];
    if (!is_page_size(page_bytes) || fstat(fd, &file) != 0 || file.st_size % page_bytes != 0 ||
        lseek(fd, 0, SEEK_SET) != 0)
        return false;
    for (int64_t number = 1; number <= file.st_size / page_bytes; number++) {
        if (!pages_get(fd, page, (size_t)page_bytes))
            return false;
        if (is_lock_page(number, page_bytes))
            make_room(pages, number);
        else if (!pages_note(pages, number, (struct span){page, (size_t)page_bytes}))
            return false;
    }
    return true;
}

/* Changes. */

bool changes_begin(int fd, const char *before, int64_t page_bytes)
{
    struct changes_head head = {0};
    memcpy(head.mark, head_mark, sizeof head.mark);
    memcpy(head.before, before, strnlen(before, sizeof head.before - 1));
    put_number(head.page_bytes, page_bytes);
    return pages_put(fd, &head, sizeof head);
}

bool changes_add(int fd, int64_t number, struct span page)
{
    uint8_t at[8];
    put_number(at, number);
    return pages_put(fd, at, sizeof at) && pages_put(fd, page.at, page.len);
}

bool changes_end(int fd, const struct backup_pages *pages)
{
    uint8_t none[8] = {0};
    struct changes_end end;
    put_number(end.count, pages->count);
    pages_sum(pages, end.sum);
    return pages_put(fd, none, sizeof none) && pages_put(fd, &end, sizeof end);
}

/* A name leads to a file of the same directory, and nowhere else. */
static bool is_name(const char name[BACKUP_NAME])
{
    size_t len = strnlen(name, BACKUP_NAME);
    return len > 0 && len < BACKUP_NAME && name[0] != '.' && memchr(name, '/', len) == NULL;
}

bool changes_read_head(int fd, char before[BACKUP_NAME], int64_t *page_bytes)
{
    struct changes_head head;
    if (!pages_get(fd, &head, sizeof head) || memcmp(head.mark, head_mark, sizeof head.mark) != 0 ||
        !is_name(head.before))
        return false;
    memcpy(before, head.before, BACKUP_NAME);
    *page_bytes = get_number(head.page_bytes);
    return is_page_size(*page_bytes);
}

bool changes_apply(int fd, int64_t page_bytes, int to, uint8_t sum[HASH_BYTES])
{
    char page[PAGE_MOST], beyond;
    uint8_t at[8];
    struct changes_end end;
    int64_t number = 1;
    while (number != 0) {
        if (!pages_get(fd, at, sizeof at))
            return false;
        number = get_number(at);
        if (number < 0 || number > COUNT_MOST)
            return false;
        if (number != 0 && (!pages_get(fd, page, (size_t)page_bytes) ||
                            !pages_put_at(to, (number - 1) * page_bytes, page, (size_t)page_bytes)))
            return false;
    }
    if (!pages_get(fd, &end, sizeof end) || pages_get(fd, &beyond, 1))
        return false;
    int64_t count = get_number(end.count);
    memcpy(sum, end.sum, HASH_BYTES);
    return count > 0 && count <= COUNT_MOST && ftruncate(to, count * page_bytes) == 0;
}

/* What is known of the last copy. */

bool backup_pages_write(const struct backup_pages *pages, const char *path, const char *name, struct buf *why)
{
    struct buf part CLEANUP(buf_free) = {0};
    struct sums_head head = {0};
    memcpy(head.mark, sums_mark, sizeof head.mark);
    memcpy(head.name, name, strnlen(name, sizeof head.name - 1));
    put_number(head.page_bytes, pages->page_bytes);
    put_number(head.count, pages->count);
    pages_sum(pages, head.sum);
    buf_printf(&part, "%s.part", path);
    int fd = open(buf_text(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written = fd >= 0 && pages_put(fd, &head, sizeof head) &&
                      pages_put(fd, pages->sums, (size_t)pages->count * PAGES_SUM) &&
                      rename(buf_text(&part), path) == 0;
    if (!is_written)
        buf_printf(why, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return is_written;
}

static bool read_sums(int fd, const char *name, struct backup_pages *pages)
{
    struct stat file;
    struct sums_head head;
    uint8_t sum[HASH_BYTES];
    if (fstat(fd, &file) != 0 || !pages_get(fd, &head, sizeof head) ||
        memcmp(head.mark, sums_mark, sizeof head.mark) != 0 ||
        strncmp(head.name, name, sizeof head.name) != 0)
        return false;
    int64_t count = get_number(head.count);
    pages->page_bytes = get_number(head.page_bytes);
    if (!is_page_size(pages->page_bytes) || count < 1 || count > COUNT_MOST ||
        file.st_size != (int64_t)sizeof head + count * PAGES_SUM)
        return false;
    make_room(pages, count);
    if (!pages_get(fd, pages->sums, (size_t)count * PAGES_SUM))
        return false;
    pages_sum(pages, sum);
    return memcmp(sum, head.sum, sizeof sum) == 0;
}

/* Not synced: a file that a power cut has torn is known by its sum, and the next copy is a whole one. */
struct backup_pages *backup_pages_read(const char *path, const char *name)
{
    struct backup_pages *pages = backup_pages_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool is_read = fd >= 0 && read_sums(fd, name, pages);
    if (fd >= 0)
        close(fd);
    if (is_read)
        return pages;
    backup_pages_free(pages);
    return NULL;
}

/* Digests of a file's pages, and files that hold some of its pages. */
#ifndef PICKUPD_STORE_PAGES_H
#define PICKUPD_STORE_PAGES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "store/backup.h"

#define PAGES_SUM 16 /* bytes that are kept of each page's */

struct backup_pages {
    uint8_t (*sums)[PAGES_SUM]; /* zeros for a page that nothing is kept in */
    int64_t count, room;
    int64_t page_bytes;
};

/* A page as it is now; whether it was another before. Pages count from 1. */
bool pages_note(struct backup_pages *pages, int64_t number, struct span page);
bool pages_differ(const struct backup_pages *before, const struct backup_pages *now, int64_t number);

/* Of all pages. */
void pages_sum(const struct backup_pages *pages, uint8_t sum[HASH_BYTES]);

/* Writes where the file stands, or at a place; all, or false with errno. */
bool pages_put(int fd, const void *from, size_t bytes);
bool pages_put_at(int fd, int64_t at, const void *from, size_t bytes);

/* Reads exactly that much. False at the end, and for what can't be read. */
bool pages_get(int fd, void *to, size_t bytes);

/*
 * A file of changes: a head, pages with their numbers, and an end that says what the whole is then.
 */
bool changes_begin(int fd, const char *before, int64_t page_bytes);
bool changes_add(int fd, int64_t number, struct span page);
bool changes_end(int fd, const struct backup_pages *pages);

/* Whether that is the head of one; then the name of the copy it builds on. */
bool changes_read_head(int fd, char before[BACKUP_NAME], int64_t *page_bytes);

/* Behind the head: writes all pages into a file, and cuts it to its length; the sum is that of the whole.
 */
bool changes_apply(int fd, int64_t page_bytes, int to, uint8_t sum[HASH_BYTES]);

/* Reads a whole file. False if it can't be read, or ends within a page. */
bool pages_of_file(int fd, int64_t page_bytes, struct backup_pages *pages);

#endif

/* A page of a list: {"NAME":[...],"next":CURSOR}; null at the end. */
#ifndef PICKUPD_WEB_PAGE_H
#define PICKUPD_WEB_PAGE_H

#include "api.h"

#define PAGE_BYTES 8388608 /* after which a page takes no further row */

struct page {
    struct buf out;
    struct ask *ask;
    int64_t limit, rows;
    struct span after;    /* the cursor that was given, as a text; "" for none */
    int64_t after_number; /* and as a number; 0 for none */
    struct span last;     /* of the last row, in the arena; {NULL, 0} where numbers count */
    int64_t last_number;
    struct arena *arena;
    bool cut; /* it was full before its last row */
};

/* Begins a page, which becomes the ask's data; `cursor` and `limit` are parameters of the operation. */
void page_begin(struct ask *ask, const char *name);

/* A row is about to be written to page->out, and this is the cursor behind it. False: the page is full, and
 * the row is left to the next one. */
MUST bool page_note(struct page *page, struct span id);
MUST bool page_note_number(struct page *page, int64_t number);

/* Ends it, or answers with the error: for ask_read. */
void page_answer(struct ask *ask, enum err err);

#endif

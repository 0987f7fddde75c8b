/*
 * What the audit is told of a request: ids, counts and names of parameters. It is gathered in whichever
 * thread the request is run, each time anew.
 */
#ifndef PICKUPD_WEB_NOTE_H
#define PICKUPD_WEB_NOTE_H

#include "store/audit.h"

/* Zero-initialised; lives in the ask. */
struct note {
    struct buf what, ids, rows;
    int64_t count;       /* of what was told one by one */
    int64_t first, last; /* of the rows that are not written down yet, */
    int64_t step;        /* which go up, or down, by one; 0: there is one alone */
    bool has_rows;
};

struct ask;

/* Who it is, and from where: once. */
void note_who(struct ask *ask);

/* Begins with what the path names and with the names of the parameters; and ends. */
void note_begin(struct ask *ask);
void note_end(struct ask *ask);

void note_count(struct ask *ask, const char *name, int64_t count);
void note_row(struct ask *ask, int64_t number); /* one that is handed out or changed: an event's seq, or a
                                                   number such as cursors have */
void note_id(struct ask *ask, struct span id);  /* the same, of what has no number */
void note_status(struct ask *ask, int status);  /* of the answer, unless it is the operation's own */
void note_nothing(struct ask *ask);             /* nothing is handed out or changed: no row */

#endif

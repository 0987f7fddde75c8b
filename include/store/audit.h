/*
 * The audit: who changed what, and who looked at patient data. A row is written in the transaction of the
 * change that it tells of, or by itself before what was looked at is handed out. Each row is chained to the
 * one before it by an HMAC, so that whoever has the key can tell whether all are there as they were written.
 */
#ifndef PICKUPD_STORE_AUDIT_H
#define PICKUPD_STORE_AUDIT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hmac.h"

#define AUDIT_MAC_BYTES 32
#define AUDIT_HEAD_TEXT 96 /* with the NUL */

struct view;

/* What is to be told; the spans are borrowed until the job that carries it is done. */
struct audit_entry {
    struct span who;    /* a token's name, or a user of this machine */
    struct span org;    /* whose data it was; empty for all */
    struct span via;    /* the client's address, "control socket" or "command" */
    struct span action; /* an operation of the API, or a command */
    struct span what;   /* a JSON object of ids, counts and names of parameters: never patient data, never a
                           secret, never what somebody has typed */
    int64_t status;     /* as HTTP has it */
    bool silent;        /* there is nothing to tell after all: no row */
};

struct audit_row {
    int64_t seq;  /* from 1 */
    int64_t time; /* when it was written, ms since 1970 */
    struct audit_entry entry;
    struct span mac;
};

/* How far the chain goes: no row behind it for seq 0. */
struct audit_head {
    int64_t seq;
    uint8_t mac[AUDIT_MAC_BYTES];
};

MUST enum err audit_last(struct view *view, struct audit_head *head);

/* Whether the last row is one that was chained with this key; true if there is none. */
MUST enum err audit_suits(struct view *view, struct hmac_key *key, bool *suits);

/* "SEQ:MAC", in decimal and hexadecimal digits. */
void audit_head_write(char text[AUDIT_HEAD_TEXT], const struct audit_head *head);
MUST bool audit_head_read(struct span text, struct audit_head *head);

/* The MAC of a row that follows `before`. Its own is not looked at. */
void audit_sign(struct hmac_key *key, const uint8_t before[AUDIT_MAC_BYTES], const struct audit_row *row,
                uint8_t mac[AUDIT_MAC_BYTES]);

/* The newest `limit` rows from a time on, of one or (empty) of all, in their order. */
struct audit_filter {
    int64_t since; /* ms since 1970 */
    struct span who;
    int64_t limit;
};
typedef void audit_row_fn(void *arg, const struct audit_row *row);
MUST enum err audit_list(struct view *view, const struct audit_filter *filter, audit_row_fn *row, void *arg);

/*
 * Walks along the whole chain, in steps, so that rows may be added meanwhile. Every stretch of rows that is
 * not as it was written is told; `head` may be NULL, or is one that was noted once: it must be in the chain.
 */
enum audit_flaw {
    AUDIT_MISSING,  /* these rows are not there, though some behind them are */
    AUDIT_CHANGED,  /* these are not as they were written, or stand in another's place */
    AUDIT_UNPROVEN, /* the row before this one is missing, so nothing can be said of it */
    AUDIT_CUT_OFF,  /* these were there when the head was noted */
    AUDIT_OTHER,    /* the row is another than it was when the head was noted */
    AUDIT_FLAWS
};
typedef void audit_flaw_fn(void *arg, enum audit_flaw flaw, int64_t first, int64_t last);

struct audit_verdict {
    int64_t rows;
    int64_t flaws; /* stretches */
    struct audit_head head;
};
MUST enum err audit_verify(struct view *view, struct hmac_key *key, const struct audit_head *noted,
                           audit_flaw_fn *flaw, void *arg, struct audit_verdict *verdict);

#endif

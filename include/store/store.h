/*
 * The database file: the event log, and quarantine. One thread writes at a time (see store/writer.h); what
 * has been written is on disk when the call returns.
 */
#ifndef PICKUPD_STORE_STORE_H
#define PICKUPD_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/seal.h"
#include "model/event.h"
#include "store/audit.h"
#include "store/counts.h"
#include "sys/loop.h"

struct view;

enum store_kind {
    STORE_EVENT,      /* keep `event`; clears its row in quarantine, and takes its first arrival from there */
    STORE_QUARANTINE, /* keep `body` and `head` under event.id with event.origin, .org, .time, and `faults` */
    STORE_CLEAR,      /* take event.id with event.origin out of quarantine, if it is there; event.time is
                         then its first arrival */
    STORE_FAULTS,     /* replace the `faults` of event.id in quarantine */
    STORE_MATCHES,    /* note when `matches` last proved a webhook */
    STORE_FENCE,      /* keep nothing but `audit`, and come back after all that was put before */
    STORE_PROBE,      /* only find out whether writing works */
    STORE_CALL,       /* run `call`, in a savepoint of its own */
};

struct store;
struct store_job;

/*
 * Reads and writes within the transaction of a batch, in the writer's thread: ERR_OK keeps what it wrote;
 * ERR_STORE, ERR_FULL and ERR_SYNC fail the whole transaction; with any other error what it wrote is undone,
 * and the rest goes on. It may be run again if the transaction fails, so it sets all of its results anew.
 */
typedef enum err store_call(struct store *store, struct store_job *job);

struct store_match {
    struct span origin, secret;
    int64_t time; /* ms since 1970 */
};

/* One thing to write. Everything in it is borrowed until it is done. */
struct store_job {
    struct mail mail; /* first: a job travels */
    enum store_kind kind;
    struct event event;
    struct span body;
    struct span head;
    struct span faults; /* a JSON list of texts */
    const struct store_match *matches;
    size_t match_count;
    bool webhook;              /* gives way to all others where room is short */
    struct store_job *part;    /* a further job of the source, kept with this one or not at all; or NULL.
                                  Those that clear come first, and lend the others their first arrival. */
    size_t bytes;              /* what the webhook holds of memory until it is done, about */
    store_call *call;          /* of STORE_CALL */
    struct audit_entry *audit; /* kept with the job and its parts, if they are, and else not; or NULL. A call
                                  may still fill it in. */

    /* Out: */
    enum err err;   /* ERR_OK: on disk; ERR_STORE, ERR_FULL, ERR_SYNC: nothing of it is kept;
                       ERR_QUARANTINE_FULL, which with parts stands in the first */
    bool duplicate; /* the event was there already, or the row of quarantine */
    bool known;     /* of STORE_QUARANTINE: a duplicate of an event, so that quarantine has no row of it */
    bool changed;   /* a duplicate that came with other bytes than the first */

    /* For the writer: `done` is called in this loop's thread. */
    struct loop *loop;
    void (*done)(struct store_job *job);
};

struct store_limits {
    int64_t quarantine_rows; /* of each source */
    int64_t quarantine_bytes;
    int64_t disk_reserve; /* bytes that webhooks must leave free, half of them held in a file beside the
                             database; 0: none */
    int64_t log_pages;    /* that wait in the log until it is checkpointed */
};

#define STORE_LOG_PAGES 600 /* unless there is a reason: more write less twice, fewer hold up less */

/* Behind the file's name, that of one that is there while `pickupd restore` changes places. */
#define STORE_RESTORING ".restoring"

/* Opens and, if need be, creates or migrates the file, and seals with these keys, which outlive it. NULL with
 * the reason in *why; also if a key that is in use is missing, or another than it was. */
struct store *store_open_sealed(const char *path, const struct store_limits *limits, struct seal *seal,
                                struct buf *why);

/* One that knows no keys, so that a file that is sealed is refused. */
static inline struct store *store_open(const char *path, const struct store_limits *limits, struct buf *why)
{
    return store_open_sealed(path, limits, NULL, why);
}

/* From now on jobs may carry what is to be audited: chained with this key, which it takes over. */
MUST enum err store_audit(struct store *store, struct hmac_key *key);

/* Logs the head of that chain: now, once an hour, and when it is closed. */
void store_tell_audit(struct store *store);

/* Checkpoints and closes. */
void store_close(struct store *store);

/*
 * Writes a chain of jobs (linked by their mails) in one transaction, synced; fills every err and duplicate.
 * If there is no room for all of them, what is held back is given up for those that are no webhooks.
 */
void store_write(struct store *store, struct store_job *first);

/*
 * What is to be done beside: checkpoints a long log, and looks whether there is room on the disk. To be
 * called after each store_write, once it was answered, and every second.
 */
void store_tend(struct store *store);

/*
 * Any thread: whether webhooks should be taken. ERR_FULL: there is less room than the reserve; ERR_STORE:
 * writing has failed; both go as they came. ERR_SYNC stays: nothing is written any more.
 */
enum err store_state(const struct store *store);

/* Whether the store may be closed after ERR_SYNC: the disk must take what was refused out of the file first.
 * To be asked every second. */
MUST bool store_may_close(struct store *store);

/* The seq of the newest event. For the writer's thread. */
int64_t store_seq(const struct store *store);

/* For calls: reads what they have written so far. */
struct view *store_view(struct store *store);

/* For calls that have taken rows out of quarantine: what it holds is counted anew. */
void store_recount(struct store *store);
/*
 * For calls: has the file written anew by the next store_tend, so that nothing of what was in clear is left
 * in it. store_compacted tells how that went in a call that comes after it: ERR_OK; ERR_BUSY, somebody keeps
 * reading what was there before; or another error.
 */
void store_compact(struct store *store);
enum err store_compacted(const struct store *store);

/*
 * For calls: has the keys of another, for all connections that were opened with the same as this, once the
 * transaction is kept; if it fails, nothing changes. The other lives until the job is done. ERR_SEALED with
 * the reason in *why, which is set anew: one in use is missing, or another than it was.
 */
MUST enum err store_adopt(struct store *store, struct seal *keys, struct buf *why);

/* For calls: adds an event to the log; sets *duplicate if it was there, and *changed if it was another then.
 */
MUST enum err store_publish(struct store *store, const struct event *event, bool *duplicate, bool *changed);

/*
 * For calls: runs `part` in a savepoint of its own. What it returns is returned; unless it is ERR_OK, what it
 * wrote is undone. After ERR_STORE, ERR_FULL and ERR_SYNC the call must end with that.
 */
typedef enum err store_part(struct store *store, void *arg);
MUST enum err store_attempt(struct store *store, store_part *part, void *arg);

/* Whether an error ends the transaction. */
bool store_is_lost(enum err err);

/* Any thread, until the store is closed. */
const struct store_counts *store_counts(const struct store *store);

/* The version of the file that this program writes. */
int store_version(void);

#endif

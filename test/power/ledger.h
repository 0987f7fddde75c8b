/*
 * What was given to a store, what it answered, and whether a database holds what it must: each id whose
 * transaction was acknowledged in its place and once, and of every other transaction all or nothing.
 */
#ifndef PICKUPD_TEST_LEDGER_H
#define PICKUPD_TEST_LEDGER_H

#include "model/event.h"
#include "sys/db.h"

enum place {
    PLACE_NOWHERE = 1,
    PLACE_EVENTS = 2,
    PLACE_QUARANTINE = 4,
};

/* One transaction, between two moments of the disk. */
struct act {
    size_t begun, ended;
    bool kept;       /* was acknowledged */
    uint64_t digest; /* of all the store held afterwards */
};

struct ledger_entry {
    size_t act;
    size_t id; /* its index */
    enum place place;
};

/* Zero-initialised, and released with ledger_free. The first act is the making of the database. */
struct ledger {
    struct event_id *ids;
    struct ledger_entry *entries;
    struct act *acts;
    size_t id_count, entry_count, act_count;
    size_t id_room, entry_room, act_room;
};

void ledger_begin(struct ledger *ledger, size_t at);
void ledger_expect(struct ledger *ledger, const struct event_id *id, enum place place);
void ledger_end(struct ledger *ledger, size_t at, bool kept, uint64_t digest);
void ledger_free(struct ledger *ledger);

/* A connection that only reads, with what the checks ask; NULL if there is none to be had. */
struct db *ledger_reader(const char *path);
uint64_t ledger_digest(struct db *reader);

enum finding {
    FINDING_NONE,
    FINDING_NO_START, /* for others: the store did not open */
    FINDING_CORRUPT,
    FINDING_LOST,    /* something acknowledged is not there */
    FINDING_PARTIAL, /* a transaction is there in part, or something that nobody sent */
    FINDING_STUCK,   /* for others: the store takes nothing new */
    FINDING_COUNT,
};

extern const char *const finding_texts[FINDING_COUNT];

/*
 * After a cut: the database holds what some act left, with all that were acknowledged by then. One that was
 * refused must be the last, or be repeated by the next.
 */
enum finding ledger_check(const struct ledger *ledger, struct db *reader, size_t at);

#endif

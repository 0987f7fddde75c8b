/* The end of the audit's chain, which the writer goes on from. */
#ifndef PICKUPD_STORE_CHAIN_H
#define PICKUPD_STORE_CHAIN_H

#include "room.h"
#include "store/audit.h"

/*
 * Zero-initialised it has no key, and nothing can be added. The head is kept here, and not read again from
 * the file: whoever cuts rows off while it is being served leaves a gap.
 */
struct chain {
    struct hmac_key *key;
    struct audit_head head;
    bool tells;   /* its head is to be logged */
    int64_t told; /* when it was last, us of time_monotonic; 0: not yet */
};

MUST enum err chain_find_head(struct db *db, struct audit_head *head);

/* Takes the key over, and goes on where the file ends. */
MUST enum err chain_begin(struct chain *chain, struct db *db, struct hmac_key *key);

/* Logs the head if that is to be done, and wipes the key. */
void chain_end(struct chain *chain);

/* Within a transaction. If that fails, the head must be set back to what it was. */
MUST enum err chain_add(struct chain *chain, struct db *db, const struct audit_entry *entry);

/* Logs the head if that is to be done, and it is time; true if so. */
bool chain_tell(struct chain *chain, int64_t now);

#endif

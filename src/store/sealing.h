/*
 * The functions that statements seal and unseal with: seal(COLUMN, KEY ..., VALUE) and unseal(COLUMN, KEY
 * ..., VALUE), where COLUMN is 'table.column', and the keys name the row (see include/tbl/sealed.h). What is
 * in clear, and NULL, comes out of unseal as it is. A value that can't be read ends the statement with
 * ERR_SEALED; or with unseal_or(OTHERWISE, COLUMN, KEY ..., VALUE) it is the first argument. seals() is 1 if
 * seal seals, and seal_is_old(VALUE) if a value is not sealed with the key of today.
 */
#ifndef PICKUPD_STORE_SEALING_H
#define PICKUPD_STORE_SEALING_H

#include "base/seal.h"
#include "sys/db.h"

/* What a connection has for it. Zero-initialised it knows no keys. */
struct sealing {
    struct seal *seal;    /* or NULL */
    struct seal_key *key; /* of the writer, for the transaction at hand; or NULL */
    int64_t left;         /* values that it may seal until more are noted */
    int64_t turn;         /* of the key: how often another has taken its place, there and back, too */
    struct buf out;
};

/* Before the connection's statements are prepared. */
MUST enum err sealing_open(struct sealing *sealing, struct db *db, struct seal *seal);
void sealing_close(struct sealing *sealing);

/* Whether all keys in use are there and are what they were; else false, with the reason in *why if it is not
 * the database's. */
bool sealing_check(struct db *db, struct seal *seal, const char *path, struct buf *why);

/* For the writer, within each transaction before anything else: notes the key that it seals with. */
MUST enum err sealing_begin(struct sealing *sealing, struct db *db);

/* And once it has failed. */
void sealing_forget(struct sealing *sealing);

#endif

/*
 * A walk through all that is sealed, or should be: values in clear, or sealed with another key than the
 * current one, are sealed anew, in steps that hold up nobody for long.
 */
#ifndef PICKUPD_STORE_RESEAL_H
#define PICKUPD_STORE_RESEAL_H

#include "store/store.h"

#define RESEAL_STEP_US 5000
#define RESEAL_PARTS   3 /* of what a table is gone through by */

/* A part of a row's key, which is a text or a number. */
struct reseal_part {
    bool is_text;
    int64_t number;
    struct span text;
};

/* Where a walk has come to. Zero-initialised it is at its beginning. */
struct reseal_place {
    char key[SEAL_ID_MAX + 1]; /* the id of the current one */
    int64_t turn;              /* of that key, from 1 on: it may have gone and come back meanwhile */
    size_t column;             /* of include/tbl/sealed.h */
    bool begun;                /* that column, up to: */
    struct reseal_part row[RESEAL_PARTS];
    int64_t sealed, clear; /* values; and those of them that were in clear */
    int64_t damaged;       /* those that can't be unsealed, and stay as they are */
    bool done;             /* no key but the current one is in use, unless something is damaged */
    bool remnants;         /* once it is done: the file should be written anew (see store_compact) */
};

/*
 * For calls: a step from one place to the next, whose texts are put into the arena. If the current key was
 * another meanwhile, it begins anew. ERR_NOT_FOUND: there are no keys.
 */
MUST enum err reseal_step(struct store *store, struct arena *arena, const struct reseal_place *from,
                          struct reseal_place *to);

/* For calls: notes that nothing is left in clear. */
MUST enum err reseal_end(struct store *store);

#endif

/* The store itself, for the two rooms that it has: what writes (store.c), and what is done beside (tend.c).
 */
#ifndef PICKUPD_STORE_PARTS_H
#define PICKUPD_STORE_PARTS_H

#include <stdatomic.h>

#include "chain.h"
#include "room.h"
#include "sys/reserve.h"
#include "uses.h"

#define STORE_LONG_LOG_PAGES 8000 /* of a log that somebody is to be told of */

struct store {
    struct db *db;
    struct view view; /* of the same connection */
    struct sealing sealing;
    const struct seal *adopting; /* once the transaction at hand is kept; or NULL */
    struct chain chain;          /* of the audit */
    struct store_limits limits;
    use_list uses;
    int64_t seq;   /* of the newest event */
    int64_t began; /* what that was before the transaction at hand */
    bool counted;  /* whether `uses` and `seq` can be believed */
    struct reserve *reserve;
    atomic_int state;   /* as store_state has it */
    int64_t looked;     /* when, in us of time_monotonic */
    int64_t told_pages; /* the length of the log at which somebody is told */
    struct store_counts counts;
    bool wants_compact;
    enum err compacted; /* how it went */
};
/* A state is told when it comes; the last one stays. */
void store_set_state(struct store *store, enum err state);

/*
 * Whether there is room, and where something is wrong, whether writing works. That moves the log on, too,
 * which may be what takes the room.
 */
void store_look(struct store *store);

#endif

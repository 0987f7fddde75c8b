/* What the rooms of the store share: the statements, and who runs them. */
#ifndef PICKUPD_STORE_ROOM_H
#define PICKUPD_STORE_ROOM_H

#include "store/store.h"
#include "store/view.h"
#include "sys/db.h"

/* Every connection prepares what reads; the writer's own the rest, too. */
enum sql {
#define SQL(name, text) SQL_##name,
#include "tbl/sql_read.h"
    SQL_READ_COUNT,
    SQL_READ_LAST = SQL_READ_COUNT - 1,
#define SQL(name, text) SQL_##name,
#include "tbl/sql_write.h"
    SQL_COUNT
};

extern const char *const sql_texts[SQL_COUNT];

struct view {
    struct db *db;
};

/* The writer's connection. */
struct db *store_db(struct store *store);

/* A text, or NULL for one that is not there. */
void room_bind_optional(struct db *db, enum sql sql, int index, struct span text);

/* Never NULL: what is not set is empty. */
static inline struct span room_filter(struct span text)
{
    return text.at != NULL ? text : SPAN("");
}

/* A column's text in the arena; {NULL, 0} for NULL. */
struct span room_copy(struct arena *arena, struct db *db, enum sql sql, int column);

/*
 * The event of a row that begins with seq, id, origin, source, detail_type, org, time, detail, in the arena;
 * a purged one has no detail.
 */
struct event room_event(struct arena *arena, struct db *db, enum sql sql);

#endif

/* What the rooms of the store share: the statements, and who runs them. */
#ifndef PICKUPD_STORE_ROOM_H
#define PICKUPD_STORE_ROOM_H

#include "sealing.h"
#include "store/store.h"
#include "store/view.h"
#include "sys/db.h"

/* Every connection prepares what reads; the writer's own the rest, too, with two for each sealed column: to
 * go through its table, and to seal it anew. */
enum sql {
#define SQL(name, text) SQL_##name,
#include "tbl/sql_read.h"
    SQL_READ_COUNT,
    SQL_READ_LAST = SQL_READ_COUNT - 1,
#define SQL(name, text) SQL_##name,
#include "tbl/sql_write.h"
#define SEALED(table, column, ...) SQL_LOOK_##table##_##column, SQL_RESEAL_##table##_##column,
#include "tbl/sealed.h"
    SQL_COUNT
};

extern const char *const sql_texts[SQL_COUNT];

struct view {
    struct db *db;
    struct sealing sealing; /* unless it is the writer's */
};

/* The writer's connection. */
struct db *store_db(struct store *store);

/* Whether a restore has begun and not come to its end; then with the reason not to go on. */
bool room_is_being_restored(const char *path, struct buf *why);

/* A text, or NULL for one that is not there. */
void room_bind_optional(struct db *db, enum sql sql, int index, struct span text);

/* Never NULL: what is not set is empty. */
static inline struct span room_filter(struct span text)
{
    return text.at != NULL ? text : SPAN("");
}

/* What the writer's connection seals with. */
struct sealing *store_sealing(struct store *store);

/* A column's text in the arena; {NULL, 0} for NULL. */
struct span room_copy(struct arena *arena, struct db *db, enum sql sql, int column);

/*
 * The event of a row that begins with seq, id, origin, source, detail_type, org, time, detail, in the arena;
 * a purged one has no detail, and neither has one whose detail can't be unsealed, which then is a number.
 */
struct event room_event(struct arena *arena, struct db *db, enum sql sql);

#endif

/* The statements' texts, and small things around them. */
#include "room.h"

#include <string.h>

const char *const sql_texts[SQL_COUNT] = {
#define SQL(name, text) [SQL_##name] = text,
#include "tbl/sql_read.h"
#define SQL(name, text) [SQL_##name] = text,
#include "tbl/sql_write.h"
};

void room_bind_optional(struct db *db, enum sql sql, int index, struct span text)
{
    if (text.at != NULL)
        db_bind_text(db, sql, index, text); /* what is not bound is NULL */
}

struct span room_copy(struct arena *arena, struct db *db, enum sql sql, int column)
{
    struct span text = db_span(db, sql, column);
    if (db_is_null(db, sql, column))
        return (struct span){0};
    return (struct span){arena_copy(arena, text), text.len};
}

struct event room_event(struct arena *arena, struct db *db, enum sql sql)
{
    struct span id = db_span(db, sql, 1);
    struct span detail = room_copy(arena, db, sql, 7);
    struct event event = {
        .origin = room_copy(arena, db, sql, 2),
        .source = room_copy(arena, db, sql, 3),
        .type = room_copy(arena, db, sql, 4),
        .org = room_copy(arena, db, sql, 5),
        .time = db_int(db, sql, 6),
        .detail = (char *)detail.at,
        .detail_len = detail.len,
    };
    if (id.len == EVENT_ID_BYTES)
        memcpy(event.id.bytes, id.at, EVENT_ID_BYTES);
    return event;
}

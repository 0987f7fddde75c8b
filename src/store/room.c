/* The statements' texts, and small things around them. */
#include "room.h"

#include <string.h>

const char *const sql_texts[SQL_COUNT] = {
#define SQL(name, text) [SQL_##name] = text,
#include "tbl/sql_read.h"
#define SQL(name, text) [SQL_##name] = text,
#include "tbl/sql_write.h"
/* The first tells of each row behind the last one: 2, it is in clear; 1, it is sealed with another key. */
#define SEALED(table, column, key, walk, places, clear, more)                                                \
    [SQL_LOOK_##table##_##column] =                                                                          \
        "SELECT " walk ", iif(" #column " IS NULL, 0, iif(" clear ", 2, seal_is_old(" #column                \
        "))) FROM " #table " WHERE (" walk ") > (" places ") ORDER BY " walk " LIMIT 200",                   \
    [SQL_RESEAL_##table##_##column] = "UPDATE " #table " SET " #column " = seal('" #table "." #column        \
                                      "', " key ", iif(" clear ", " #column ", unseal('" #table "." #column  \
                                      "', " key ", " #column ")))" more " WHERE (" walk ") = (" places ")",
#include "tbl/sealed.h"
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
    struct span detail = db_is_int(db, sql, 7) ? (struct span){0} : room_copy(arena, db, sql, 7);
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

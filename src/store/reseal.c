/* Column by column, each in the order of its table. */
#include "store/reseal.h"

#include "base/time.h"
#include "room.h"

#define ROWS_MAX 200 /* that are looked at before any is changed */

/* "?1, ?2" is two places, of four characters each with what is behind them. */
#define PLACES(text) ((sizeof(text) + 1) / 4)

static const struct column {
    enum sql look, reseal;
    size_t parts;
    bool by_text; /* what its table is gone through by begins with an org, which is never empty */
} columns[] = {
#define SEALED(table, column, key, walk, places, clear, more)                                                \
    {SQL_LOOK_##table##_##column, SQL_RESEAL_##table##_##column, PLACES(places), walk[0] == 'o'},
#include "tbl/sealed.h"
};

#define COLUMNS (sizeof columns / sizeof columns[0])

struct row {
    struct row *next;
    struct reseal_part parts[RESEAL_PARTS];
    bool is_old, is_clear;
};

static void bind_row(struct db *db, enum sql sql, const struct column *column, const struct reseal_part *row)
{
    for (size_t i = 0; i < column->parts; i++) {
        if (row[i].is_text)
            db_bind_text(db, sql, (int)i + 1, row[i].text);
        else
            db_bind_int(db, sql, (int)i + 1, row[i].number);
    }
}

/* Before the first row of a table. */
static void begin(struct reseal_place *place, const struct column *column)
{
    for (size_t i = 0; i < RESEAL_PARTS; i++)
        place->row[i] = (struct reseal_part){column->by_text, INT64_MIN, SPAN("")};
    place->begun = true;
}

static struct row *read_row(struct arena *arena, struct db *db, const struct column *column)
{
    struct row *row = arena_alloc(arena, sizeof *row);
    int64_t state = db_int(db, column->look, (int)column->parts);
    row->is_old = state > 0;
    row->is_clear = state > 1;
    for (size_t i = 0; i < column->parts; i++)
        row->parts[i] = column->by_text
                            ? (struct reseal_part){true, 0, room_copy(arena, db, column->look, (int)i)}
                            : (struct reseal_part){false, db_int(db, column->look, (int)i), SPAN("")};
    return row;
}

/* The rows behind the place, before any of them is changed; none at the end of the table. */
static enum err look(struct db *db, struct arena *arena, const struct reseal_place *place, int64_t end,
                     struct row **first)
{
    bool has_row;
    const struct column *column = &columns[place->column];
    struct row **last = first;
    *first = NULL;
    bind_row(db, column->look, column, place->row);
    enum err err = db_step(db, column->look, &has_row);
    while (err == ERR_OK && has_row) {
        *last = read_row(arena, db, column);
        last = &(*last)->next;
        if (time_monotonic() >= end)
            break;
        err = db_step(db, column->look, &has_row);
    }
    db_reset(db, column->look);
    return err;
}

static enum err seal_row(struct db *db, struct reseal_place *place, const struct row *row)
{
    const struct column *column = &columns[place->column];
    bind_row(db, column->reseal, column, row->parts);
    enum err err = db_run(db, column->reseal);
    if (err == ERR_SEALED) {
        place->damaged++;
        return ERR_OK;
    }
    place->sealed += err == ERR_OK;
    place->clear += err == ERR_OK && row->is_clear;
    return err;
}

static enum err go_on(struct db *db, struct arena *arena, struct reseal_place *place, int64_t end)
{
    struct row *first;
    if (!place->begun)
        begin(place, &columns[place->column]);
    TRY(look(db, arena, place, end, &first));
    for (const struct row *row = first; row != NULL; row = row->next) {
        if (row->is_old)
            TRY(seal_row(db, place, row));
        memcpy(place->row, row->parts, sizeof place->row);
        if (time_monotonic() >= end)
            return ERR_OK;
    }
    if (first == NULL) {
        place->column++;
        place->begun = false;
    }
    return ERR_OK;
}

static enum err note_remnants(struct db *db, bool remnants)
{
    db_bind_int(db, SQL_SEALING_REMNANTS, 1, remnants);
    return db_run(db, SQL_SEALING_REMNANTS);
}

static enum err read_remnants(struct db *db, bool *remnants)
{
    bool row;
    enum err err = db_step(db, SQL_SEALING, &row);
    *remnants = err == ERR_OK && row && db_int(db, SQL_SEALING, 0) != 0;
    db_reset(db, SQL_SEALING);
    return err;
}

static enum err finish(struct db *db, struct reseal_place *place)
{
    place->done = true;
    if (place->damaged == 0) {
        db_bind_text(db, SQL_SEAL_KEYS_FORGET, 1, span_of(place->key));
        TRY(db_run(db, SQL_SEAL_KEYS_FORGET));
    }
    return read_remnants(db, &place->remnants);
}

enum err reseal_step(struct store *store, struct arena *arena, const struct reseal_place *from,
                     struct reseal_place *to)
{
    struct db *db = store_db(store);
    const struct sealing *sealing = store_sealing(store);
    const struct seal_key *key = sealing->key;
    int64_t end = time_monotonic() + RESEAL_STEP_US;
    if (key == NULL)
        return ERR_NOT_FOUND;
    *to = *from;
    if (sealing->turn != to->turn) {
        *to = (struct reseal_place){.turn = sealing->turn};
        memcpy(to->key, seal_id(key).at, seal_id(key).len);
    }
    int64_t clear = to->clear;
    while (to->column < COLUMNS && time_monotonic() < end)
        TRY(go_on(db, arena, to, end));
    if (to->clear > clear)
        TRY(note_remnants(db, true));
    if (to->column == COLUMNS)
        return finish(db, to);
    for (size_t i = 0; i < RESEAL_PARTS; i++) /* it may lie where the step before had it */
        to->row[i].text = (struct span){arena_copy(arena, to->row[i].text), to->row[i].text.len};
    return ERR_OK;
}

enum err reseal_end(struct store *store)
{
    return note_remnants(store_db(store), false);
}

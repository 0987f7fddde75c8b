/* Reading the store. */
#include "store/view.h"

#include <stdlib.h>
#include <string.h>

#include "room.h"
#include "store/store.h"

/* What a statement's rows are turned into. */
struct reader {
    void (*read)(struct db *db, size_t sql, const struct reader *reader);
    view_event_fn *event;
    view_quarantine_fn *quarantine;
    view_match_fn *match;
    void *arg;
    int64_t *position; /* of the last row of a page */
};

/* Only the writer brings a file up to date. */
static bool is_current(struct db *db, const char *path, struct buf *why)
{
    int64_t version;
    if (db_number(db, "PRAGMA user_version", &version) != ERR_OK)
        return false;
    if (version != store_version())
        buf_printf(why, "%s: has file version %d, and this pickupd reads %d%s", path, (int)version,
                   store_version(), version < store_version() ? "; its serve brings it up to date" : "");
    return version == store_version();
}

static struct view *open_with(const char *path, struct seal *seal, struct buf *why)
{
    struct db *db = db_open(path, DB_READ, why);
    if (db == NULL)
        return NULL;
    struct view *view = mem_alloc(sizeof *view);
    view->db = db;
    if (is_current(db, path, why) && sealing_open(&view->sealing, db, seal) == ERR_OK &&
        db_prepare(db, sql_texts, SQL_READ_COUNT) == ERR_OK)
        return view;
    if (why->len == 0)
        buf_printf(why, "%s: %s", path, db_error(db));
    view_close(view);
    return NULL;
}

struct view *view_open(const char *path, struct buf *why)
{
    return open_with(path, NULL, why);
}

struct view *view_open_sealed(const char *path, struct seal *seal, struct buf *why)
{
    struct view *view = open_with(path, seal, why);
    if (view == NULL || sealing_check(view->db, seal, path, why))
        return view;
    if (why->len == 0)
        buf_printf(why, "%s: %s", path, db_error(view->db));
    view_close(view);
    return NULL;
}

void view_close(struct view *view)
{
    db_close(view->db);
    sealing_close(&view->sealing);
    free(view);
}

static void read_id(struct db *db, size_t sql, int column, struct event_id *id)
{
    struct span bytes = db_span(db, sql, column);
    if (bytes.len == EVENT_ID_BYTES)
        memcpy(id->bytes, bytes.at, EVENT_ID_BYTES);
}

static void read_event(struct db *db, size_t sql, const struct reader *reader)
{
    bool damaged = db_is_int(db, sql, 7);
    struct span detail = db_span(db, sql, 7);
    char *copy CLEANUP(mem_drop) = damaged || db_is_null(db, sql, 7) ? NULL : mem_copy(detail);
    struct view_event row = {
        .seq = db_int(db, sql, 0),
        .event = {.origin = db_span(db, sql, 2),
                  .source = db_span(db, sql, 3),
                  .type = db_span(db, sql, 4),
                  .org = db_span(db, sql, 5),
                  .time = db_int(db, sql, 6),
                  .detail = copy,
                  .detail_len = detail.len},
        .damaged = damaged,
    };
    read_id(db, sql, 1, &row.event.id);
    reader->event(reader->arg, &row);
}

static void read_quarantine(struct db *db, size_t sql, const struct reader *reader)
{
    struct view_quarantine row = {
        .origin = db_span(db, sql, 1),
        .org = db_span(db, sql, 2),
        .first_seen = db_int(db, sql, 3),
        .last_seen = db_int(db, sql, 4),
        .count = db_int(db, sql, 5),
        .faults = db_span(db, sql, 6),
        .bytes = db_int(db, sql, 7),
        .body = db_span(db, sql, 8),
        .head = db_span(db, sql, 9),
    };
    read_id(db, sql, 0, &row.id);
    if (reader->position != NULL)
        *reader->position = db_int(db, sql, 10);
    reader->quarantine(reader->arg, &row);
}

static void read_match(struct db *db, size_t sql, const struct reader *reader)
{
    struct view_match row = {db_span(db, sql, 0), db_span(db, sql, 1), db_int(db, sql, 2)};
    reader->match(reader->arg, &row);
}

/* Runs a statement whose parameters are bound. */
static enum err read_all(struct view *view, size_t sql, const struct reader *reader, size_t *rows)
{
    bool row;
    enum err err = db_step(view->db, sql, &row);
    for (*rows = 0; err == ERR_OK && row; ++*rows) {
        reader->read(view->db, sql, reader);
        err = db_step(view->db, sql, &row);
    }
    db_reset(view->db, sql);
    return err;
}

enum err view_events(struct view *view, const struct view_filter *filter, view_event_fn *row, void *arg)
{
    size_t rows;
    struct reader reader = {.read = read_event, .event = row, .arg = arg};
    db_bind_text(view->db, SQL_EVENTS, 1, filter->source);
    db_bind_text(view->db, SQL_EVENTS, 2, filter->type);
    db_bind_int(view->db, SQL_EVENTS, 3, filter->since);
    db_bind_int(view->db, SQL_EVENTS, 4, filter->limit);
    return read_all(view, SQL_EVENTS, &reader, &rows);
}

static enum err read_one(struct view *view, size_t sql, const struct event_id *id,
                         const struct reader *reader)
{
    size_t rows;
    db_bind_blob(view->db, sql, 1, (struct span){(const char *)id->bytes, EVENT_ID_BYTES});
    TRY(read_all(view, sql, reader, &rows));
    return rows > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err view_event(struct view *view, const struct event_id *id, view_event_fn *row, void *arg)
{
    struct reader reader = {.read = read_event, .event = row, .arg = arg};
    return read_one(view, SQL_EVENT, id, &reader);
}

enum err view_quarantine(struct view *view, struct span source, view_quarantine_fn *row, void *arg)
{
    size_t rows;
    struct reader reader = {.read = read_quarantine, .quarantine = row, .arg = arg};
    db_bind_text(view->db, SQL_QUARANTINE, 1, source);
    return read_all(view, SQL_QUARANTINE, &reader, &rows);
}

enum err view_quarantine_page(struct view *view, struct span org, struct span source, int64_t *position,
                              int64_t limit, view_quarantine_fn *row, void *arg)
{
    size_t rows;
    struct reader reader = {.read = read_quarantine, .quarantine = row, .arg = arg, .position = position};
    db_bind_int(view->db, SQL_QUARANTINE_PAGE, 1, *position);
    db_bind_text(view->db, SQL_QUARANTINE_PAGE, 2, org);
    db_bind_text(view->db, SQL_QUARANTINE_PAGE, 3, source);
    db_bind_int(view->db, SQL_QUARANTINE_PAGE, 4, limit);
    return read_all(view, SQL_QUARANTINE_PAGE, &reader, &rows);
}

enum err view_quarantine_one(struct view *view, const struct event_id *id, view_quarantine_fn *row, void *arg)
{
    struct reader reader = {.read = read_quarantine, .quarantine = row, .arg = arg};
    return read_one(view, SQL_QUARANTINE_ONE, id, &reader);
}

enum err view_matches(struct view *view, view_match_fn *row, void *arg)
{
    size_t rows;
    struct reader reader = {.read = read_match, .match = row, .arg = arg};
    return read_all(view, SQL_MATCHES, &reader, &rows);
}

enum err view_last_seq(struct view *view, int64_t *seq)
{
    bool row;
    enum err err = db_step(view->db, SQL_LAST_SEQ, &row);
    *seq = err == ERR_OK && row ? db_int(view->db, SQL_LAST_SEQ, 0) : 0;
    db_reset(view->db, SQL_LAST_SEQ);
    return err;
}

enum err view_seq(struct view *view, const struct event_id *id, int64_t *seq)
{
    bool row;
    db_bind_blob(view->db, SQL_EVENT_SEQ, 1, (struct span){(const char *)id->bytes, EVENT_ID_BYTES});
    enum err err = db_step(view->db, SQL_EVENT_SEQ, &row);
    *seq = err == ERR_OK && row ? db_int(view->db, SQL_EVENT_SEQ, 0) : 0;
    db_reset(view->db, SQL_EVENT_SEQ);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

enum err view_keys(struct view *view, view_key_fn *fn, void *arg, bool *remnants)
{
    bool row;
    enum err err = db_step(view->db, SQL_SEALING, &row);
    *remnants = err == ERR_OK && row && db_int(view->db, SQL_SEALING, 0) != 0;
    db_reset(view->db, SQL_SEALING);
    if (err == ERR_OK)
        err = db_step(view->db, SQL_SEAL_KEYS, &row);
    while (err == ERR_OK && row) {
        struct view_key key = {db_span(view->db, SQL_SEAL_KEYS, 0), db_int(view->db, SQL_SEAL_KEYS, 2)};
        fn(arg, &key);
        err = db_step(view->db, SQL_SEAL_KEYS, &row);
    }
    db_reset(view->db, SQL_SEAL_KEYS);
    return err;
}

/* Between SQL and the keys. */
#include "sealing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "room.h"

/* Values that are noted ahead as sealed with a key, so that not every transaction has to count. */
#define SOME 65536

#define KEEP_BYTES  65536 /* of a buffer for the next value */
#define PARTS_MAX   4     /* the column's name, and three keys */
#define COLUMN_TEXT 64

#define PROOF SPAN("pickupd")

/* Where a value stands, from the arguments of a call. */
struct place {
    struct span parts[PARTS_MAX];
    size_t count;
    char numbers[PARTS_MAX][8];
};

static void read_place(struct place *place, const struct db_call *call, size_t first)
{
    place->count = db_call_count(call) - 1 - first;
    if (place->count == 0 || place->count > PARTS_MAX)
        abort(); /* a fault of the statement */
    for (size_t i = 0; i < place->count; i++) {
        if (db_call_type(call, first + i) !=
            DB_INT) { /* first: asked for a span, a number may become a text */
            place->parts[i] = db_call_span(call, first + i);
            continue;
        }
        uint64_t number = (uint64_t)db_call_int(call, first + i);
        for (size_t k = 0; k < sizeof place->numbers[i]; k++)
            place->numbers[i][k] = (char)(number >> (8 * (sizeof place->numbers[i] - 1 - k)));
        place->parts[i] = (struct span){place->numbers[i], sizeof place->numbers[i]};
    }
}

static void give(struct sealing *sealing, struct db_call *call, enum db_type type)
{
    db_give(call, type, buf_span(&sealing->out));
    if (sealing->out.room > KEEP_BYTES)
        buf_free(&sealing->out);
}

static void on_seal(void *arg, struct db_call *call)
{
    struct place place;
    struct sealing *sealing = arg;
    size_t last = db_call_count(call) - 1;
    enum db_type type = db_call_type(call, last);
    if (sealing->key == NULL || (type != DB_TEXT && type != DB_BYTES)) {
        db_give_arg(call, last);
        return;
    }
    read_place(&place, call, 0);
    sealing->out.len = 0;
    sealing->left--;
    seal_write(&sealing->out, sealing->key, type == DB_TEXT ? SEAL_TEXT : SEAL_BYTES, place.parts,
               place.count, db_call_span(call, last));
    give(sealing, call, DB_BYTES);
}

static bool open_value(struct sealing *sealing, struct span sealed, const struct place *place,
                       enum seal_kind *kind)
{
    char column[COLUMN_TEXT];
    struct seal_key *key = seal_find(sealing->seal, seal_id_of(sealed));
    sealing->out.len = 0;
    bool good = key != NULL && seal_open(&sealing->out, key, place->parts, place->count, sealed, kind);
    if (!good) {
        snprintf(column, sizeof column, "%.*s", (int)place->parts[0].len, place->parts[0].at);
        log_event_limited(LOG_ERROR, "a sealed value can't be read", LOG_STR("column", column),
                          LOG_STR("reason", key == NULL
                                                ? "it names no key of seal_key_file"
                                                : "it was changed, or stands where it does not belong"));
    }
    seal_release(key);
    return good;
}

/* False if there is a value that can't be read. */
static bool unseal(struct sealing *sealing, struct db_call *call, size_t first)
{
    struct place place;
    enum seal_kind kind;
    size_t last = db_call_count(call) - 1;
    if (db_call_type(call, last) != DB_BYTES) {
        db_give_arg(call, last);
        return true;
    }
    read_place(&place, call, first);
    if (!open_value(sealing, db_call_span(call, last), &place, &kind))
        return false;
    give(sealing, call, kind == SEAL_TEXT ? DB_TEXT : DB_BYTES);
    return true;
}

static void on_unseal(void *arg, struct db_call *call)
{
    if (!unseal(arg, call, 0))
        db_fail(call);
}

static void on_unseal_or(void *arg, struct db_call *call)
{
    if (!unseal(arg, call, 1))
        db_give_arg(call, 0);
}

static void on_seals(void *arg, struct db_call *call)
{
    const struct sealing *sealing = arg;
    db_give_int(call, sealing->key != NULL);
}

static void on_seal_is_old(void *arg, struct db_call *call)
{
    const struct sealing *sealing = arg;
    db_give_int(call,
                sealing->key != NULL && !span_is(seal_id_of(db_call_span(call, 0)), seal_id(sealing->key)));
}

enum err sealing_open(struct sealing *sealing, struct db *db, struct seal *seal)
{
    sealing->seal = seal;
    TRY(db_add_function(db, "seal", on_seal, sealing));
    TRY(db_add_function(db, "unseal", on_unseal, sealing));
    TRY(db_add_function(db, "unseal_or", on_unseal_or, sealing));
    TRY(db_add_function(db, "seals", on_seals, sealing));
    return db_add_function(db, "seal_is_old", on_seal_is_old, sealing);
}

void sealing_forget(struct sealing *sealing)
{
    seal_release(sealing->key);
    sealing->key = NULL;
    sealing->left = 0;
}

void sealing_close(struct sealing *sealing)
{
    sealing_forget(sealing);
    buf_free(&sealing->out);
}

/* Keys in use. */

static bool has_proof(struct seal_key *key, struct span id, struct span proof)
{
    enum seal_kind kind;
    struct buf text CLEANUP(buf_free) = {0};
    struct span place[] = {SPAN("seal_keys.proof"), id};
    return seal_open(&text, key, place, 2, proof, &kind) && span_is(buf_span(&text), PROOF);
}

static bool check_key(struct db *db, struct seal *seal, const char *path, struct buf *why)
{
    struct span id = db_span(db, SQL_SEAL_KEYS, 0);
    struct seal_key *key = seal_find(seal, id);
    bool good = key != NULL && has_proof(key, id, db_span(db, SQL_SEAL_KEYS, 1));
    if (key == NULL)
        buf_printf(why, "%s: is sealed with the key %.*s, which is not in seal_key_file", path, (int)id.len,
                   id.at);
    else if (!good)
        buf_printf(why, "%s: the key %.*s of seal_key_file is another than the one it is sealed with", path,
                   (int)id.len, id.at);
    seal_release(key);
    return good;
}

bool sealing_check(struct db *db, struct seal *seal, const char *path, struct buf *why)
{
    bool row, good = true;
    enum err err = db_step(db, SQL_SEAL_KEYS, &row);
    while (good && err == ERR_OK && row) {
        good = check_key(db, seal, path, why);
        if (good)
            err = db_step(db, SQL_SEAL_KEYS, &row);
    }
    db_reset(db, SQL_SEAL_KEYS);
    return good && err == ERR_OK;
}

static void warn(const struct seal_key *key, int64_t used)
{
    if (used > SEAL_VALUES / 2)
        log_event_limited(used > SEAL_VALUES ? LOG_ERROR : LOG_WARN,
                          "the key has sealed so many values that another should take its place",
                          LOG_STR("key", seal_id(key).at), LOG_NUM("values", used));
}

static enum err note_use(struct sealing *sealing, struct db *db)
{
    bool row;
    struct buf proof CLEANUP(buf_free) = {0};
    struct span id = seal_id(sealing->key), place[] = {SPAN("seal_keys.proof"), id};
    seal_write(&proof, sealing->key, SEAL_TEXT, place, 2, PROOF);
    db_bind_text(db, SQL_SEAL_KEY_USE, 1, id);
    db_bind_blob(db, SQL_SEAL_KEY_USE, 2, buf_span(&proof));
    db_bind_int(db, SQL_SEAL_KEY_USE, 3, SOME - sealing->left);
    enum err err = db_step(db, SQL_SEAL_KEY_USE, &row);
    if (err == ERR_OK && row)
        warn(sealing->key, db_int(db, SQL_SEAL_KEY_USE, 0));
    while (err == ERR_OK && row)
        err = db_step(db, SQL_SEAL_KEY_USE, &row);
    db_reset(db, SQL_SEAL_KEY_USE);
    sealing->left = SOME;
    return err;
}

enum err sealing_begin(struct sealing *sealing, struct db *db)
{
    struct seal_key *key = seal_current(sealing->seal);
    bool is_same = key == sealing->key;
    if (is_same && (key == NULL || sealing->left > 0)) {
        seal_release(key); /* is held already */
        return ERR_OK;
    }
    if (!is_same) {
        sealing->left = 0;
        sealing->turn++;
    }
    seal_release(sealing->key);
    sealing->key = key;
    if (key == NULL)
        return ERR_OK;
    TRY(db_run(db, SQL_SEALING_BEGIN));
    return note_use(sealing, db);
}

/* The books of a run, and their audit. */
#include "ledger.h"

#include "../unit/unit.h"

enum sql {
    SQL_FIND,
    SQL_EVENTS,
    SQL_QUARANTINE,
    SQL_MATCHES,
    SQL_VERSION,
    SQL_COUNT,
};

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_FIND] = "SELECT 2 FROM events WHERE id = ?1 UNION ALL SELECT 4 FROM quarantine WHERE id = ?1",
    [SQL_EVENTS] = "SELECT seq, id, origin, source, detail_type, org, time, detail, content FROM events"
                   " ORDER BY seq",
    [SQL_QUARANTINE] = "SELECT id, origin, org, first_seen, last_seen, count, faults, body, head"
                       " FROM quarantine ORDER BY id",
    [SQL_MATCHES] = "SELECT origin, secret, time FROM secret_matches ORDER BY origin, secret",
    [SQL_VERSION] = "SELECT user_version FROM pragma_user_version",
};

static const int column_counts[SQL_COUNT] = {
    [SQL_EVENTS] = 9,
    [SQL_QUARANTINE] = 9,
    [SQL_MATCHES] = 3,
    [SQL_VERSION] = 1,
};

const char *const finding_texts[FINDING_COUNT] = {
    [FINDING_NONE] = "good",
    [FINDING_NO_START] = "does not open",
    [FINDING_CORRUPT] = "corrupt",
    [FINDING_LOST] = "acknowledged and lost",
    [FINDING_PARTIAL] = "there in part",
    [FINDING_STUCK] = "takes nothing new",
};

/* Room for one more in an array that grows. */
static void *grow(void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return at;
    *room = *room * 2 + 256;
    return mem_resize(at, *room * size);
}

void ledger_begin(struct ledger *ledger, size_t at)
{
    ledger->acts = grow(ledger->acts, ledger->act_count, &ledger->act_room, sizeof *ledger->acts);
    ledger->acts[ledger->act_count++] = (struct act){.begun = at, .ended = SIZE_MAX};
}

static size_t index_of(struct ledger *ledger, const struct event_id *id)
{
    size_t i = 0;
    while (i < ledger->id_count && memcmp(&ledger->ids[i], id, sizeof *id) != 0)
        i++;
    if (i < ledger->id_count)
        return i;
    ledger->ids = grow(ledger->ids, ledger->id_count, &ledger->id_room, sizeof *ledger->ids);
    ledger->ids[ledger->id_count++] = *id;
    return i;
}

void ledger_expect(struct ledger *ledger, const struct event_id *id, enum place place)
{
    struct ledger_entry entry = {ledger->act_count - 1, index_of(ledger, id), place};
    ledger->entries =
        grow(ledger->entries, ledger->entry_count, &ledger->entry_room, sizeof *ledger->entries);
    ledger->entries[ledger->entry_count++] = entry;
}

void ledger_end(struct ledger *ledger, size_t at, bool kept, uint64_t digest)
{
    struct act *act = &ledger->acts[ledger->act_count - 1];
    act->ended = at;
    act->kept = kept;
    act->digest = digest;
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->ids);
    free(ledger->entries);
    free(ledger->acts);
    *ledger = (struct ledger){0};
}

struct db *ledger_reader(const char *path)
{
    struct buf why CLEANUP(buf_free) = {0};
    struct db *db = db_open(path, DB_READ, &why);
    if (db != NULL && db_prepare(db, sql_texts, SQL_COUNT) == ERR_OK)
        return db;
    if (db != NULL)
        db_close(db);
    return NULL;
}

/* FNV-1a, of the length too. */
static uint64_t mix(uint64_t digest, struct span text)
{
    digest = (digest ^ text.len) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < text.len; i++)
        digest = (digest ^ (uint8_t)text.at[i]) * UINT64_C(0x100000001b3);
    return digest;
}

uint64_t ledger_digest(struct db *reader)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (enum sql sql = SQL_EVENTS; sql < SQL_COUNT; sql++) {
        bool row;
        enum err err = db_step(reader, sql, &row);
        while (err == ERR_OK && row) {
            for (int column = 0; column < column_counts[sql]; column++)
                digest = mix(digest, db_span(reader, sql, column));
            err = db_step(reader, sql, &row);
        }
        db_reset(reader, sql);
        digest = mix(digest, err == ERR_OK ? SPAN("end") : SPAN("error"));
    }
    return digest;
}

/* Where an id is; two places, or one twice, add up to what is no place. */
static unsigned place_of(struct db *reader, const struct event_id *id)
{
    bool row;
    unsigned place = 0;
    db_bind_blob(reader, SQL_FIND, 1, (struct span){(const char *)id->bytes, EVENT_ID_BYTES});
    while (db_step(reader, SQL_FIND, &row) == ERR_OK && row)
        place += place == 0 ? (unsigned)db_int(reader, SQL_FIND, 0) : 8;
    db_reset(reader, SQL_FIND);
    return place == 0 ? PLACE_NOWHERE : place;
}

static bool is_sound(struct db *reader)
{
    int64_t faults;
    return db_number(reader, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                     &faults) == ERR_OK &&
           faults == 0;
}

/* Whether each id of the first `count` acts stands where it may after them. */
static bool places_hold(const struct ledger *ledger, struct db *reader, size_t count)
{
    bool hold = true;
    unsigned *places = mem_alloc((ledger->id_count + 1) * sizeof *places);
    for (size_t i = 0; i < ledger->entry_count; i++) {
        const struct ledger_entry *entry = &ledger->entries[i];
        if (entry->act < count && ledger->acts[entry->act].kept)
            places[entry->id] = entry->place;
        else if (entry->act < count)
            places[entry->id] |= entry->place | (places[entry->id] == 0 ? PLACE_NOWHERE : 0);
    }
    for (size_t i = 0; i < ledger->id_count && hold; i++)
        hold = places[i] == 0 || (place_of(reader, &ledger->ids[i]) & ~places[i]) == 0;
    free(places);
    return hold;
}

enum finding ledger_check(const struct ledger *ledger, struct db *reader, size_t at)
{
    size_t least = 1;
    if (!is_sound(reader))
        return FINDING_CORRUPT;
    for (size_t i = 1; i < ledger->act_count; i++)
        if (ledger->acts[i].kept && ledger->acts[i].ended <= at)
            least = i + 1;
    size_t most = least; /* an act that was refused may be there all the same, as it was repeated later */
    while (most < ledger->act_count && (ledger->acts[most].begun < at || !ledger->acts[most - 1].kept))
        most++;
    uint64_t digest = ledger_digest(reader);
    for (size_t count = least; count <= most; count++)
        if (ledger->acts[count - 1].digest == digest)
            return places_hold(ledger, reader, count) ? FINDING_NONE : FINDING_LOST;
    return places_hold(ledger, reader, least) ? FINDING_PARTIAL : FINDING_LOST;
}

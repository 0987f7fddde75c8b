/* The purge, stage by stage. */
#include "store/purge.h"

#include <string.h>

#include "base/date.h"
#include "room.h"

#define SOME   100 /* rows looked at, or gone, at once */
#define DAY_MS INT64_C(86400000)

const char *const purge_names[PURGE_KINDS] = {
    [PURGE_EVENTS] = "events",         [PURGE_DEAD_LETTERS] = "dead_letters",
    [PURGE_MISSED] = "missed",         [PURGE_QUARANTINE] = "quarantine",
    [PURGE_NOTICES] = "notices",       [PURGE_PICKUPS] = "pickups",
    [PURGE_SCHEDULES] = "schedules",   [PURGE_CASES] = "delivery_cases",
    [PURGE_DELIVERIES] = "deliveries", [PURGE_PROOFS] = "invoice_proofs",
};

/* Consumers, and what each of them holds of one event. */

enum hold {
    HOLD_NOTHING, /* it is done with it, or does not want it */
    HOLD_AHEAD,   /* wants it, and has not come to it */
    HOLD_CLAIM,   /* has it on a lease, or to try again */
    HOLD_LETTER,  /* as a dead letter, which is kept as long as everything else */
    HOLD_OVERDUE, /* as one that has been dead for so long */
};

struct reader {
    struct reader *next;
    int64_t id, cursor;
    bool is_silent;
    const struct consumer_filter *filter;
    enum hold hold;
    int64_t missed;
};

/* An event that may go. */
struct old {
    struct old *next;
    int64_t seq;
    struct event event;
};

struct purger {
    struct db *db;
    struct purge_run *run;
    struct arena arena;
    struct reader *readers;
    struct old *first, **last;
    int64_t count;
};

static int64_t limit_of(const struct purge_run *run)
{
    return run->now - run->kept;
}

/* Nobody reads for it, or will soon. */
static bool is_silent(const struct purge_run *run, const struct consumer *consumer)
{
    return run->now - consumer->seen >= CONSUMER_SILENT_MS ||
           (run->flows_off && consumer->id == CONSUMER_FLOWS);
}

static void add_reader(void *arg, const struct consumer *consumer)
{
    struct purger *purger = arg;
    struct reader *reader = arena_alloc(&purger->arena, sizeof *reader);
    *reader = (struct reader){.next = purger->readers,
                              .id = consumer->id,
                              .cursor = consumer->cursor,
                              .is_silent = is_silent(purger->run, consumer),
                              .filter = consumer_filter_new(&purger->arena, consumer)};
    purger->readers = reader;
}

/* The seq up to which everybody who is waited for has come. */
static int64_t reached_by_all(const struct purger *purger)
{
    int64_t seq = INT64_MAX;
    for (const struct reader *reader = purger->readers; reader != NULL; reader = reader->next)
        if (!reader->is_silent && reader->cursor < seq)
            seq = reader->cursor;
    return seq;
}

static enum err look_at_claim(struct purger *purger, struct reader *reader, int64_t seq)
{
    bool row;
    struct db *db = purger->db;
    db_bind_int(db, SQL_PURGE_CLAIM, 1, reader->id);
    db_bind_int(db, SQL_PURGE_CLAIM, 2, seq);
    enum err err = db_step(db, SQL_PURGE_CLAIM, &row);
    bool is_dead = row && db_int(db, SQL_PURGE_CLAIM, 0) == 2;
    if (is_dead)
        reader->hold = db_int(db, SQL_PURGE_CLAIM, 1) <= limit_of(purger->run) ? HOLD_OVERDUE : HOLD_LETTER;
    else if (row)
        reader->hold = HOLD_CLAIM;
    db_reset(db, SQL_PURGE_CLAIM);
    return err;
}

static bool is_old(const struct purger *purger, const struct old *old)
{
    return old->event.time <= limit_of(purger->run);
}

static enum err look(struct purger *purger, const struct old *old, bool *is_held)
{
    *is_held = !is_old(purger, old);
    if (*is_held)
        return ERR_OK;
    for (struct reader *reader = purger->readers; reader != NULL; reader = reader->next) {
        bool is_ahead = old->seq > reader->cursor && consumer_wants(reader->filter, &old->event);
        reader->hold = is_ahead ? HOLD_AHEAD : HOLD_NOTHING;
        TRY(look_at_claim(purger, reader, old->seq));
        bool waits = reader->hold == HOLD_AHEAD || reader->hold == HOLD_CLAIM;
        *is_held = *is_held || reader->hold == HOLD_LETTER || (waits && !reader->is_silent);
    }
    return ERR_OK;
}

/* Events. */

static enum err forget_claim(struct purger *purger, const struct reader *reader, int64_t seq)
{
    db_bind_int(purger->db, SQL_CLAIM_GONE, 1, reader->id);
    db_bind_int(purger->db, SQL_CLAIM_GONE, 2, seq);
    return db_run(purger->db, SQL_CLAIM_GONE);
}

static enum err purge_event(struct purger *purger, int64_t seq)
{
    int64_t *counts = purger->run->counts;
    db_bind_int(purger->db, SQL_PURGE_EVENT, 1, seq);
    TRY(db_run(purger->db, SQL_PURGE_EVENT));
    bool had_detail = db_changes(purger->db) > 0;
    counts[PURGE_EVENTS] += had_detail;
    for (struct reader *reader = purger->readers; reader != NULL; reader = reader->next) {
        bool misses = had_detail && (reader->hold == HOLD_AHEAD || reader->hold == HOLD_CLAIM);
        reader->missed += misses;
        counts[PURGE_MISSED] += misses;
        counts[PURGE_DEAD_LETTERS] += reader->hold == HOLD_OVERDUE;
        if (reader->hold == HOLD_CLAIM || reader->hold == HOLD_OVERDUE)
            TRY(forget_claim(purger, reader, seq));
    }
    return ERR_OK;
}

static enum err note_missed(struct purger *purger)
{
    for (const struct reader *reader = purger->readers; reader != NULL; reader = reader->next) {
        if (reader->missed == 0)
            continue;
        db_bind_int(purger->db, SQL_CONSUMER_MISSED, 1, reader->id);
        db_bind_int(purger->db, SQL_CONSUMER_MISSED, 2, reader->missed);
        TRY(db_run(purger->db, SQL_CONSUMER_MISSED));
    }
    return ERR_OK;
}

/* Read before any is changed. */
static enum err read_some(struct purger *purger, enum sql sql, int64_t after)
{
    bool row;
    struct db *db = purger->db;
    purger->last = &purger->first;
    db_bind_int(db, sql, 1, after);
    db_bind_int(db, sql, 2, SOME);
    enum err err = db_step(db, sql, &row);
    while (err == ERR_OK && row) {
        struct old *old = arena_alloc(&purger->arena, sizeof *old);
        *old = (struct old){.seq = db_int(db, sql, 0),
                            .event = {.origin = room_copy(&purger->arena, db, sql, 1),
                                      .source = room_copy(&purger->arena, db, sql, 2),
                                      .type = room_copy(&purger->arena, db, sql, 3),
                                      .org = room_copy(&purger->arena, db, sql, 4),
                                      .time = db_int(db, sql, 5)}};
        *purger->last = old;
        purger->last = &old->next;
        purger->count++;
        err = db_step(db, sql, &row);
    }
    db_reset(db, sql);
    return err;
}

static enum err begin(struct store *store, struct purge_run *run, struct purger *purger)
{
    *purger = (struct purger){.db = store_db(store), .run = run};
    return consumer_each_of_all(store_view(store), add_reader, purger);
}

static enum err run_seq(struct db *db, enum sql sql, int64_t seq)
{
    db_bind_int(db, sql, 1, seq);
    return db_run(db, sql);
}

/*
 * Times follow the log, but for those of a clock that ran ahead and was set back: these are later than today,
 * or something old is behind them. A day later, since a run takes a while, and events come meanwhile.
 */
static bool is_out_of_order(const struct purger *purger, const struct old *old, int64_t reached)
{
    if (old->event.time > purger->run->now + DAY_MS)
        return true;
    for (const struct old *later = old->next; later != NULL && later->seq <= reached; later = later->next)
        if (is_old(purger, later))
            return true;
    return false;
}

/* One that is old but held does not hold up those behind it, nor does one whose time is out of order. */
static enum err pass(struct purger *purger, const struct old *old)
{
    bool is_held;
    TRY(look(purger, old, &is_held));
    return is_held ? run_seq(purger->db, SQL_PURGE_LEAVE, old->seq) : purge_event(purger, old->seq);
}

static enum err walk(struct purger *purger, int64_t from, bool *more)
{
    int64_t reached = reached_by_all(purger), at = from;
    TRY(read_some(purger, SQL_SCAN, from));
    *more = purger->count == SOME;
    for (const struct old *old = purger->first; old != NULL; old = old->next) {
        if (old->seq > reached || !(is_old(purger, old) || is_out_of_order(purger, old, reached))) {
            *more = false;
            break;
        }
        TRY(pass(purger, old));
        at = old->seq;
    }
    if (at == from)
        return ERR_OK;
    TRY(note_missed(purger));
    return run_seq(purger->db, SQL_PURGE_MOVE, at);
}

/* What has become old, in the order of the log: it goes on where the run before it has stopped. */
static enum err purge_fresh(struct store *store, struct purge_run *run, bool *more)
{
    int64_t from;
    struct purger purger;
    TRY(db_number(store_db(store), "SELECT seq FROM purge WHERE id = 1", &from));
    enum err err = begin(store, run, &purger);
    if (err == ERR_OK)
        err = walk(&purger, from, more);
    arena_free(&purger.arena);
    return err;
}

static enum err look_again(struct purger *purger, bool *more)
{
    TRY(read_some(purger, SQL_PURGE_LEFT, purger->run->at));
    *more = purger->count == SOME;
    for (const struct old *old = purger->first; old != NULL; old = old->next) {
        bool is_held;
        purger->run->at = old->seq;
        TRY(look(purger, old, &is_held));
        if (is_held)
            continue;
        TRY(purge_event(purger, old->seq));
        TRY(run_seq(purger->db, SQL_PURGE_TAKE, old->seq));
    }
    return note_missed(purger);
}

/* What runs before have left. */
static enum err purge_left(struct store *store, struct purge_run *run, bool *more)
{
    struct purger purger;
    enum err err = begin(store, run, &purger);
    if (err == ERR_OK)
        err = look_again(&purger, more);
    arena_free(&purger.arena);
    return err;
}

/* All else. */

static const struct {
    enum sql sql;
    enum purge_kind kind;
    bool takes_date;
} sweeps[] = {
    {SQL_PURGE_QUARANTINE, PURGE_QUARANTINE, false},
    {SQL_PURGE_NOTICES, PURGE_NOTICES, false},
    {SQL_PURGE_PICKUPS, PURGE_PICKUPS, false},
    {SQL_PURGE_SCHEDULES, PURGE_SCHEDULES, false},
    {SQL_PURGE_CASES, PURGE_CASES, true},
    {SQL_PURGE_DELIVERIES, PURGE_DELIVERIES, true},
    {SQL_PURGE_PROOFS, PURGE_PROOFS, false},
};

#define SWEEPS ((int)(sizeof sweeps / sizeof sweeps[0]))

static enum err sweep(struct store *store, struct purge_run *run, int i, bool *more)
{
    char date[DATE_TEXT];
    struct db *db = store_db(store);
    date_write(date, limit_of(run) / DAY_MS);
    db_bind_int(db, sweeps[i].sql, 1, limit_of(run));
    db_bind_int(db, sweeps[i].sql, 2, SOME);
    if (sweeps[i].takes_date)
        db_bind_text(db, sweeps[i].sql, 3, span_of(date));
    TRY(db_run(db, sweeps[i].sql));
    int64_t gone = db_changes(db);
    run->counts[sweeps[i].kind] += gone;
    if (gone > 0 && sweeps[i].kind == PURGE_QUARANTINE)
        store_recount(store);
    *more = gone == SOME;
    return ERR_OK;
}

enum { STAGE_FRESH, STAGE_LEFT, STAGE_SWEEPS };

enum err purge_some(struct store *store, struct purge_run *run, bool *more)
{
    bool stays = false;
    if (run->stage == STAGE_FRESH)
        TRY(purge_fresh(store, run, &stays));
    else if (run->stage == STAGE_LEFT)
        TRY(purge_left(store, run, &stays));
    else
        TRY(sweep(store, run, run->stage - STAGE_SWEEPS, &stays));
    run->stage += !stays;
    *more = run->stage < STAGE_SWEEPS + SWEEPS;
    return ERR_OK;
}

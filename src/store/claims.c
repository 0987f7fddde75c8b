/* Leases, retries and dead letters: a small state machine, moved by claim, ack, nack and time alone. */
#include "store/claims.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/random.h"
#include "base/time.h"
#include "room.h"

/*
 *              claim                      ack
 *   (log) ──────────────► LEASED ─────────────────────► (done: no row)
 *                          │  ▲
 *     nack, or the lease   │  │ claim, once it is due
 *     has ended            ▼  │
 *                         WAITING         no attempt is left, or the fault is permanent
 *                          ▲  └───────┐   (from LEASED, too)
 *                   revive │          ▼
 *                          └──────── DEAD
 *
 * A lease whose time is over is as good as WAITING; its row changes when somebody claims.
 */
enum state { LEASED, WAITING, DEAD };

/* A row that is due, or one that is live. */
struct row {
    struct claim claim;
    enum state state;
    int64_t attempts, most;
    struct span worker, history;
    bool is_purged, is_damaged;
};

/* What a worker would be told of an event whose detail can't be unsealed. */
#define DAMAGED SPAN("the event's data can't be unsealed")

void lease_write(char text[CLAIM_LEASE_TEXT], const struct lease *lease)
{
    snprintf(text, CLAIM_LEASE_TEXT, "%" PRId64 ".%" PRId64, lease->seq, lease->token);
}

bool lease_read(struct span text, struct lease *lease)
{
    struct span rest = text;
    struct span seq = span_cut(&rest, '.');
    return num_parse(seq, &lease->seq) && num_parse(rest, &lease->token) && lease->seq > 0 &&
           lease->token > 0;
}

/* History. */

/* Without the oldest entries, so that one more has its place. */
static struct span shorten(struct arena *arena, struct span history)
{
    struct json_fault fault;
    struct buf out = {.arena = arena};
    struct json *list = json_parse(history, &fault);
    size_t count = json_count(list);
    json_open(&out, '[');
    for (size_t i = count < CLAIM_HISTORY_MAX ? 0 : count - CLAIM_HISTORY_MAX + 1; i < count; i++)
        json_put(&out, json_at(list, i));
    json_close(&out, ']');
    json_free(list);
    return buf_span(&out);
}

static struct span add_attempt(struct arena *arena, const struct row *row,
                               const struct claim_failure *failure)
{
    char at[TIME_TEXT];
    struct buf out = {.arena = arena};
    struct span before = shorten(arena, row->history);
    before.len--; /* its bracket */
    buf_add(&out, before);
    time_write(at, failure->now);
    json_open(&out, '{');
    json_add_int(&out, "attempt", row->attempts);
    json_add_str(&out, "at", span_of(at));
    json_add_str(&out, "worker", row->worker);
    json_add_str(&out, "error", failure->error);
    if (failure->more.len > 0)
        json_add_raw(&out, "more", failure->more);
    json_close(&out, '}');
    json_close(&out, ']');
    return buf_span(&out);
}

/* Longer with every attempt, and never twice the same. */
static int64_t backoff(int64_t attempts)
{
    int64_t ms = CLAIM_BACKOFF_MS;
    for (int64_t i = 1; i < attempts && ms < CLAIM_BACKOFF_MAX_MS; i++)
        ms *= 2;
    ms = ms < CLAIM_BACKOFF_MAX_MS ? ms : CLAIM_BACKOFF_MAX_MS;
    return random_between(ms / 2, ms);
}

/* Rows. */

static enum err write_failure(struct store *store, int64_t consumer, const struct row *row,
                              const struct claim_failure *failure, enum state state)
{
    struct db *db = store_db(store);
    struct arena arena CLEANUP(arena_free) = {0};
    int64_t wait = failure->retry_after >= 0 ? failure->retry_after : backoff(row->attempts);
    db_bind_int(db, SQL_CLAIM_FAIL, 1, consumer);
    db_bind_int(db, SQL_CLAIM_FAIL, 2, row->claim.lease.seq);
    db_bind_int(db, SQL_CLAIM_FAIL, 3, state);
    db_bind_int(db, SQL_CLAIM_FAIL, 4, state == DEAD ? failure->now : failure->now + wait);
    db_bind_text(db, SQL_CLAIM_FAIL, 5, add_attempt(&arena, row, failure));
    db_bind_text(db, SQL_CLAIM_FAIL, 6, failure->subject.at != NULL ? failure->subject : SPAN(""));
    return db_run(db, SQL_CLAIM_FAIL);
}

static struct row *read_due(struct arena *arena, struct db *db)
{
    struct row *row = arena_alloc(arena, sizeof *row);
    *row = (struct row){
        .claim = {.lease.seq = db_int(db, SQL_CLAIMS_DUE, 0), .event = room_event(arena, db, SQL_CLAIMS_DUE)},
        .state = (enum state)db_int(db, SQL_CLAIMS_DUE, 8),
        .attempts = db_int(db, SQL_CLAIMS_DUE, 9),
        .most = db_int(db, SQL_CLAIMS_DUE, 10),
        .worker = room_copy(arena, db, SQL_CLAIMS_DUE, 11),
        .history = room_copy(arena, db, SQL_CLAIMS_DUE, 12),
        .is_purged = db_is_null(db, SQL_CLAIMS_DUE, 7),
        .is_damaged = db_is_int(db, SQL_CLAIMS_DUE, 7),
    };
    return row;
}

static int64_t bytes_of(const struct claim *claim)
{
    return (int64_t)claim->event.detail_len;
}

static bool fits(const struct claim_list *list, const struct claim_order *order, int64_t bytes)
{
    return list->count == 0 || (list->count < order->max && list->bytes + bytes <= order->max_bytes);
}

static void add(struct claim_list *list, struct claim *claim)
{
    claim->next = NULL;
    *list->last = claim;
    list->last = &claim->next;
    list->count++;
    list->bytes += bytes_of(claim);
}

/* All rows that are due, as many as fit, before any is changed: the index they are found by changes with
 * them. */
static enum err find_due(struct store *store, struct arena *arena, int64_t consumer,
                         const struct claim_order *order, struct claim_list *list)
{
    bool has_row;
    struct db *db = store_db(store);
    db_bind_int(db, SQL_CLAIMS_DUE, 1, consumer);
    db_bind_int(db, SQL_CLAIMS_DUE, 2, order->now);
    db_bind_int(db, SQL_CLAIMS_DUE, 3, order->max);
    enum err err = db_step(db, SQL_CLAIMS_DUE, &has_row);
    while (err == ERR_OK && has_row && fits(list, order, (int64_t)db_span(db, SQL_CLAIMS_DUE, 7).len)) {
        add(list, &read_due(arena, db)->claim);
        err = db_step(db, SQL_CLAIMS_DUE, &has_row);
    }
    list->more = err == ERR_OK && has_row;
    db_reset(db, SQL_CLAIMS_DUE);
    return err;
}

/* A lease that has ended was an attempt that failed. */
static struct span end_lease(struct arena *arena, struct row *row, int64_t now)
{
    struct claim_failure failure = {.error = SPAN("lease expired"), .now = now};
    return row->state == LEASED ? add_attempt(arena, row, &failure) : row->history;
}

static enum err lease_again(struct store *store, struct arena *arena, const struct consumer *consumer,
                            const struct claim_order *order, struct row *row)
{
    struct db *db = store_db(store);
    struct claim *claim = &row->claim;
    claim->attempt = row->attempts + 1;
    claim->until = order->now + consumer->lease_ms;
    db_bind_int(db, SQL_CLAIM_AGAIN, 1, consumer->id);
    db_bind_int(db, SQL_CLAIM_AGAIN, 2, claim->lease.seq);
    db_bind_int(db, SQL_CLAIM_AGAIN, 3, consumer->max_attempts);
    db_bind_int(db, SQL_CLAIM_AGAIN, 4, claim->until);
    db_bind_int(db, SQL_CLAIM_AGAIN, 5, claim->lease.token);
    db_bind_text(db, SQL_CLAIM_AGAIN, 6, order->worker);
    db_bind_text(db, SQL_CLAIM_AGAIN, 7, end_lease(arena, row, order->now));
    return db_run(db, SQL_CLAIM_AGAIN);
}

static enum err forget(struct store *store, int64_t consumer, int64_t seq)
{
    db_bind_int(store_db(store), SQL_CLAIM_GONE, 1, consumer);
    db_bind_int(store_db(store), SQL_CLAIM_GONE, 2, seq);
    return db_run(store_db(store), SQL_CLAIM_GONE);
}

static enum err die(struct store *store, int64_t consumer, const struct row *row, struct span error,
                    int64_t now, struct claim_list *list)
{
    struct claim_failure failure = {.error = error, .retry_after = -1, .now = now};
    list->died++;
    return write_failure(store, consumer, row, &failure, DEAD);
}

/* Leases what is due, but for what is used up or damaged, which dies, and what was purged, which nobody can
 * work on. */
static enum err take_due(struct store *store, struct arena *arena, const struct consumer *consumer,
                         const struct claim_order *order, int64_t token, struct claim_list *list)
{
    struct claim_list due = {.last = &due.first};
    TRY(find_due(store, arena, consumer->id, order, &due));
    list->more = due.more;
    for (struct claim *claim = due.first, *next; claim != NULL; claim = next) {
        struct row *row = (struct row *)claim;
        next = claim->next;
        claim->lease.token = token;
        if (row->is_purged) {
            TRY(forget(store, consumer->id, claim->lease.seq));
        } else if (row->is_damaged) {
            TRY(die(store, consumer->id, row, DAMAGED, order->now, list));
        } else if (row->state == LEASED && row->attempts >= row->most) {
            TRY(die(store, consumer->id, row, SPAN("lease expired"), order->now, list));
        } else {
            TRY(lease_again(store, arena, consumer, order, row));
            add(list, claim);
        }
    }
    return ERR_OK;
}

static enum err lease_first(struct store *store, const struct consumer *consumer,
                            const struct claim_order *order, struct claim *claim)
{
    struct db *db = store_db(store);
    claim->attempt = 1;
    claim->until = order->now + consumer->lease_ms;
    db_bind_int(db, SQL_CLAIM_ADD, 1, consumer->id);
    db_bind_int(db, SQL_CLAIM_ADD, 2, claim->lease.seq);
    db_bind_int(db, SQL_CLAIM_ADD, 3, consumer->max_attempts);
    db_bind_int(db, SQL_CLAIM_ADD, 4, claim->until);
    db_bind_int(db, SQL_CLAIM_ADD, 5, claim->lease.token);
    db_bind_text(db, SQL_CLAIM_ADD, 6, order->worker);
    return db_run(db, SQL_CLAIM_ADD);
}

/* Fresh events, as a claim goes on in the log. */
struct search {
    struct store *store;
    struct arena *arena;
    const struct consumer *consumer;
    const struct claim_order *order;
    int64_t token;
    struct claim_list *list;
};

/* What nobody can work on is claimed by nobody, and dead at once. */
static enum err bury(const struct search *search, struct claim *claim)
{
    struct row row = {.claim = *claim, .attempts = 1, .worker = search->order->worker, .history = SPAN("[]")};
    TRY(lease_first(search->store, search->consumer, search->order, claim));
    return die(search->store, search->consumer->id, &row, DAMAGED, search->order->now, search->list);
}

/* Reads an event that is wanted, and claims it unless it was purged; *fits is false if it has to wait for the
 * next claim. */
static enum err take(const struct search *search, int64_t seq, bool *fits_list)
{
    bool row;
    struct db *db = store_db(search->store);
    struct claim *claim = NULL;
    *fits_list = true;
    db_bind_int(db, SQL_EVENT_AT, 1, seq);
    enum err err = db_step(db, SQL_EVENT_AT, &row);
    if (err == ERR_OK && row && !db_is_null(db, SQL_EVENT_AT, 7)) {
        *fits_list = fits(search->list, search->order, (int64_t)db_span(db, SQL_EVENT_AT, 7).len);
        claim = *fits_list ? arena_alloc(search->arena, sizeof *claim) : NULL;
    }
    if (claim != NULL)
        *claim = (struct claim){.lease = {seq, search->token},
                                .event = room_event(search->arena, db, SQL_EVENT_AT)};
    db_reset(db, SQL_EVENT_AT);
    if (err != ERR_OK || claim == NULL)
        return err;
    if (claim->event.detail == NULL)
        return bury(search, claim);
    add(search->list, claim);
    return lease_first(search->store, search->consumer, search->order, claim);
}

static bool is_wanted(struct db *db, const struct consumer_filter *filter)
{
    struct event event = {.origin = db_span(db, SQL_SCAN, 1),
                          .source = db_span(db, SQL_SCAN, 2),
                          .type = db_span(db, SQL_SCAN, 3),
                          .org = db_span(db, SQL_SCAN, 4)};
    return consumer_wants(filter, &event);
}

/* Goes on in the log from the cursor. Only what is wanted is read whole. */
static enum err take_fresh(const struct search *search)
{
    bool row, fits_list = true;
    struct db *db = store_db(search->store);
    const struct consumer *consumer = search->consumer;
    struct consumer_filter *filter = consumer_filter_new(search->arena, consumer);
    int64_t cursor = consumer->cursor, looked = 0;
    db_bind_int(db, SQL_SCAN, 1, cursor);
    db_bind_int(db, SQL_SCAN, 2, CONSUMER_SCAN);
    enum err err = db_step(db, SQL_SCAN, &row);
    while (err == ERR_OK && row) {
        int64_t seq = db_int(db, SQL_SCAN, 0);
        if (is_wanted(db, filter))
            err = take(search, seq, &fits_list);
        if (err != ERR_OK || !fits_list)
            break;
        cursor = seq;
        looked++;
        err = db_step(db, SQL_SCAN, &row);
    }
    search->list->more = search->list->more || row || looked == CONSUMER_SCAN;
    db_reset(db, SQL_SCAN);
    if (err != ERR_OK || cursor == consumer->cursor)
        return err;
    db_bind_int(db, SQL_CONSUMER_CURSOR, 1, consumer->id);
    db_bind_int(db, SQL_CONSUMER_CURSOR, 2, cursor);
    return db_run(db, SQL_CONSUMER_CURSOR);
}

enum err claim_next(struct store *store, struct arena *arena, const struct consumer *consumer,
                    const struct claim_order *order, struct claim_list *list)
{
    int64_t token = random_between(1, INT64_MAX); /* with the seq behind it, nobody else's */
    *list = (struct claim_list){.last = &list->first};
    TRY(consumer_see(store, consumer->id, order->now));
    if (consumer->paused)
        return ERR_OK;
    TRY(take_due(store, arena, consumer, order, token, list));
    struct search search = {store, arena, consumer, order, token, list};
    return list->count < order->max ? take_fresh(&search) : ERR_OK;
}

/* What a worker says of its lease. */

static void bind_lease(struct db *db, enum sql sql, int64_t consumer, const struct lease *lease, int64_t now)
{
    db_bind_int(db, sql, 1, consumer);
    db_bind_int(db, sql, 2, lease->seq);
    db_bind_int(db, sql, 3, lease->token);
    db_bind_int(db, sql, 4, now);
}

enum err claim_ack(struct store *store, int64_t consumer, const struct lease *lease, int64_t now,
                   enum claim_result *result)
{
    struct db *db = store_db(store);
    bind_lease(db, SQL_CLAIM_DONE, consumer, lease, now);
    TRY(db_run(db, SQL_CLAIM_DONE));
    *result = db_changes(db) > 0 ? CLAIM_DONE : CLAIM_EXPIRED;
    return ERR_OK;
}

enum err claim_extend(struct store *store, int64_t consumer, const struct lease *lease, int64_t ms,
                      int64_t now, enum claim_result *result)
{
    struct db *db = store_db(store);
    bind_lease(db, SQL_CLAIM_EXTEND, consumer, lease, now);
    db_bind_int(db, SQL_CLAIM_EXTEND, 5, now + ms);
    TRY(db_run(db, SQL_CLAIM_EXTEND));
    *result = db_changes(db) > 0 ? CLAIM_DONE : CLAIM_EXPIRED;
    return ERR_OK;
}

enum err claim_nack(struct store *store, int64_t consumer, const struct lease *lease,
                    const struct claim_failure *failure, enum claim_result *result)
{
    bool has_row;
    struct db *db = store_db(store);
    struct arena arena CLEANUP(arena_free) = {0};
    struct row row = {.claim.lease = *lease};
    bind_lease(db, SQL_CLAIM_LIVE, consumer, lease, failure->now);
    enum err err = db_step(db, SQL_CLAIM_LIVE, &has_row);
    *result = CLAIM_EXPIRED;
    if (err == ERR_OK && has_row) {
        row.attempts = db_int(db, SQL_CLAIM_LIVE, 0);
        row.most = db_int(db, SQL_CLAIM_LIVE, 1);
        row.worker = room_copy(&arena, db, SQL_CLAIM_LIVE, 2);
        row.history = room_copy(&arena, db, SQL_CLAIM_LIVE, 3);
        *result = failure->permanent || row.attempts >= row.most ? CLAIM_DEAD : CLAIM_DONE;
    }
    db_reset(db, SQL_CLAIM_LIVE);
    if (err != ERR_OK || *result == CLAIM_EXPIRED)
        return err;
    return write_failure(store, consumer, &row, failure, *result == CLAIM_DEAD ? DEAD : WAITING);
}

enum err claim_revive(struct store *store, int64_t consumer, struct span org, int64_t seq, int64_t limit,
                      int64_t now, int64_t *count)
{
    struct db *db = store_db(store);
    db_bind_int(db, SQL_CLAIM_REVIVE, 1, consumer);
    db_bind_text(db, SQL_CLAIM_REVIVE, 2, org);
    db_bind_int(db, SQL_CLAIM_REVIVE, 3, seq);
    db_bind_int(db, SQL_CLAIM_REVIVE, 4, now);
    db_bind_int(db, SQL_CLAIM_REVIVE, 5, limit);
    TRY(db_run(db, SQL_CLAIM_REVIVE));
    *count = db_changes(db);
    return ERR_OK;
}

enum err claim_mend(struct store *store, int64_t consumer, struct span org, struct span subject, int64_t now,
                    int64_t *count)
{
    struct db *db = store_db(store);
    db_bind_int(db, SQL_CLAIM_MEND, 1, consumer);
    db_bind_text(db, SQL_CLAIM_MEND, 2, org);
    db_bind_text(db, SQL_CLAIM_MEND, 3, subject);
    db_bind_int(db, SQL_CLAIM_MEND, 4, now);
    TRY(db_run(db, SQL_CLAIM_MEND));
    *count = db_changes(db);
    return ERR_OK;
}

/* Looking. */

enum err claim_next_due(struct view *view, int64_t consumer, int64_t *next)
{
    bool row;
    db_bind_int(view->db, SQL_CLAIM_NEXT_DUE, 1, consumer);
    enum err err = db_step(view->db, SQL_CLAIM_NEXT_DUE, &row);
    bool has_due = err == ERR_OK && row && !db_is_null(view->db, SQL_CLAIM_NEXT_DUE, 0);
    *next = has_due ? db_int(view->db, SQL_CLAIM_NEXT_DUE, 0) : INT64_MAX;
    db_reset(view->db, SQL_CLAIM_NEXT_DUE);
    return err;
}

enum err claim_look(struct view *view, struct arena *arena, int64_t consumer, int64_t seq,
                    struct claim_state *state)
{
    bool row;
    *state = (struct claim_state){0};
    db_bind_int(view->db, SQL_CLAIM_LOOK, 1, consumer);
    db_bind_int(view->db, SQL_CLAIM_LOOK, 2, seq);
    enum err err = db_step(view->db, SQL_CLAIM_LOOK, &row);
    if (err == ERR_OK && row)
        *state = (struct claim_state){
            .known = true,
            .state = (int)db_int(view->db, SQL_CLAIM_LOOK, 0),
            .attempts = db_int(view->db, SQL_CLAIM_LOOK, 1),
            .due = db_int(view->db, SQL_CLAIM_LOOK, 2),
            .worker = room_copy(arena, view->db, SQL_CLAIM_LOOK, 3),
            .history = room_copy(arena, view->db, SQL_CLAIM_LOOK, 4),
        };
    db_reset(view->db, SQL_CLAIM_LOOK);
    return err;
}

enum err claim_each_dead(struct view *view, int64_t consumer, struct span org, int64_t after, int64_t limit,
                         dead_letter_fn *fn, void *arg)
{
    bool row;
    struct db *db = view->db;
    db_bind_int(db, SQL_CLAIMS_DEAD, 1, consumer);
    db_bind_text(db, SQL_CLAIMS_DEAD, 2, org);
    db_bind_int(db, SQL_CLAIMS_DEAD, 3, after);
    db_bind_int(db, SQL_CLAIMS_DEAD, 4, limit);
    enum err err = db_step(db, SQL_CLAIMS_DEAD, &row);
    while (err == ERR_OK && row) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct dead_letter letter = {
            .seq = db_int(db, SQL_CLAIMS_DEAD, 0),
            .event = room_event(&arena, db, SQL_CLAIMS_DEAD),
            .attempts = db_int(db, SQL_CLAIMS_DEAD, 8),
            .died = db_int(db, SQL_CLAIMS_DEAD, 9),
            .history = db_span(db, SQL_CLAIMS_DEAD, 10),
        };
        fn(arg, &letter);
        err = db_step(db, SQL_CLAIMS_DEAD, &row);
    }
    db_reset(db, SQL_CLAIMS_DEAD);
    return err;
}

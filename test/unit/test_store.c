/* The database file: what is kept once, what is bounded, and what is left alone. */
#include "store/store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shelf.h"
#include "store/reseal.h"

#define DAY INT64_C(86400000)

static void note_whole_event(void *arg, const struct view_event *row)
{
    const struct event *event = &row->event;
    separate(arg);
    buf_printf(arg, "%lld %.*s %.*s %.*s %.*s %lld %.*s", (long long)row->seq, (int)event->origin.len,
               event->origin.at, (int)event->source.len, event->source.at, (int)event->type.len,
               event->type.at, (int)event->org.len, event->org.at, (long long)event->time,
               (int)event->detail_len, event->detail);
}

/*
 * SQLite asks libc to sync; these stand before libc's, count, and pass on. A kill can't show that a sync is
 * missing, only a power cut could.
 */
static int syncs;

int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fsync, fd);
}

static void check_whole_event(struct shelf *shelf, const struct event_id *id, const char *want)
{
    struct buf seen = {.arena = &shelf->arena};
    struct view *view = open_view(shelf);
    assert_int_equal(view_event(view, id, note_whole_event, &seen), ERR_OK);
    view_close(view);
    check_text("event", buf_span(&seen), want);
}

static void note_seq(void *arg, const struct view_event *row)
{
    struct buf *seen = arg;
    buf_printf(seen, "%s%lld", seen->len > 0 ? " " : "", (long long)row->seq);
}

static void check_seqs(struct shelf *shelf, const char *source, const char *type, int64_t since,
                       int64_t limit, const char *want)
{
    struct view_filter filter = {span_of(source), span_of(type), since, limit};
    struct buf seen = {.arena = &shelf->arena};
    struct view *view = open_view(shelf);
    assert_int_equal(view_events(view, &filter, note_seq, &seen), ERR_OK);
    view_close(view);
    check_text("seqs", buf_span(&seen), want);
}

static void an_event_is_stored_whole(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job job = event_job(shelf, "dentrix", "a", 1700000000123);
    check_written(store, job, ERR_OK, false);
    store_close(store);
    check_whole_event(shelf, &job.event.id,
                      "1 dentrix ehr.dentrix PickupRequested default 1700000000123 "
                      "{\"requestTime\":\"2026-11-20T16:00:00Z\",\"of\":\"a\"}");
}

static void one_id_is_one_event(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job batch[] = {event_job(shelf, "dentrix", "a", 1), event_job(shelf, "dentrix", "b", 2),
                                event_job(shelf, "dentrix", "a", 3), event_job(shelf, "other", "a", 4)};
    write_batch(store, batch, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(batch[i].err, ERR_OK);
        assert_int_equal(batch[i].duplicate, i == 2);
    }
    check_written(store, event_job(shelf, "dentrix", "a", 5), ERR_OK, true);
    store_close(store);
    store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "b", 6), ERR_OK, true);
    check_written(store, event_job(shelf, "dentrix", "c", 7), ERR_OK, false);
    store_close(store);
    check_events(shelf, "dentrix 1 a; dentrix 2 b; other 4 a; dentrix 7 c");
}

/* An event that was delivered to a consumer must never get the number of another, purge or no purge. */
static void seq_never_starts_again(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    check_written(store, event_job(shelf, "dentrix", "b", 2), ERR_OK, false);
    store_close(store);
    check_seqs(shelf, "", "", INT64_MIN, 100, "1 2");
    change(shelf, "DELETE FROM events");
    store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "c", 3), ERR_OK, false);
    store_close(store);
    check_seqs(shelf, "", "", INT64_MIN, 100, "3");
}

static void a_purged_event_is_remembered(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    store_close(store);
    change(shelf, "UPDATE events SET detail = NULL");
    store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 2), ERR_OK, true);
    store_close(store);
    check_events(shelf, "dentrix 1 (purged)");
}

static void quarantine_counts_repeats(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job again = quarantine_job(shelf, "dentrix", "{}", 3);
    struct store_job batch[] = {quarantine_job(shelf, "dentrix", "x", 2),
                                quarantine_job(shelf, "dentrix", "x", 4)};
    check_written(store, quarantine_job(shelf, "dentrix", "{}", 1), ERR_OK, false);
    again.faults = SPAN("[\"Missing externalId\"]"); /* the definition has been changed meanwhile */
    check_written(store, again, ERR_OK, true);
    write_batch(store, batch, 2);
    assert_false(batch[0].duplicate);
    assert_true(batch[1].duplicate);
    store_close(store);
    check_quarantine(shelf, "",
                     "dentrix 1-3 x2 [\"Missing externalId\"] {}; "
                     "dentrix 2-4 x2 [\"Missing practiceId\"] x");
    check_events(shelf, "");
}

/* A retry that fails for another reason says so, and is no new arrival. */
static void faults_are_replaced(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 1000);
    struct store_job job = quarantine_job(shelf, "dentrix", "a", 3);
    struct store_job gone = quarantine_job(shelf, "dentrix", "b", 4);
    check_written(store, quarantine_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "c", 2), ERR_OK, false);
    job.kind = gone.kind = STORE_FAULTS;
    job.faults = gone.faults = SPAN("[\"Invalid priority\"]");
    check_written(store, job, ERR_OK, false);
    check_written(store, gone, ERR_OK, false); /* of a row that has left meanwhile */
    store_close(store);
    check_quarantine(shelf, "",
                     "dentrix 1-1 x1 [\"Invalid priority\"] a; dentrix 2-2 x1 [\"Missing practiceId\"] c");
}

/* What cannot even be read as JSON is kept to the byte. */
static void any_body_is_kept(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job job = quarantine_job(shelf, "dentrix", "", 1);
    check_written(store, job, ERR_OK, false);
    job = quarantine_job(shelf, "dentrix", "binary", 2);
    job.body = (struct span){"\0\xff{", 3};
    check_written(store, job, ERR_OK, false);
    store_close(store);
    struct buf why = {.arena = &shelf->arena};
    struct db *db = db_open(shelf->path, DB_READ, &why);
    assert_int_equal(number_in(db, "SELECT count(*) FROM quarantine WHERE hex(body) IN ('', '00FF7B')"), 2);
    db_close(db);
}

static void quarantine_is_bounded_by_rows(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 1000);
    check_written(store, quarantine_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "b", 2), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "c", 3), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "dentrix", "a", 4), ERR_OK, true); /* needs no room */
    check_written(store, quarantine_job(shelf, "other", "c", 5), ERR_OK, false);  /* has its own */
    check_written(store, event_job(shelf, "dentrix", "d", 6), ERR_OK, false);     /* needs none of it */
    store_close(store);
    store = open_limited(shelf, 2, 1000);
    check_written(store, quarantine_job(shelf, "dentrix", "c", 7), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "other", "d", 8), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "other", "e", 9), ERR_QUARANTINE_FULL, false);
    store_close(store);
}

static void quarantine_is_bounded_by_bytes(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1000, 10);
    check_written(store, quarantine_job(shelf, "dentrix", "12345678901", 1), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "dentrix", "1234", 2), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "1234567", 3), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "dentrix", "123456", 4), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "x", 5), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "other", "1234567890", 6), ERR_OK, false);
    store_close(store);
    store = open_limited(shelf, 1000, 10);
    check_written(store, quarantine_job(shelf, "dentrix", "x", 7), ERR_QUARANTINE_FULL, false);
    check_written(store, event_job(shelf, "dentrix", "1234", 8), ERR_OK, false); /* makes room again */
    check_written(store, quarantine_job(shelf, "dentrix", "12345", 9), ERR_QUARANTINE_FULL, false);
    check_written(store, quarantine_job(shelf, "dentrix", "abcd", 10), ERR_OK, false);
    store_close(store);
}

/* 503 for one webhook is no reason to refuse those that share its transaction. */
static void a_full_quarantine_spares_the_rest_of_the_batch(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job batch[] = {event_job(shelf, "dentrix", "a", 1), quarantine_job(shelf, "dentrix", "b", 2),
                                quarantine_job(shelf, "dentrix", "c", 3), event_job(shelf, "dentrix", "d", 4),
                                quarantine_job(shelf, "eaglesoft", "e", 5)};
    write_batch(store, batch, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(batch[i].err, i == 2 ? ERR_QUARANTINE_FULL : ERR_OK);
    store_close(store);
    check_events(shelf, "dentrix 1 a; dentrix 4 d");
    check_quarantine(shelf, "",
                     "dentrix 2-2 x1 [\"Missing practiceId\"] b; "
                     "eaglesoft 5-5 x1 [\"Missing practiceId\"] e");
}

/* The pickup was asked for when the webhook first came, not when somebody mended the definition. */
static void an_event_leaves_quarantine_with_its_first_arrival(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job event = event_job(shelf, "dentrix", "a", 3 * DAY);
    check_written(store, quarantine_job(shelf, "dentrix", "a", DAY), ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "a", 2 * DAY), ERR_OK, true);
    check_written(store, event, ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "b", 4 * DAY), ERR_OK, false); /* there is room */
    check_written(store, event_job(shelf, "dentrix", "c", 5 * DAY), ERR_OK, false);
    store_close(store);
    check_whole_event(shelf, &event.event.id,
                      "1 dentrix ehr.dentrix PickupRequested default 86400000 "
                      "{\"requestTime\":\"1970-01-02T00:00:00Z\",\"of\":\"a\"}");
    check_events(shelf, "dentrix 86400000 a; dentrix 432000000 c");
    check_quarantine(shelf, "", "dentrix 345600000-345600000 x1 [\"Missing practiceId\"] b");
}

static void quarantine_is_left_within_one_batch_too(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job batch[] = {quarantine_job(shelf, "dentrix", "a", DAY),
                                event_job(shelf, "dentrix", "a", 2 * DAY),
                                quarantine_job(shelf, "dentrix", "b", 3 * DAY)};
    write_batch(store, batch, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(batch[i].err, ERR_OK);
    assert_true(batch[1].event.time == DAY);
    store_close(store);
    check_quarantine(shelf, "", "dentrix 259200000-259200000 x1 [\"Missing practiceId\"] b");
}

/* Or whoever has captured a webhook could fill quarantine with it, under a header that nobody signed. */
static void a_known_event_is_not_quarantined(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job batch[] = {event_job(shelf, "dentrix", "a", 1), quarantine_job(shelf, "dentrix", "a", 2),
                                quarantine_job(shelf, "dentrix", "b", 3),
                                quarantine_job(shelf, "dentrix", "a", 4)};
    write_batch(store, batch, 4); /* the last finds quarantine full, which does not matter */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(batch[i].err, ERR_OK);
        assert_int_equal(batch[i].duplicate, i % 2);
        assert_int_equal(batch[i].known, i % 2);
        assert_false(batch[i].changed);
    }
    store_close(store);
    check_quarantine(shelf, "", "dentrix 3-3 x1 [\"Missing practiceId\"] b");
    check_events(shelf, "dentrix 1 a");
}

/* In a file of an earlier pickupd an id may be in both tables. */
static void a_duplicate_leaves_quarantine_as_well(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    store_close(store);
    change(shelf, "INSERT INTO quarantine (id, origin, org, first_seen, last_seen, count, faults, body)"
                  " SELECT id, origin, org, 2, 2, 1, '[]', x'61' FROM events");
    store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 3), ERR_OK, true);
    store_close(store);
    check_quarantine(shelf, "", "");
    check_events(shelf, "dentrix 1 a");
}

static void forbid_growing_files(bool forbid)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = forbid ? 0 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As on a full disk: nothing of the batch is kept, every job says so, and afterwards all is as before. */
static void a_failed_write_keeps_nothing(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 1, 1000);
    struct store_job batch[] = {
        event_job(shelf, "dentrix", "a", 1), quarantine_job(shelf, "dentrix", "b", 2), {.kind = STORE_PROBE}};
    check_written(store, (struct store_job){.kind = STORE_PROBE}, ERR_OK, false);
    forbid_growing_files(true);
    write_batch(store, batch, 3);
    forbid_growing_files(false);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(batch[i].err, ERR_FULL);
    check_events(shelf, "");
    check_quarantine(shelf, "", "");
    write_batch(store, batch, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(batch[i].err, ERR_OK);
        assert_false(batch[i].duplicate);
    }
    store_close(store);
    check_events(shelf, "dentrix 1 a");
    check_quarantine(shelf, "", "dentrix 2-2 x1 [\"Missing practiceId\"] b");
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Why the file could not be made is told as it was, and a later start makes it. */
static void a_migration_without_room_says_so(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    limit_files(36864); /* the log's index, and some pages of the log */
    struct store *store = store_open(shelf->path, &wide, &why);
    forbid_growing_files(false);
    assert_null(store);
    assert_string_equal(strrchr(buf_text(&why), ':'), ": disk I/O error");
    store_close(open_store(shelf));
}

static rlim_t log_bytes(struct shelf *shelf)
{
    struct buf path = {.arena = &shelf->arena};
    struct stat log;
    buf_printf(&path, "%s-wal", shelf->path);
    assert_int_equal(stat(buf_text(&path), &log), 0);
    return (rlim_t)log.st_size;
}

/* Where there is room for one of two, it is for the one that is no webhook. */
static void a_webhook_gives_way(void **state)
{
    struct shelf *shelf = *state;
    struct store_limits limits = {1000, 1000000, 1 << 20, STORE_LOG_PAGES};
    struct buf why = {.arena = &shelf->arena};
    struct store *store = store_open(shelf->path, &limits, &why);
    assert_non_null(store);
    struct store_job batch[] = {event_job(shelf, "dentrix", "a", 1),
                                quarantine_job(shelf, "dentrix", "b", 2)};
    batch[0].webhook = true;
    batch[0].event.detail_len = 500000;
    batch[0].event.detail = memset(arena_alloc(&shelf->arena, 500000), ' ', 500000);
    check_int("state", store_state(store), ERR_OK);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(log_bytes(shelf) + 100000);
    write_batch(store, batch, 2);
    assert_int_equal(batch[0].err, ERR_FULL);
    assert_int_equal(batch[1].err, ERR_OK);
    check_int("state", store_state(store), ERR_FULL);
    write_batch(store, batch, 1);
    assert_int_equal(batch[0].err, ERR_FULL);
    forbid_growing_files(false);
    while (store_state(store) != ERR_OK)
        store_tend(store);
    write_batch(store, batch, 1);
    assert_int_equal(batch[0].err, ERR_OK);
    store_close(store);
    check_quarantine(shelf, "", "dentrix 2-2 x1 [\"Missing practiceId\"] b");
}

/* A row that SQLite refuses ends the transaction for those before it, too. */
static void a_failure_in_the_middle_keeps_nothing(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job batch[] = {event_job(shelf, "dentrix", "a", 1), quarantine_job(shelf, "dentrix", "b", 2),
                                quarantine_job(shelf, "dentrix", "c", 3),
                                event_job(shelf, "dentrix", "d", 4)};
    batch[2].faults = (struct span){NULL, 0}; /* the table says NOT NULL */
    write_batch(store, batch, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(batch[i].err, ERR_STORE);
    check_events(shelf, "");
    check_quarantine(shelf, "", "");
    check_written(store, event_job(shelf, "dentrix", "e", 5), ERR_OK, false);
    store_close(store);
    check_events(shelf, "dentrix 5 e");
    check_quarantine(shelf, "", "");
}

static void note_use(void *arg, struct span origin, int64_t rows, int64_t bytes)
{
    separate(arg);
    buf_printf(arg, "%.*s %lld %lld", (int)origin.len, origin.at, (long long)rows, (long long)bytes);
}

static void check_uses(struct shelf *shelf, const struct store *store, const char *want)
{
    struct buf seen = {.arena = &shelf->arena};
    counts_each_use(store_counts(store), note_use, &seen);
    check_text("uses", buf_span(&seen), want);
}

static uint64_t events_of(const struct store *store, const char *type)
{
    const struct store_counts *counts = store_counts(store);
    for (size_t i = 0; i < atomic_load(&counts->type_count); i++)
        if (strcmp(counts->types[i], type) == 0)
            return atomic_load(&counts->events[i]);
    return atomic_load(&counts->events[COUNTS_TYPES]);
}

/* Neither duplicates nor what was undone. */
static void what_is_kept_is_counted(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_limited(shelf, 2, 1000);
    struct histogram_values jobs;
    struct store_job batch[] = {event_job(shelf, "dentrix", "a", 1), event_job(shelf, "dentrix", "a", 2),
                                event_job(shelf, "dentrix", "b", 3),
                                quarantine_job(shelf, "dentrix", "c", 4)};
    batch[2].event.type = SPAN("Invented");
    write_batch(store, batch, 4);
    check_int("requested", (int64_t)events_of(store, "PickupRequested"), 1);
    check_int("invented", (int64_t)events_of(store, "Invented"), 1);
    check_uses(shelf, store, "dentrix 1 1");
    struct store_job failing[] = {event_job(shelf, "dentrix", "d", 5),
                                  quarantine_job(shelf, "dentrix", "e", 6)};
    failing[1].faults = (struct span){NULL, 0}; /* the table says NOT NULL */
    write_batch(store, failing, 2);
    struct store_job parts[] = {event_job(shelf, "dentrix", "f", 7), quarantine_job(shelf, "dentrix", "g", 8),
                                quarantine_job(shelf, "dentrix", "h", 9)};
    parts[0].part = &parts[1];
    parts[1].part = &parts[2];
    write_batch(store, parts, 1);
    assert_int_equal(parts[0].err, ERR_QUARANTINE_FULL);
    check_written(store, event_job(shelf, "eaglesoft", "i", 10), ERR_OK, false);
    check_int("requested", (int64_t)events_of(store, "PickupRequested"), 2);
    check_uses(shelf, store, "dentrix 1 1");
    histogram_read(&store_counts(store)->commit_jobs, &jobs);
    check_int("transactions", (int64_t)jobs.count, 3);
    check_int("jobs", (int64_t)jobs.sum, 6);
    check_int("failures", (int64_t)atomic_load(&store_counts(store)->failures), 1);
    store_close(store);
}

static void a_checkpoint_is_timed(void **state)
{
    struct shelf *shelf = *state;
    struct store_limits limits = {1000, 1000000, 0, 1};
    struct buf why = {.arena = &shelf->arena};
    struct histogram_values times;
    struct store *store = store_open(shelf->path, &limits, &why);
    for (int i = 1; i <= 2; i++) {
        char body[] = {(char)('a' + i), '\0'};
        check_written(store, event_job(shelf, "dentrix", body, 1), ERR_OK, false);
        store_tend(store);
        store_tend(store); /* with nothing to move */
        histogram_read(&store_counts(store)->checkpoint_time, &times);
        check_int("checkpoints", (int64_t)times.count, i);
    }
    store_close(store);
}

/* Whoever publishes can't take the places of what is known, nor more than there are. */
static void types_are_bounded(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    for (int i = 0; i < 40; i++) {
        struct buf type = {.arena = &shelf->arena};
        buf_printf(&type, "Type%d", i);
        struct store_job job = event_job(shelf, "dentrix", arena_copy(&shelf->arena, buf_span(&type)), 1);
        job.event.type = buf_span(&type);
        write_batch(store, &job, 1);
    }
    check_written(store, event_job(shelf, "dentrix", "last", 1), ERR_OK, false);
    check_int("the first", (int64_t)events_of(store, "Type0"), 1);
    check_int("the last with a place", (int64_t)events_of(store, "Type25"), 1);
    check_int("all others", (int64_t)events_of(store, "Type26"), 14);
    check_int("known from the start", (int64_t)events_of(store, "PickupRequested"), 1);
    store_close(store);
}

static const char *log_of(struct shelf *shelf)
{
    struct buf path = {.arena = &shelf->arena};
    buf_printf(&path, "%s-wal", shelf->path);
    return buf_text(&path);
}

/* A file that is not there has none. */
static struct span bytes_of(struct shelf *shelf, const char *path)
{
    struct buf bytes = {.arena = &shelf->arena};
    char block[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return buf_span(&bytes);
    for (size_t len; (len = fread(block, 1, sizeof block, file)) > 0;)
        buf_add(&bytes, (struct span){block, len});
    fclose(file);
    return buf_span(&bytes);
}

/* Opening must fail, say this, and leave the file as it is. */
static void check_left_alone(struct shelf *shelf, const char *want)
{
    struct buf why = {.arena = &shelf->arena};
    struct span before = bytes_of(shelf, shelf->path);
    struct span log_before = bytes_of(shelf, log_of(shelf));
    assert_null(store_open(shelf->path, &wide, &why));
    CHECK(want, strstr(buf_text(&why), want) != NULL);
    CHECK(want, strstr(buf_text(&why), shelf->path) == why.at);
    CHECK(want, span_is(before, bytes_of(shelf, shelf->path)));
    CHECK(want, span_is(log_before, bytes_of(shelf, log_of(shelf))));
}

static void a_foreign_database_is_left_alone(void **state)
{
    struct shelf *shelf = *state;
    change(shelf, "CREATE TABLE events (id TEXT); INSERT INTO events VALUES ('theirs')");
    check_left_alone(shelf, "is a database of another program");
    change(shelf, "PRAGMA application_id = 42");
    check_left_alone(shelf, "is a database of another program");
}

/* Their last commits stand in their log: moving them into the file is theirs to do. */
static void a_foreign_log_is_left_alone(void **state)
{
    struct shelf *shelf = *state;
    change(shelf, "PRAGMA journal_mode = WAL");
    change(shelf, "CREATE TABLE theirs (id TEXT)");
    assert_true(bytes_of(shelf, log_of(shelf)).len > 0);
    check_left_alone(shelf, "is a database of another program");
}

static void a_later_version_is_left_alone(void **state)
{
    struct shelf *shelf = *state;
    struct buf sql = {.arena = &shelf->arena};
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    store_close(store);
    buf_printf(&sql, "PRAGMA user_version = %d", store_version() + 1);
    change(shelf, buf_text(&sql));
    check_left_alone(shelf, "was written by a later pickupd");
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    struct shelf *shelf = *state;
    FILE *file = fopen(shelf->path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("not a database\n", file);
    fclose(file);
    check_left_alone(shelf, "file is not a database");
}

static void a_missing_directory_is_named(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct buf path = {.arena = &shelf->arena};
    buf_printf(&path, "%s/missing/pickupd.db", shelf->dir);
    assert_null(store_open(buf_text(&path), &wide, &why));
    CHECK(buf_text(&why), strstr(buf_text(&why), "missing/pickupd.db: No such file or directory") != NULL);
    why = (struct buf){.arena = &shelf->arena};
    assert_null(view_open(buf_text(&path), &why));
    CHECK(buf_text(&why), why.len > 0);
}

static void check_mode(const char *path)
{
    struct stat info;
    CHECK(path, stat(path, &info) == 0);
    check_int(path, info.st_mode & 0777, 0600);
}

static void nobody_else_may_read_the_files(void **state)
{
    struct shelf *shelf = *state;
    mode_t mask = umask(0);
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    umask(mask);
    check_mode(shelf->path);
    check_mode(log_of(shelf));
    store_close(store);
}

static void a_new_file_is_marked_as_ours(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    store_close(open_store(shelf));
    struct db *db = db_open(shelf->path, DB_READ, &why);
    assert_int_equal(number_in(db, "PRAGMA user_version"), store_version());
    assert_int_equal(number_in(db, "PRAGMA application_id"), 0x706b7570);
    assert_int_equal(number_in(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    db_close(db);
}

/* Only the one who writes may checkpoint: closing a view must not move what is in the log. */
static void a_view_never_writes(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct store *store = open_store(shelf);
    check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
    struct span before = bytes_of(shelf, shelf->path);
    size_t log_size = bytes_of(shelf, log_of(shelf)).len;
    assert_true(log_size > 0);
    struct db *db = db_open(shelf->path, DB_READ, &why);
    assert_int_equal(db_exec(db, "DELETE FROM events"), ERR_STORE);
    db_close(db);
    check_events(shelf, "dentrix 1 a");
    assert_true(span_is(before, bytes_of(shelf, shelf->path)));
    assert_int_equal(bytes_of(shelf, log_of(shelf)).len, log_size);
    store_close(store);
}

static void probing_leaves_no_event(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    check_written(store, (struct store_job){.kind = STORE_PROBE}, ERR_OK, false);
    check_written(store, (struct store_job){.kind = STORE_PROBE}, ERR_OK, false);
    store_close(store);
    check_events(shelf, "");
}

static void a_view_filters_events(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job batch[] = {event_job(shelf, "north", "a", 100), event_job(shelf, "south", "b", 200),
                                event_job(shelf, "north", "c", 300), event_job(shelf, "east", "d", 400)};
    batch[2].event.type = SPAN("Other");
    batch[3].event.source = SPAN("ehr.north");
    write_batch(store, batch, 4);
    check_seqs(shelf, "", "", INT64_MIN, 100, "1 2 3 4");
    check_seqs(shelf, "north", "", INT64_MIN, 100, "1 3");
    check_seqs(shelf, "ehr.north", "", INT64_MIN, 100, "1 3 4");
    check_seqs(shelf, "nor", "", INT64_MIN, 100, "");
    check_seqs(shelf, "", "Other", INT64_MIN, 100, "3");
    check_seqs(shelf, "", "PickupRequested", INT64_MIN, 100, "1 2 4");
    check_seqs(shelf, "north", "PickupRequested", INT64_MIN, 100, "1");
    check_seqs(shelf, "", "", 200, 100, "2 3 4");
    check_seqs(shelf, "", "", 201, 100, "3 4");
    check_seqs(shelf, "", "", INT64_MIN, 2, "3 4"); /* the newest, still in the order of the log */
    check_seqs(shelf, "north", "", INT64_MIN, 1, "3");
    check_seqs(shelf, "", "", INT64_MIN, 0, "");
    store_close(store);
}

static void a_view_finds_one_row_by_its_id(void **state)
{
    struct shelf *shelf = *state;
    struct buf seen = {.arena = &shelf->arena};
    struct store *store = open_store(shelf);
    struct store_job event = event_job(shelf, "dentrix", "a", 1);
    struct store_job kept = quarantine_job(shelf, "south", "b", 2);
    check_written(store, event, ERR_OK, false);
    check_written(store, kept, ERR_OK, false);
    check_written(store, quarantine_job(shelf, "dentrix", "c", 1), ERR_OK, false);
    store_close(store);
    struct view *view = open_view(shelf);
    assert_int_equal(view_event(view, &event.event.id, note_event, &seen), ERR_OK);
    assert_int_equal(view_quarantine_one(view, &kept.event.id, note_quarantine, &seen), ERR_OK);
    assert_int_equal(view_event(view, &kept.event.id, note_event, &seen), ERR_NOT_FOUND);
    assert_int_equal(view_quarantine_one(view, &event.event.id, note_quarantine, &seen), ERR_NOT_FOUND);
    view_close(view);
    check_text("one of each", buf_span(&seen), "dentrix 1 a; south 2-2 x1 [\"Missing practiceId\"] b");
    check_quarantine(shelf, "south", "south 2-2 x1 [\"Missing practiceId\"] b");
    check_quarantine(shelf, "ehr.south", "");
}

static void what_is_written_has_been_synced(void **state)
{
    struct shelf *shelf = *state;
    struct store *store = open_store(shelf);
    struct store_job jobs[] = {event_job(shelf, "dentrix", "a", 1), quarantine_job(shelf, "dentrix", "b", 2)};
    for (size_t i = 0; i < 2; i++) {
        int before = syncs;
        check_written(store, jobs[i], ERR_OK, false);
        assert_true(syncs > before);
    }
    store_close(store);
}

/* Keys. */

#define K1 "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define K2 "k2 ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="

static struct seal *ring(const char *text)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct seal *seal = seal_new();
    assert_true(seal_read(seal, span_of(text), "keys", &faults));
    return seal;
}

static void check_current(struct seal *seal, const char *id)
{
    struct seal_key *key = seal_current(seal);
    check_text("current", seal_id(key), id);
    seal_release(key);
}

struct taking {
    struct store_job job; /* first */
    struct seal *keys;
};

static enum err call_adopt(struct store *store, struct store_job *job)
{
    struct buf why CLEANUP(buf_free) = {0};
    return store_adopt(store, ((struct taking *)job)->keys, &why);
}

static enum err call_lose(struct store *store, struct store_job *job)
{
    (void)store, (void)job;
    return ERR_STORE;
}

/* Whoever is told that nothing has changed may throw the new key away. */
static void keys_are_changed_by_what_is_kept(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct seal *seal = ring(K1), *both = ring(K2 "\n" K1);
    struct store *store = store_open_sealed(shelf->path, &wide, seal, &why);
    struct taking taking = {.job = {.kind = STORE_CALL, .call = call_adopt}, .keys = both};
    struct store_job lost = {.kind = STORE_CALL, .call = call_lose};
    taking.job.mail.next = &lost.mail;
    store_write(store, &taking.job);
    check_int("lost with the other", taking.job.err, ERR_STORE);
    check_current(seal, "k1");
    taking.job.mail.next = NULL;
    store_write(store, &taking.job);
    check_int("kept", taking.job.err, ERR_OK);
    check_current(seal, "k2");
    store_close(store);
    seal_free(seal);
    seal_free(both);
}

struct walking {
    struct store_job job; /* first */
    struct arena arena;
    struct reseal_place from, to;
};

static enum err call_walk(struct store *store, struct store_job *job)
{
    struct walking *walking = (struct walking *)job;
    return reseal_step(store, &walking->arena, &walking->from, &walking->to);
}

/* To the end, in one step or, where others have the processor, in several. */
static void walk(struct store *store, struct walking *walking)
{
    do {
        store_write(store, &walking->job);
        check_int("a step", walking->job.err, ERR_OK);
        walking->from = walking->to;
    } while (!walking->to.done);
}

static void take(struct store *store, struct seal *keys)
{
    struct taking taking = {.job = {.kind = STORE_CALL, .call = call_adopt}, .keys = keys};
    store_write(store, &taking.job);
    check_int("keys taken", taking.job.err, ERR_OK);
}

/* What the one between has sealed where the walk has been would stay, and that key be forgotten. */
static void a_key_that_went_and_came_back_has_all_walked_again(void **state)
{
    struct shelf *shelf = *state;
    struct buf why = {.arena = &shelf->arena};
    struct seal *seal = ring(K1 "\n" K2), *first = ring(K1 "\n" K2), *second = ring(K2 "\n" K1);
    struct store *store = store_open_sealed(shelf->path, &wide, seal, &why);
    struct walking walking = {.job = {.kind = STORE_CALL, .call = call_walk}};
    walk(store, &walking);
    for (int64_t changes = 0; changes < 2; changes++) {
        walking.from.column = 2; /* past the events */
        walking.from.begun = walking.from.done = false;
        if (changes > 0) {
            take(store, second);
            check_written(store, event_job(shelf, "dentrix", "a", 1), ERR_OK, false);
            take(store, first);
        }
        walk(store, &walking);
        check_int("sealed anew", walking.to.sealed, changes);
    }
    store_close(store);
    arena_free(&walking.arena);
    seal_free(seal);
    seal_free(first);
    seal_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(what_is_written_has_been_synced),
        SHELF_TEST(an_event_is_stored_whole),
        SHELF_TEST(one_id_is_one_event),
        SHELF_TEST(seq_never_starts_again),
        SHELF_TEST(a_purged_event_is_remembered),
        SHELF_TEST(quarantine_counts_repeats),
        SHELF_TEST(faults_are_replaced),
        SHELF_TEST(any_body_is_kept),
        SHELF_TEST(quarantine_is_bounded_by_rows),
        SHELF_TEST(quarantine_is_bounded_by_bytes),
        SHELF_TEST(a_full_quarantine_spares_the_rest_of_the_batch),
        SHELF_TEST(an_event_leaves_quarantine_with_its_first_arrival),
        SHELF_TEST(quarantine_is_left_within_one_batch_too),
        SHELF_TEST(a_known_event_is_not_quarantined),
        SHELF_TEST(a_duplicate_leaves_quarantine_as_well),
        SHELF_TEST(a_failed_write_keeps_nothing),
        SHELF_TEST(a_migration_without_room_says_so),
        SHELF_TEST(a_webhook_gives_way),
        SHELF_TEST(a_failure_in_the_middle_keeps_nothing),
        SHELF_TEST(what_is_kept_is_counted),
        SHELF_TEST(types_are_bounded),
        SHELF_TEST(a_checkpoint_is_timed),
        SHELF_TEST(a_foreign_database_is_left_alone),
        SHELF_TEST(a_foreign_log_is_left_alone),
        SHELF_TEST(a_later_version_is_left_alone),
        SHELF_TEST(a_file_that_is_no_database_is_left_alone),
        SHELF_TEST(a_missing_directory_is_named),
        SHELF_TEST(nobody_else_may_read_the_files),
        SHELF_TEST(a_new_file_is_marked_as_ours),
        SHELF_TEST(a_view_never_writes),
        SHELF_TEST(probing_leaves_no_event),
        SHELF_TEST(a_view_filters_events),
        SHELF_TEST(a_view_finds_one_row_by_its_id),
        SHELF_TEST(keys_are_changed_by_what_is_kept),
        SHELF_TEST(a_key_that_went_and_came_back_has_all_walked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

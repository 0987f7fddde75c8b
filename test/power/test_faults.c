/* The disk refuses: no acknowledged job is lost, and the store goes on as soon as it can. */
#include <fcntl.h>

#include "remains.h"
#include "run.h"
#include "shim.h"

#define BATCHES 17

/* In a short run not every call is failed in every way. */
static bool is_long;

/* One run with one fault. */
struct trial {
    struct run run;
    struct shelf shelf;
    size_t patience; /* refusals until a lasting fault goes away */
    const char *complaint;
};

static struct {
    size_t runs, refused, stopped, unopened;
} totals;

static void complain(struct trial *trial, const char *complaint)
{
    if (trial->complaint == NULL)
        trial->complaint = complaint;
}

/* The store says on standard error what it can't write; that is not what these tests are read for. */
static int hush(void)
{
    int kept = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(kept >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
    close(null);
    return kept;
}

static void speak(int kept)
{
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
}

/* A server that can't open its store says why and stops; it is started again when the fault is gone. */
static bool open_at_last(struct trial *trial)
{
    struct buf why = {.arena = &trial->shelf.arena};
    size_t struck = shim.fault.struck;
    if (run_open(&trial->run, &why))
        return true;
    totals.unopened++;
    if (shim.fault.struck == struck)
        complain(trial, "does not open without a fault");
    if (strchr(buf_text(&why), ':') == NULL)
        complain(trial, "stops without a message");
    shim.fault.calls = 0;
    if (run_open(&trial->run, &why))
        return true;
    complain(trial, "does not open when the fault is gone");
    return false;
}

/*
 * After a failed sync nothing is written any more, and the server is started again. What a cut finds before
 * that may be what was refused, though it was taken back: in the books the start promises nothing.
 */
static bool restart(struct trial *trial, size_t batch)
{
    struct run *run = &trial->run;
    totals.stopped++;
    while (!store_may_close(run->store))
        if (trial->patience-- == 0)
            shim.fault.calls = 0;
    size_t ops = run->disk.count;
    if (run_batch(run, batch))
        complain(trial, "goes on after a failed sync");
    run_close(run);
    if (run->disk.count != ops)
        complain(trial, "writes after a failed sync");
    ledger_begin(&run->ledger, run->disk.count);
    if (!open_at_last(trial))
        return false;
    ledger_end(&run->ledger, run->disk.count, false, ledger_digest(run->reader));
    return true;
}

/* The sender repeats what was refused; a lasting fault goes away after some repeats. */
static bool give(struct trial *trial, size_t batch)
{
    struct run *run = &trial->run;
    for (;;) {
        size_t struck = shim.fault.struck;
        uint64_t before = ledger_digest(run->reader);
        bool kept = run_batch(run, batch);
        bool stops = store_state(run->store) == ERR_SYNC;
        if (kept)
            return !stops || restart(trial, batch);
        totals.refused++;
        if (shim.fault.struck == struck)
            complain(trial, "refuses without a fault");
        if (ledger_digest(run->reader) != before)
            complain(trial, "keeps what it refuses");
        if (stops && !restart(trial, batch))
            return false;
        if (shim.fault.calls == 0 && !stops)
            return true;
        if (trial->patience-- == 0)
            shim.fault.calls = 0;
    }
}

static bool work(struct trial *trial)
{
    struct run *run = &trial->run;
    ledger_begin(&run->ledger, 0);
    if (!open_at_last(trial))
        return false;
    ledger_end(&run->ledger, run->disk.count, true, ledger_digest(run->reader));
    for (size_t i = 0; i < BATCHES; i++) {
        if (i == BATCHES / 2) {
            run_close(run);
            if (!open_at_last(trial))
                return false;
        }
        if (!give(trial, i))
            return false;
    }
    return true;
}

static void audit(struct trial *trial, const char *path, size_t at)
{
    struct buf why = {.arena = &trial->shelf.arena};
    struct store *store = store_open(path, &wide, &why);
    struct db *reader = store != NULL ? ledger_reader(path) : NULL;
    enum finding finding = reader != NULL ? ledger_check(&trial->run.ledger, reader, at) : FINDING_NO_START;
    if (finding != FINDING_NONE)
        complain(trial, finding_texts[finding]);
    if (reader != NULL)
        db_close(reader);
    if (store != NULL)
        store_close(store);
}

/* A disk that failed may lose its power, too. */
static void audit_after_cuts(struct trial *trial, uint64_t seed)
{
    size_t count = trial->run.disk.count;
    for (uint64_t i = 0; i < (is_long ? 16 : 8); i++) {
        size_t at = i == 0 ? count : roll(&seed, count + 1);
        struct disk_cut cut = {at, i, i % 2 ? DISK_TEARS_4096 : DISK_TEARS_512, DISK_DIRECTORY_WHOLE, false};
        remains_put(&trial->shelf, &trial->run.disk, &cut, NULL);
        audit(trial, remains_path(&trial->shelf, ""), at);
    }
}

static const char *run_with(struct shelf *shelf, struct shim_fault fault)
{
    struct trial trial = {.shelf = *shelf, .patience = fault.sticky ? 3 : 0};
    trial.shelf.arena = (struct arena){0};
    trial.run = (struct run){.shelf = &trial.shelf, .path = shelf->path, .filler = 900, .log_pages = 20};
    shim.disk = &trial.run.disk;
    shim.path = shelf->path;
    shim.fault = fault;
    bool worked = work(&trial);
    shim.disk = NULL;
    if (worked) {
        run_close(&trial.run); /* may fail, too, with nobody to tell */
        shim.fault.calls = 0;
        audit(&trial, shelf->path, trial.run.disk.count);
        audit_after_cuts(&trial, fault.after + 1);
    }
    totals.runs++;
    run_free(&trial.run);
    arena_free(&trial.shelf.arena);
    return trial.complaint;
}

/* Each of these calls in turn, once and for good, for both errors. */
static void fail_each(struct shelf *shelf, const char *name, unsigned calls)
{
    size_t complaints = 0;
    int kept = hush();
    memset(&totals, 0, sizeof totals);
    assert_null(run_with(shelf, (struct shim_fault){.calls = calls, .after = SIZE_MAX}));
    size_t count = shim.fault.seen;
    size_t step = count > 20 && !is_long ? 3 : 1;
    for (size_t i = 0; i < count * 4; i += step) {
        struct shim_fault fault = {
            .calls = calls, .after = i / 4, .error = i % 2 ? SHIM_IO : SHIM_NO_SPACE, .sticky = i / 2 % 2};
        const char *complaint = run_with(shelf, fault);
        if (complaint != NULL && complaints++ < 5)
            printf("%s %zu, %s, %s: %s\n", name, fault.after, i % 2 ? "EIO" : "ENOSPC",
                   fault.sticky ? "lasting" : "once", complaint);
    }
    speak(kept);
    printf("%s: %zu calls, %zu runs, %zu batches refused, %zu stops, %zu starts failed, %zu complaints\n",
           name, count, totals.runs, totals.refused, totals.stopped, totals.unopened, complaints);
    assert_true(count > 0);
    assert_int_equal(complaints, 0);
}

static void a_write_fails(void **state)
{
    fail_each(*state, "write", SHIM_WRITE);
}

static void a_sync_fails(void **state)
{
    fail_each(*state, "sync", SHIM_SYNC);
}

static void a_truncation_fails(void **state)
{
    fail_each(*state, "truncate", SHIM_TRUNCATE);
}

static void a_deletion_fails(void **state)
{
    fail_each(*state, "delete", SHIM_DELETE);
}

static void an_opening_fails(void **state)
{
    fail_each(*state, "open", SHIM_OPEN);
}

static void the_index_of_the_log_finds_no_room(void **state)
{
    fail_each(*state, "index", SHIM_SHARE);
}

static void a_sync_of_the_directory_fails(void **state)
{
    fail_each(*state, "directory", SHIM_DIRECTORY);
}

static void anything_fails(void **state)
{
    if (!is_long)
        skip();
    fail_each(*state, "any", SHIM_ALL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(a_write_fails),
        SHELF_TEST(a_sync_fails),
        SHELF_TEST(a_truncation_fails),
        SHELF_TEST(a_deletion_fails),
        SHELF_TEST(an_opening_fails),
        SHELF_TEST(the_index_of_the_log_finds_no_room),
        SHELF_TEST(a_sync_of_the_directory_fails),
        SHELF_TEST(anything_fails),
    };
    is_long = argc > 1 && strcmp(argv[1], "1") != 0;
    shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

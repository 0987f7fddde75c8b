/* The power goes at any moment: what was acknowledged is there, once and whole. */
#include "remains.h"
#include "run.h"
#include "shim.h"

/* Seeds of each cut. */
static size_t seeds = 1;

/* One recorded run, cut again and again. */
struct trial {
    const char *name;
    struct run *run;
    enum disk_tearing tearing;
    enum disk_directory directory;
    size_t cuts;
    size_t found[FINDING_COUNT];
};

static bool takes_more(struct shelf *shelf, struct store *store, struct db *reader)
{
    struct store_job job = event_job(shelf, "dentrix", "after the cut", 1);
    uint64_t before = ledger_digest(reader);
    write_batch(store, &job, 1);
    return job.err == ERR_OK && !job.duplicate && ledger_digest(reader) != before;
}

static enum finding audit(const struct run *run, struct shelf *shelf, size_t at)
{
    struct buf why = {.arena = &shelf->arena};
    struct store *store = store_open(remains_path(shelf, ""), &wide, &why);
    struct db *reader = store != NULL ? ledger_reader(remains_path(shelf, "")) : NULL;
    if (store == NULL)
        return FINDING_NO_START;
    enum finding finding = reader != NULL ? ledger_check(&run->ledger, reader, at) : FINDING_CORRUPT;
    if (finding == FINDING_NONE && !takes_more(shelf, store, reader))
        finding = FINDING_STUCK;
    if (reader != NULL)
        db_close(reader);
    store_close(store);
    return finding;
}

static void cut_once(struct trial *trial, size_t at, uint64_t seed)
{
    struct disk_cut cut = {at, seed, trial->tearing, trial->directory, false};
    struct shelf shelf = *trial->run->shelf;
    shelf.arena = (struct arena){0};
    remains_put(&shelf, &trial->run->disk, &cut, NULL);
    enum finding finding = audit(trial->run, &shelf, at);
    trial->cuts++;
    if (finding != FINDING_NONE && trial->found[finding]++ == 0)
        printf("%s: cut %zu, seed %llu: %s\n", trial->name, at, (unsigned long long)seed,
               finding_texts[finding]);
    arena_free(&shelf.arena);
}

static size_t findings(const struct trial *trial)
{
    size_t count = 0;
    for (enum finding finding = FINDING_NONE + 1; finding < FINDING_COUNT; finding++)
        count += trial->found[finding];
    return count;
}

static void print(const struct trial *trial)
{
    printf("%s: %zu cuts, %zu lost, %zu in part, %zu corrupt, %zu did not open, %zu stuck\n", trial->name,
           trial->cuts, trial->found[FINDING_LOST], trial->found[FINDING_PARTIAL],
           trial->found[FINDING_CORRUPT], trial->found[FINDING_NO_START], trial->found[FINDING_STUCK]);
}

/* How often the log began anew, which is when most of it is at stake. */
static size_t log_starts(const struct disk *disk)
{
    size_t count = 0;
    for (size_t i = 0; i < disk->count; i++)
        count += disk->ops[i].kind == DISK_WRITE && disk->ops[i].name == DISK_LOG && disk->ops[i].at == 0;
    return count;
}

/* Every moment of a short run, whose log starts over every few batches. */
static void cut_short_run(struct trial *trial, struct shelf *shelf, bool psow)
{
    struct run run = {.shelf = shelf, .path = shelf->path, .filler = 900, .log_pages = 25};
    shim.psow = psow;
    run_whole(&run, 32);
    assert_true(log_starts(&run.disk) > 4);
    trial->run = &run;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        for (size_t at = 0; at <= run.disk.count; at++)
            cut_once(trial, at, seed);
    print(trial);
    run_free(&run);
}

/* Moments by chance of a long run, whose log has the program's own length. */
static void cut_long_run(struct trial *trial, struct shelf *shelf, size_t cuts)
{
    struct run run = {.shelf = shelf, .path = shelf->path, .filler = 12000, .log_pages = STORE_LOG_PAGES};
    uint64_t chance = 88172645463325252;
    shim.psow = false;
    run_whole(&run, 250);
    assert_true(log_starts(&run.disk) > 3);
    trial->run = &run;
    for (size_t i = 0; i < cuts * seeds; i++)
        cut_once(trial, roll(&chance, run.disk.count + 1), i);
    print(trial);
    run_free(&run);
}

/* The batch that was under way at that moment, or the next. */
static size_t batch_at(const struct run *run, size_t at)
{
    size_t act = 1;
    while (act < run->ledger.act_count && run->ledger.acts[act].ended <= at)
        act++;
    return act - 1;
}

/*
 * A run is interrupted at some moment, by a kill or by a cut, and goes on: the sender repeats what was not
 * acknowledged, and gets its answer. Then the power goes.
 */
static void cut_second_life(struct trial *trial, const struct run *first, size_t at, bool killed)
{
    struct shelf shelf = *first->shelf;
    shelf.arena = (struct arena){0};
    struct buf why = {.arena = &shelf.arena};
    struct run run = {.shelf = &shelf,
                      .path = remains_path(&shelf, ""),
                      .filler = first->filler,
                      .log_pages = first->log_pages};
    struct disk_cut cut = {at, at + 1, trial->tearing, trial->directory, killed};
    size_t batch = batch_at(first, at);
    remains_put(&shelf, &first->disk, &cut, killed ? NULL : &run.disk);
    if (killed)
        disk_copy(&run.disk, &first->disk, at);
    shim.disk = &run.disk;
    shim.path = run.path;
    ledger_begin(&run.ledger, 0);
    if (!run_open(&run, &why))
        fail_msg("%s", buf_text(&why));
    ledger_end(&run.ledger, run.disk.count, true, ledger_digest(run.reader));
    assert_true(run_batch(&run, batch));
    size_t from = run.disk.count;
    assert_true(run_batch(&run, batch + 1));
    shim.disk = NULL;
    run_close(&run);
    trial->run = &run;
    for (size_t i = 0; i < 3 * seeds; i++)
        cut_once(trial, from + (i % 3) * (run.disk.count - from) / 2, at * 1000 + i);
    run_free(&run);
    arena_free(&shelf.arena);
}

static void cut_second_lives(struct trial *trial, struct shelf *shelf, bool killed)
{
    struct run run = {.shelf = shelf, .path = shelf->path, .filler = 900, .log_pages = 25};
    shim.psow = false;
    run_whole(&run, 32);
    for (size_t at = 0; at + 1 < run.ledger.acts[run.ledger.act_count - 2].begun; at++)
        cut_second_life(trial, &run, at, killed);
    print(trial);
    run_free(&run);
}

static void sectors_of_512_bytes_lose_nothing(void **state)
{
    struct trial trial = {.name = "psow=0, 512", .tearing = DISK_TEARS_512};
    cut_short_run(&trial, *state, false);
    assert_int_equal(findings(&trial), 0);
}

/* This is what `psow=0` is for: see what becomes of it otherwise, two tests on. */
static void sectors_of_4096_bytes_lose_nothing(void **state)
{
    struct trial trial = {.name = "psow=0, 4096", .tearing = DISK_TEARS_4096};
    cut_short_run(&trial, *state, false);
    assert_int_equal(findings(&trial), 0);
}

static void psow_loses_nothing_where_sectors_have_512_bytes(void **state)
{
    struct trial trial = {.name = "psow=1, 512", .tearing = DISK_TEARS_512};
    cut_short_run(&trial, *state, true);
    assert_int_equal(findings(&trial), 0);
}

/* Were it not so, the tests above would tear too little to prove anything. */
static void psow_loses_where_sectors_have_4096_bytes(void **state)
{
    struct trial trial = {.name = "psow=1, 4096", .tearing = DISK_TEARS_4096};
    cut_short_run(&trial, *state, true);
    assert_true(trial.found[FINDING_LOST] > 0);
}

/* No file is kept because SQLite happened to sync the directory for another. */
static void no_name_depends_on_the_sync_of_another(void **state)
{
    struct trial trial = {.name = "names", .tearing = DISK_TEARS_512, .directory = DISK_DIRECTORY_BY_NAMES};
    cut_short_run(&trial, *state, false);
    assert_int_equal(findings(&trial), 0);
}

static void a_long_run_loses_nothing(void **state)
{
    struct trial narrow = {.name = "long, 512", .tearing = DISK_TEARS_512};
    struct trial broad = {.name = "long, 4096", .tearing = DISK_TEARS_4096};
    cut_long_run(&narrow, *state, 100);
    cut_long_run(&broad, *state, 100);
    assert_int_equal(findings(&narrow) + findings(&broad), 0);
}

/* What was written and not synced is read again after a kill, so a repeat of it is no news. */
static void what_a_kill_left_unsynced_is_synced(void **state)
{
    struct trial trial = {.name = "kill, cut", .tearing = DISK_TEARS_512};
    cut_second_lives(&trial, *state, true);
    assert_int_equal(findings(&trial), 0);
}

static void a_second_cut_loses_nothing(void **state)
{
    struct trial trial = {.name = "cut, cut", .tearing = DISK_TEARS_4096};
    cut_second_lives(&trial, *state, false);
    assert_int_equal(findings(&trial), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(sectors_of_512_bytes_lose_nothing),
        SHELF_TEST(sectors_of_4096_bytes_lose_nothing),
        SHELF_TEST(psow_loses_nothing_where_sectors_have_512_bytes),
        SHELF_TEST(psow_loses_where_sectors_have_4096_bytes),
        SHELF_TEST(no_name_depends_on_the_sync_of_another),
        SHELF_TEST(what_a_kill_left_unsynced_is_synced),
        SHELF_TEST(a_second_cut_loses_nothing),
        SHELF_TEST(a_long_run_loses_nothing),
    };
    if (argc > 1)
        seeds = (size_t)atoi(argv[1]);
    shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

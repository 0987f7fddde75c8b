/* Batches of all kinds, eight in a row. */
#include "run.h"

#include "shim.h"

static const struct store_match run_matches[] = {
    {{"dentrix", 7}, {"first", 5}, 1}, {{"dentrix", 7}, {"second", 6}, 2}, {{"other", 5}, {"first", 5}, 3}};

/* The n-th body of a batch, which makes the id; some are long. */
static const char *body_of(struct run *run, size_t number, size_t n)
{
    struct buf body = {.arena = &run->shelf->arena};
    buf_printf(&body, "%zu-%zu ", number, n);
    for (size_t i = 0; i < run->filler && (number + n) % 5 == 0; i++)
        buf_add_char(&body, (char)('a' + (i + number) % 26));
    return buf_text(&body);
}

static struct store_job *add(struct run *run, enum store_kind kind, size_t number, size_t n)
{
    struct store_job *job = &run->jobs[run->job_count++];
    const char *body = body_of(run, number, n);
    int64_t time = (int64_t)number * 1000;
    *job = kind == STORE_QUARANTINE ? quarantine_job(run->shelf, "dentrix", body, time)
                                    : event_job(run->shelf, "dentrix", body, time);
    job->kind = kind;
    return job;
}

static void add_event(struct run *run, size_t number, size_t n)
{
    ledger_expect(&run->ledger, &add(run, STORE_EVENT, number, n)->event.id, PLACE_EVENTS);
}

static void add_quarantine(struct run *run, size_t number, size_t n)
{
    ledger_expect(&run->ledger, &add(run, STORE_QUARANTINE, number, n)->event.id, PLACE_QUARANTINE);
}

static void add_clear(struct run *run, size_t number, size_t n)
{
    ledger_expect(&run->ledger, &add(run, STORE_CLEAR, number, n)->event.id, PLACE_NOWHERE);
}

static void make_events(struct run *run, size_t number)
{
    for (size_t n = 0; n < 3; n++)
        add_event(run, number, n);
}

static void make_quarantine(struct run *run, size_t number)
{
    for (size_t n = 0; n < 5; n++)
        add_quarantine(run, number, n);
}

/* Of what the batch before quarantined, one comes again, and one maps by now. */
static void make_repeats(struct run *run, size_t number)
{
    add_quarantine(run, number - 1, 0);
    add_event(run, number - 1, 1);
    add_event(run, number, 2);
    add_event(run, number, 2);
}

static void join(struct run *run)
{
    for (size_t i = 0; i + 1 < run->job_count; i++)
        run->jobs[i].part = &run->jobs[i + 1];
}

/* One webhook of many rows. */
static void make_parts(struct run *run, size_t number)
{
    make_events(run, number);
    add_quarantine(run, number, 3);
    add_event(run, number, 4);
    join(run);
}

/* The retry of a quarantined batch: it goes, its rows come. */
static void make_retry(struct run *run, size_t number)
{
    add_clear(run, number - 3, 2);
    add_event(run, number, 1);
    add_quarantine(run, number, 2);
    join(run);
}

static void make_clear(struct run *run, size_t number)
{
    add_clear(run, number - 4, 3);
    add(run, STORE_FAULTS, number - 4, 4)->faults = SPAN("[\"Invalid priority\"]");
    *add(run, STORE_MATCHES, number, 0) =
        (struct store_job){.kind = STORE_MATCHES, .matches = run_matches, .match_count = 3};
}

static void make_probe(struct run *run, size_t number)
{
    add(run, STORE_PROBE, number, 0);
}

static void make_long(struct run *run, size_t number)
{
    size_t filler = run->filler;
    run->filler *= 4;
    add_event(run, number, 5 - number % 5);
    run->filler = filler;
}

static void (*const makers[])(struct run *, size_t) = {
    make_events, make_quarantine, make_repeats, make_parts, make_retry, make_clear, make_probe, make_long,
};

bool run_batch(struct run *run, size_t number)
{
    run->job_count = 0;
    ledger_begin(&run->ledger, run->disk.count);
    makers[number % 8](run, number);
    if (run->jobs[0].part != NULL)
        write_batch(run->store, run->jobs, 1);
    else
        write_batch(run->store, run->jobs, run->job_count);
    bool kept = run->jobs[0].err == ERR_OK;
    ledger_end(&run->ledger, run->disk.count, kept, ledger_digest(run->reader));
    store_tend(run->store);
    return kept;
}

bool run_open(struct run *run, struct buf *why)
{
    run->store =
        store_open(run->path, &(struct store_limits){1000000, INT64_MAX / 2, 0, run->log_pages}, why);
    if (run->store == NULL)
        return false;
    unsigned failing = shim.fault.calls;
    shim.fault.calls = 0; /* the reader is not what is tested */
    run->reader = ledger_reader(run->path);
    shim.fault.calls = failing;
    if (run->reader != NULL)
        return true;
    buf_add(why, SPAN("no reader"));
    store_close(run->store);
    return false;
}

void run_close(struct run *run)
{
    db_close(run->reader); /* the last one checkpoints */
    store_close(run->store);
}

static void open_soundly(struct run *run)
{
    struct buf why = {.arena = &run->shelf->arena};
    if (!run_open(run, &why))
        fail_msg("%s", buf_text(&why));
}

void run_whole(struct run *run, size_t batches)
{
    shim.disk = &run->disk;
    shim.path = run->path;
    ledger_begin(&run->ledger, 0);
    open_soundly(run);
    ledger_end(&run->ledger, run->disk.count, true, ledger_digest(run->reader));
    for (size_t i = 0; i < batches; i++) {
        if (i == batches / 2) {
            run_close(run);
            open_soundly(run);
        }
        assert_true(run_batch(run, i));
    }
    run_close(run);
    shim.disk = NULL;
}

void run_free(struct run *run)
{
    for (size_t i = 0; i < DISK_NAMES; i++) {
        struct buf path = {.arena = &run->shelf->arena};
        buf_printf(&path, "%s%s", run->path, disk_endings[i]);
        unlink(buf_text(&path));
    }
    disk_free(&run->disk);
    ledger_free(&run->ledger);
}

/* One step at a time through all that is old; an hour later again. */
#include "flow/retention.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "flow/flows.h"
#include "store/purge.h"

#define EVERY_MS 3600000
#define PAUSE_MS 20    /* between two steps: nobody waits for it, and the disk has others to serve */
#define RETRY_MS 10000 /* after a step that the disk did not take, or while webhooks are shed */
#define DAY_MS   INT64_C(86400000)

struct retention {
    struct store_job job; /* first: it comes back from the writer */
    struct view *view;
    struct writer *writer;
    struct loop_timer *timer;
    int64_t kept; /* ms */
    bool flows_off;
    struct purge_run run;  /* as it was committed */
    struct purge_run next; /* as the step leaves it */
    bool more;
    int64_t looked; /* when consumers were looked at last, or 0 */
    struct audit_entry entry;
    struct buf what; /* of the entry */
    bool stopped;
};

/* What a step has purged is audited with it, so that no kill comes between. */
static void tell_audit(struct retention *retention)
{
    const struct purge_run *before = &retention->run, *now = &retention->next;
    struct buf *what = &retention->what;
    what->len = 0;
    retention->entry.silent = true;
    json_open(what, '{');
    json_add_int(what, "days", now->kept / DAY_MS);
    for (int i = 0; i < PURGE_KINDS; i++) {
        if (now->counts[i] == before->counts[i])
            continue;
        json_add_int(what, purge_names[i], now->counts[i] - before->counts[i]);
        retention->entry.silent = false;
    }
    json_close(what, '}');
    retention->entry.what = buf_span(what);
}

/* May be run again, and then begins where it did before. Webhooks wait meanwhile. */
static enum err step(struct store *store, struct store_job *job)
{
    struct retention *retention = (struct retention *)job;
    int64_t end = time_monotonic() + FLOWS_STEP_US;
    retention->next = retention->run;
    do {
        TRY(purge_some(store, &retention->next, &retention->more));
    } while (retention->more && time_monotonic() < end);
    tell_audit(retention);
    return ERR_OK;
}

/* Consumers. */

/* A line a day for each: whether another day of its silence has begun since consumers were looked at last. */
static bool is_new(const struct retention *retention, const struct consumer *consumer)
{
    return retention->looked == 0 ||
           (retention->run.now - consumer->seen) / DAY_MS != (retention->looked - consumer->seen) / DAY_MS;
}

static void tell_of(const struct retention *retention, const struct consumer *consumer, int64_t silent)
{
    char *name CLEANUP(mem_drop) = mem_copy(consumer->name);
    char *org CLEANUP(mem_drop) = mem_copy(consumer->org);
    if (silent < CONSUMER_SILENT_MS)
        log_event(LOG_WARN, "a consumer is silent: soon what it has not done is purged",
                  LOG_STR("consumer", name), LOG_STR("org", org), LOG_NUM("silent_days", silent / DAY_MS),
                  LOG_NUM("days_left", (CONSUMER_SILENT_MS - silent + DAY_MS - 1) / DAY_MS));
    else if (consumer->missed > 0 && retention->run.counts[PURGE_MISSED] > 0)
        log_event(LOG_WARN, "a consumer has been silent for so long that it missed events",
                  LOG_STR("consumer", name), LOG_STR("org", org), LOG_NUM("silent_days", silent / DAY_MS),
                  LOG_NUM("missed", consumer->missed));
}

/* Copied: they are asked about once the list's statement is done. */
struct silent {
    struct silent *next;
    struct consumer consumer;
};

struct look {
    const struct retention *retention;
    struct arena arena;
    struct silent *first;
};

static void keep_silent(void *arg, const struct consumer *consumer)
{
    struct look *look = arg;
    bool is_off = look->retention->flows_off && consumer->id == CONSUMER_FLOWS;
    if (is_off || look->retention->run.now - consumer->seen < CONSUMER_WARN_MS)
        return;
    struct silent *silent = arena_alloc(&look->arena, sizeof *silent);
    *silent = (struct silent){look->first, *consumer};
    silent->consumer.name.at = arena_copy(&look->arena, consumer->name);
    silent->consumer.org.at = arena_copy(&look->arena, consumer->org);
    look->first = silent;
}

static void tell_of_silent(struct retention *retention)
{
    struct look look = {.retention = retention};
    enum err err = consumer_each_of_all(retention->view, keep_silent, &look);
    for (const struct silent *silent = look.first; err == ERR_OK && silent != NULL; silent = silent->next) {
        bool owes = false;
        int64_t for_ms = retention->run.now - silent->consumer.seen;
        if (for_ms < CONSUMER_SILENT_MS && is_new(retention, &silent->consumer))
            err = consumer_owes(retention->view, &silent->consumer, &owes);
        if (owes || for_ms >= CONSUMER_SILENT_MS)
            tell_of(retention, &silent->consumer, for_ms);
    }
    retention->looked = retention->run.now;
    arena_free(&look.arena);
}

/* Runs. */

static void tell_of_run(const struct purge_run *run)
{
    struct log_field fields[PURGE_KINDS + 1] = {LOG_NUM("days", run->kept / DAY_MS)};
    size_t count = 1;
    for (int i = 0; i < PURGE_KINDS; i++)
        if (run->counts[i] > 0)
            fields[count++] = LOG_NUM(purge_names[i], run->counts[i]);
    if (count > 1)
        log_write(LOG_INFO, "purged", fields, count);
}

static void go_on(struct retention *retention)
{
    bool goes = writer_admits(retention->writer, 0) == ERR_OK &&
                writer_put(retention->writer, &retention->job) == ERR_OK;
    if (!goes)
        loop_timer_set(retention->timer, RETRY_MS);
}

static void go(void *arg)
{
    struct retention *retention = arg;
    if (retention->stopped)
        return;
    if (!retention->more)
        retention->run =
            (struct purge_run){.now = time_now(), .kept = retention->kept, .flows_off = retention->flows_off};
    go_on(retention);
}

static void on_stepped(struct store_job *job)
{
    struct retention *retention = (struct retention *)job;
    if (job->err == ERR_OK)
        retention->run = retention->next;
    if (job->err == ERR_OK && !retention->more) {
        tell_of_run(&retention->run);
        tell_of_silent(retention);
    }
    if (retention->stopped)
        return;
    if (job->err != ERR_OK) {
        retention->more = true; /* of the same run */
        log_event_limited(LOG_ERROR, "the purge waits for the disk", LOG_STR("reason", err_text(job->err)));
        loop_timer_set(retention->timer, RETRY_MS);
    } else {
        loop_timer_set(retention->timer, retention->more ? PAUSE_MS : EVERY_MS);
    }
}

struct retention *retention_start(int64_t days, bool flows_off, struct view *view, struct writer *writer,
                                  struct loop *loop)
{
    if (days == 0)
        return NULL;
    struct retention *retention = mem_alloc(sizeof *retention);
    retention->job = (struct store_job){.kind = STORE_CALL, .call = step, .loop = loop, .done = on_stepped};
    retention->job.audit = &retention->entry;
    retention->entry = (struct audit_entry){.who = SPAN("pickupd"),
                                            .org = SPAN(""),
                                            .via = SPAN("retention_days"),
                                            .action = SPAN("purge"),
                                            .status = 200};
    retention->view = view;
    retention->writer = writer;
    retention->timer = loop_timer_new(loop, go, retention);
    retention->kept = days * DAY_MS;
    retention->flows_off = flows_off;
    go(retention);
    return retention;
}

void retention_stop(struct retention *retention)
{
    if (retention == NULL)
        return;
    retention->stopped = true;
    loop_timer_clear(retention->timer);
}

void retention_free(struct retention *retention)
{
    if (retention == NULL)
        return;
    loop_timer_free(retention->timer);
    buf_free(&retention->what);
    free(retention);
}

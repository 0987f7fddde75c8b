/* One step at a time through the schedules that are due; an hour later again. */
#include "flow/horizon.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "opening.h"
#include "series.h"
#include "store/notices.h"

#define EVERY_MS 3600000
#define RETRY_MS 10000 /* after a step that the disk did not take */
#define DAY_MS   INT64_C(86400000)

struct horizon {
    struct store_job job; /* first: it comes back from the writer */
    struct writer *writer;
    struct loop_timer *timer;
    struct arena arena, next_arena; /* of the two places */
    struct schedule_row after;      /* where the next step begins; */
    struct schedule_row next;       /* and where it has come to */
    bool more;
    bool stopped;
};

/* Its pickups can't be made, and nobody would notice. Told once a horizon. */
static enum err tell(struct store *store, const struct schedule_row *row, struct span clinic, int64_t now)
{
    struct buf key CLEANUP(buf_free) = {0};
    struct buf detail CLEANUP(buf_free) = {0};
    buf_add(&key, SPAN("schedule.stopped\n"));
    buf_add(&key, row->origin);
    buf_add_char(&key, '\n');
    buf_add(&key, row->pickup_id);
    buf_add_char(&key, '\n');
    buf_add(&key, row->horizon);
    json_open(&detail, '{');
    json_add_str(&detail, "pickupId", row->pickup_id);
    json_add_str(&detail, "origin", row->origin);
    json_add_str(&detail, "clinicId", clinic);
    json_add_str(&detail, "madeUntil", row->horizon);
    json_add_str(&detail, "reason", SPAN("the clinic is not known any more"));
    json_close(&detail, '}');
    struct notice notice = {.org = row->org,
                            .kind = SPAN("schedule.stopped"),
                            .key = buf_span(&key),
                            .time = now,
                            .detail = buf_span(&detail)};
    return notice_add(store, &notice);
}

static enum err extend(struct store *store, struct arena *arena, const struct schedule_row *row,
                       const struct json *detail, int64_t now)
{
    int64_t horizon;
    struct hours hours;
    struct pickup_request request;
    struct series_dates dates;
    struct faults faults = {.arena = arena};
    struct buf kept = {.arena = arena};
    if (!pickup_request_read(detail, &request, &faults) || !date_parse(row->horizon, &horizon))
        return ERR_OK; /* it was read when it was kept */
    enum err err = opening_find(store_view(store), row->org, request.clinic_id, &hours);
    if (err != ERR_OK)
        return store_is_lost(err) ? err : tell(store, row, request.clinic_id, now);
    pickup_request_keep(&kept, detail);
    struct series series = {.org = row->org,
                            .origin = row->origin,
                            .request = &request,
                            .hours = &hours,
                            .kept = buf_span(&kept),
                            .seq = row->seq,
                            .now = now};
    series_plan(&series, arena, &dates);
    if (dates.horizon <= horizon)
        return ERR_OK; /* where the clinic is, it is still the same day */
    TRY(series_make(store, &series, &dates));
    return series_note(store, arena, &series, &dates, row->detail);
}

/* One schedule, and when it is looked at. */
struct extending {
    const struct schedule_row *row;
    int64_t now;
};

static enum err run_extend(struct store *store, void *arg)
{
    const struct extending *extending = arg;
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault;
    struct json *detail = json_parse(extending->row->detail, &fault);
    enum err err = extend(store, &arena, extending->row, detail, extending->now);
    json_free(detail);
    return err;
}

/* One that can't be extended does not hold up the others. */
static enum err extend_one(struct store *store, const struct schedule_row *row, int64_t now)
{
    struct extending extending = {row, now};
    enum err err = store_attempt(store, run_extend, &extending);
    if (err != ERR_OK && !store_is_lost(err))
        log_event_limited(LOG_ERROR, "a schedule could not be extended", LOG_NUM("seq", row->seq));
    return store_is_lost(err) ? err : ERR_OK;
}

enum err horizon_step(struct store *store, struct arena *arena, int64_t now, struct schedule_row *after,
                      bool *more)
{
    char date[DATE_TEXT];
    date_write(date, now / DAY_MS + SCHEDULE_DAYS); /* somewhere it may be tomorrow already */
    *more = true;
    for (int i = 0; i < HORIZON_STEP && *more; i++) {
        struct schedule_row row;
        enum err err = schedule_find_due(store_view(store), arena, after->org.at != NULL ? after : NULL,
                                         span_of(date), &row);
        *more = err == ERR_OK;
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        TRY(extend_one(store, &row, now));
        *after = row;
    }
    return ERR_OK;
}

/* May be run again, and then begins where it did before. */
static enum err step(struct store *store, struct store_job *job)
{
    struct horizon *horizon = (struct horizon *)job;
    horizon->next = horizon->after;
    arena_free(&horizon->next_arena);
    return horizon_step(store, &horizon->next_arena, time_now(), &horizon->next, &horizon->more);
}

static void go(void *arg)
{
    struct horizon *horizon = arg;
    if (!horizon->stopped && writer_put(horizon->writer, &horizon->job) != ERR_OK)
        loop_timer_set(horizon->timer, RETRY_MS);
}

static void on_stepped(struct store_job *job)
{
    struct horizon *horizon = (struct horizon *)job;
    if (horizon->stopped)
        return;
    if (job->err != ERR_OK) {
        log_event_limited(LOG_ERROR, "schedules wait for the disk", LOG_STR("reason", err_text(job->err)));
        loop_timer_set(horizon->timer, RETRY_MS);
        return;
    }
    struct arena before = horizon->arena;
    horizon->arena = horizon->next_arena;
    horizon->next_arena = before;
    horizon->after = horizon->more ? horizon->next : (struct schedule_row){0};
    if (horizon->more)
        go(horizon);
    else
        loop_timer_set(horizon->timer, EVERY_MS);
}

struct horizon *horizon_start(struct writer *writer, struct loop *loop)
{
    struct horizon *horizon = mem_alloc(sizeof *horizon);
    horizon->job = (struct store_job){.kind = STORE_CALL, .call = step, .loop = loop, .done = on_stepped};
    horizon->writer = writer;
    horizon->timer = loop_timer_new(loop, go, horizon);
    go(horizon);
    return horizon;
}

void horizon_stop(struct horizon *horizon)
{
    horizon->stopped = true;
    loop_timer_clear(horizon->timer);
}

void horizon_free(struct horizon *horizon)
{
    if (horizon == NULL)
        return;
    loop_timer_free(horizon->timer);
    arena_free(&horizon->arena);
    arena_free(&horizon->next_arena);
    free(horizon);
}

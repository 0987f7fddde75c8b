/* Making, changing and cancelling the pickups of a schedule. */
#include "series.h"

#include "flow/pickups.h"

static int64_t today_of(const struct series *series)
{
    return hours_local_date(series->hours->zone, series->now);
}

void series_plan(const struct series *series, struct arena *arena, struct series_dates *dates)
{
    struct schedule_date *all;
    const struct schedule *schedule = &series->request->schedule;
    const struct zone *zone = series->hours->zone;
    int64_t today = today_of(series);
    int64_t first = schedule_first(schedule, zone, series->request->window.start);
    *dates = (struct series_dates){.horizon = today + SCHEDULE_DAYS - 1};
    size_t count =
        schedule_list(schedule, zone, first, first > today ? first : today, dates->horizon, arena, &all);
    dates->fit = arena_alloc(arena, (count + 1) * sizeof *dates->fit);
    dates->skipped = arena_alloc(arena, (count + 1) * sizeof *dates->skipped);
    for (size_t i = 0; i < count; i++) {
        if (all[i].window.end <= series->now)
            continue;
        if (hours_fit(series->hours, &all[i].window))
            dates->fit[dates->fit_count++] = all[i];
        else
            dates->skipped[dates->skipped_count++] = all[i];
    }
}

/* What all pickups of the series have in common. */
static struct pickup common(const struct series *series)
{
    const struct pickup_request *request = series->request;
    return (struct pickup){.org = series->org,
                           .origin = series->origin,
                           .series = request->pickup_id,
                           .clinic_id = request->clinic_id,
                           .lab_id = request->lab_id,
                           .priority = request->is_rush ? PRIORITY_RUSH : PRIORITY_STANDARD,
                           .detail = series->kept,
                           .seq = series->seq,
                           .updated = series->now};
}

enum err series_make(struct store *store, const struct series *series, const struct series_dates *dates)
{
    struct pickup pickup = common(series);
    for (size_t i = 0; i < dates->fit_count; i++) {
        struct buf id CLEANUP(buf_free) = {0};
        char date[DATE_COMPACT];
        bool added;
        date_write_compact(date, dates->fit[i].date);
        buf_add(&id, pickup.series);
        buf_printf(&id, "-%s", date);
        pickup.pickup_id = buf_span(&id);
        pickup.local_date = span_of(date);
        pickup.window = dates->fit[i].window;
        TRY(pickup_add(store, &pickup, &added));
    }
    return ERR_OK;
}

static const struct schedule_date *find_date(const struct schedule_date *dates, size_t count, int64_t date)
{
    for (size_t i = 0; i < count; i++)
        if (dates[i].date == date)
            return &dates[i];
    return NULL;
}

static enum err cancel(struct store *store, const struct pickup *pickup, int64_t now)
{
    struct pickup_move move = {.to = PICKUP_CANCELLED, .by = SPAN("flows"), .now = now};
    return pickup_move(store, pickup, &move);
}

/* A date for which the clinic has closed since is still one of the schedule, so it stays if its window does.
 */
static enum err revise(struct store *store, const struct series *series, const struct series_dates *dates,
                       const struct pickup *pickup)
{
    int64_t date;
    struct pickup wanted = common(series);
    if (!date_parse_compact(pickup->local_date, &date) || date > dates->horizon)
        return ERR_OK; /* the clinic may have moved to the west */
    const struct schedule_date *fit = find_date(dates->fit, dates->fit_count, date);
    const struct schedule_date *skipped = find_date(dates->skipped, dates->skipped_count, date);
    bool stays = skipped != NULL && skipped->window.start == pickup->window.start &&
                 skipped->window.end == pickup->window.end;
    if (fit == NULL && !stays)
        return cancel(store, pickup, series->now);
    wanted.id = pickup->id;
    wanted.window = fit != NULL ? fit->window : pickup->window;
    return pickup_change(store, &wanted);
}

enum err series_revise(struct store *store, struct arena *arena, const struct series *series,
                       const struct series_dates *dates)
{
    struct pickup_list list;
    TRY(pickup_find_series(store_view(store), arena, series->org, series->origin, series->request->pickup_id,
                           series->now, &list));
    for (size_t i = 0; i < list.count; i++)
        if (list.all[i].status == PICKUP_PENDING)
            TRY(revise(store, series, dates, &list.all[i]));
    return ERR_OK;
}

enum err series_cancel(struct store *store, struct arena *arena, const struct series *series)
{
    struct pickup_list list;
    TRY(pickup_find_series(store_view(store), arena, series->org, series->origin, series->request->pickup_id,
                           series->now, &list));
    for (size_t i = 0; i < list.count; i++)
        if (list.all[i].status == PICKUP_PENDING)
            TRY(cancel(store, &list.all[i], series->now));
    return ERR_OK;
}

enum err series_note(struct store *store, struct arena *arena, const struct series *series,
                     const struct series_dates *dates, struct span detail)
{
    struct buf skipped = {.arena = arena};
    char date[DATE_TEXT], horizon[DATE_TEXT];
    json_open(&skipped, '[');
    for (size_t i = 0; i < dates->skipped_count; i++) {
        date_write(date, dates->skipped[i].date);
        json_put_str(&skipped, span_of(date));
    }
    json_close(&skipped, ']');
    date_write(horizon, dates->horizon);
    struct schedule_row row = {.org = series->org,
                               .origin = series->origin,
                               .pickup_id = series->request->pickup_id,
                               .detail = detail,
                               .skipped = buf_span(&skipped),
                               .horizon = span_of(horizon),
                               .seq = series->seq};
    return schedule_put(store, &row);
}

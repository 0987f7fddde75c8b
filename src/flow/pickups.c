/* The one place where the status of a pickup changes. */
#include "flow/pickups.h"

#include "base/json.h"
#include "base/time.h"

static void write_detail(struct buf *out, const struct pickup *pickup, const struct pickup_move *move)
{
    struct span driver = move->driver.len > 0 ? move->driver : pickup->driver;
    int64_t eta = move->eta != 0 ? move->eta : pickup->eta;
    json_open(out, '{');
    json_add_str(out, "id", pickup->pickup_id);
    json_add_str(out, "origin", pickup->origin);
    json_add_str(out, "clinicId", pickup->clinic_id);
    json_add_str(out, "from", span_of(pickup_status_name(pickup->status)));
    json_add_str(out, "to", span_of(pickup_status_name(move->to)));
    time_add(out, "at", move->now);
    json_add_str(out, "by", move->by);
    json_add_raw(out, "driver", driver.len > 0 ? driver : SPAN("null"));
    time_add(out, "eta", eta);
    json_close(out, '}');
}

/* A pickup comes to each status at most once, and at another time if it was made anew. */
static struct event_id id_of(struct arena *arena, const struct pickup *pickup, const struct pickup_move *move)
{
    struct buf key = {.arena = arena};
    buf_add(&key, pickup->org);
    buf_add_char(&key, '\n');
    buf_add(&key, pickup->origin);
    buf_add_char(&key, '\n');
    buf_add(&key, pickup->pickup_id);
    buf_printf(&key, "\n%s\n%lld", pickup_status_name(move->to), (long long)move->now);
    return event_id(SPAN(PICKUPS_SOURCE), SPAN("status"), buf_span(&key));
}

enum err pickup_move(struct store *store, const struct pickup *pickup, const struct pickup_move *move)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf detail = {.arena = &arena};
    bool duplicate, changed;
    if (!pickup_may_become(pickup->status, move->to))
        return ERR_CONFLICT;
    TRY(pickup_set_status(store, pickup->id, move->to, move->driver, move->eta, move->now));
    write_detail(&detail, pickup, move);
    struct event event = {.id = id_of(&arena, pickup, move),
                          .origin = SPAN(PICKUPS_SOURCE),
                          .source = SPAN(PICKUPS_SOURCE),
                          .type = SPAN(PICKUPS_MOVED),
                          .org = pickup->org,
                          .time = move->now,
                          .detail = buf_text(&detail),
                          .detail_len = detail.len};
    return store_publish(store, &event, &duplicate, &changed);
}

/* Moves of deliveries, and which delivery takes a case. */
#include "flow/deliveries.h"

#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"

static enum err publish(struct store *store, const struct delivery *delivery, enum delivery_status from,
                        const struct delivery_move *move)
{
    struct buf detail CLEANUP(buf_free) = {0};
    struct buf key CLEANUP(buf_free) = {0};
    bool duplicate, changed;
    json_open(&detail, '{');
    json_add_str(&detail, "id", delivery->id);
    json_add_str(&detail, "labId", delivery->lab_id);
    json_add_str(&detail, "clinicId", delivery->clinic_id);
    json_add_str(&detail, "date", delivery->date);
    json_add_str(&detail, "from", span_of(delivery_status_name(from)));
    json_add_str(&detail, "to", span_of(delivery_status_name(move->to)));
    time_add(&detail, "at", move->at);
    json_add_str(&detail, "by", move->by);
    json_add_raw(&detail, "driver", delivery->driver.len > 0 ? delivery->driver : SPAN("null"));
    time_add(&detail, "eta", delivery->eta);
    json_close(&detail, '}');
    buf_printf(&key, "%.*s\n%s", (int)delivery->id.len, delivery->id.at, delivery_status_name(move->to));
    struct event event = event_own(SPAN(DELIVERY_SOURCE), SPAN(DELIVERY_TYPE), delivery->org, buf_span(&key),
                                   move->now, buf_span(&detail));
    return store_publish(store, &event, &duplicate, &changed);
}

enum err delivery_move(struct store *store, struct delivery *delivery, const struct delivery_move *move)
{
    enum delivery_status from = delivery->status;
    if (!delivery_may_become(from, move->to))
        return ERR_CONFLICT;
    delivery->status = move->to;
    delivery->driver = move->driver.len > 0 ? move->driver : delivery->driver;
    delivery->eta = move->eta != 0 ? move->eta : delivery->eta;
    delivery->proof = move->proof.len > 0 ? move->proof : delivery->proof;
    delivery->seq = move->seq != 0 ? move->seq : delivery->seq;
    delivery->updated = move->now;
    TRY(delivery_set_status(store, delivery));
    return publish(store, delivery, from, move);
}

/* The same for the same event, and no other's. */
static struct span new_id(struct arena *arena, const struct delivery *like, struct span first)
{
    char hex[2 * DELIVERY_ID_BYTES + 1];
    uint8_t digest[HASH_BYTES];
    struct buf id = {.arena = arena};
    struct buf seq = {.arena = arena};
    buf_add_int(&seq, like->seq);
    struct span parts[] = {like->org, like->lab_id, like->clinic_id, like->date, buf_span(&seq), first};
    hash_parts(parts, sizeof parts / sizeof parts[0], digest);
    hex_write(hex, digest, DELIVERY_ID_BYTES);
    buf_printf(&id, "delivery-%s", hex);
    return buf_span(&id);
}

enum err delivery_take_case(struct store *store, struct arena *arena, const struct delivery *like,
                            struct delivery_case *one, struct delivery *delivery, bool *added)
{
    enum err err = delivery_find_open(store_view(store), arena, like, delivery);
    *added = err == ERR_NOT_FOUND;
    if (err != ERR_OK && !*added)
        return err;
    if (*added) {
        *delivery = *like;
        delivery->id = new_id(arena, like, one->id);
        delivery->status = DELIVERY_PENDING;
        delivery->priority = PRIORITY_STANDARD;
        delivery->notes = SPAN("");
        TRY(delivery_add(store, delivery));
    }
    one->delivery_id = delivery->id;
    TRY(delivery_put_case(store, one));
    return delivery_follow_case(store, arena, delivery, one, like->created);
}

enum err delivery_after_leave(struct store *store, struct delivery *delivery, int64_t now)
{
    int64_t left;
    struct delivery_move move = {
        .to = DELIVERY_FAILED, .at = now, .by = SPAN(DELIVERY_FLOWS_NAME), .now = now};
    TRY(delivery_follow_cases(store, delivery->org, delivery->id, now, &left));
    return left == 0 && delivery->status == DELIVERY_PENDING ? delivery_move(store, delivery, &move) : ERR_OK;
}

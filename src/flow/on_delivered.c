/*
 * DeliveryCompleted: the deliveries of its cases become Delivered, and their invoices, and billing is
 * triggered once for those. Cases of such a delivery that were not delivered go on in another one.
 */
#include "base/time.h"
#include "flow/deliveries.h"
#include "handlers.h"
#include "model/clinic.h"
#include "model/geohash.h"
#include "store/clinics.h"
#include "store/invoices.h"
#include "tell.h"

#define FAR_METRES 100

#define BILLING_SOURCE "finance.billing"
#define BILLING_TYPE   "BillingTriggered"

/* Texts without a repeat, in the order in which they came. */
struct texts {
    struct span *all;
    size_t count, room;
};

struct done {
    struct store *store;
    const struct flow_event *event;
    struct texts cases;
    struct span clinic_id;
    int64_t at;
    struct span by;          /* the driver's id, or who published it */
    bool is_far;             /* it was not where the clinic is, as far as is known */
    struct span proof;       /* JSON: time, receiver, driver and proof */
    struct texts unknown;    /* cases that are in no delivery */
    struct texts uninvoiced; /* cases that are on no invoice */
    struct texts invoices;   /* of the cases */
    struct texts became;     /* those of them that became Delivered now */
};

static bool holds(const struct texts *texts, struct span text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (span_is(texts->all[i], text))
            return true;
    return false;
}

static void add_text(struct arena *arena, struct texts *texts, struct span text)
{
    if (holds(texts, text))
        return;
    if (texts->count == texts->room) {
        struct span *more = arena_alloc(arena, (2 * texts->room + 4) * sizeof *more);
        if (texts->room > 0)
            memcpy(more, texts->all, texts->room * sizeof *more);
        texts->all = more;
        texts->room = 2 * texts->room + 4;
    }
    texts->all[texts->count++] = (struct span){arena_copy(arena, text), text.len};
}

static void put_texts(struct buf *out, const char *key, const struct texts *texts)
{
    json_key(out, span_of(key));
    json_open(out, '[');
    for (size_t i = 0; i < texts->count; i++)
        json_put_str(out, texts->all[i]);
    json_close(out, ']');
}

/* Reading. */

static void check(struct faults *faults, const struct json *value, const char *name, bool is_good)
{
    if (!is_good)
        faults_add(faults, "%s %s", json_kind(value) == JSON_ABSENT ? "Missing" : "Invalid", name);
}

static void read_cases(struct done *done, const struct json *list, struct faults *faults)
{
    bool good = json_kind(list) == JSON_ARR && json_count(list) > 0;
    for (size_t i = 0; good && i < json_count(list); i++) {
        struct span id = json_str(json_at(list, i));
        good = id.len > 0;
        add_text(done->event->arena, &done->cases, id);
    }
    check(faults, list, "caseIds", good);
}

static void read_detail(struct done *done, struct faults *faults)
{
    const struct json *detail = done->event->detail;
    const struct json *at = json_get(detail, "deliveredAt"), *proof = json_get(detail, "proofOfDelivery");
    const struct json *receiver = json_get(detail, "receivedBy");
    const struct json *signature = json_get(proof, "signatureUrl");
    read_cases(done, json_get(detail, "caseIds"), faults);
    done->clinic_id = json_str(json_get(detail, "clinicId"));
    check(faults, json_get(detail, "clinicId"), "clinicId", done->clinic_id.len > 0);
    check(faults, at, "deliveredAt", time_parse(json_str(at), NULL, &done->at));
    check(faults, proof, "proofOfDelivery", json_kind(proof) == JSON_OBJ);
    if (json_kind(proof) == JSON_OBJ)
        check(faults, signature, "proofOfDelivery.signatureUrl", json_str(signature).len > 0);
    if (json_kind(receiver) != JSON_ABSENT)
        check(faults, json_get(receiver, "name"), "receivedBy.name",
              json_str(json_get(receiver, "name")).len > 0);
    done->by = json_str(json_get(json_get(detail, "deliveredBy"), "driverId"));
    if (done->by.len == 0)
        done->by = done->event->event->source;
}

static void put_proof(struct done *done)
{
    static const char *const names[] = {"receivedBy", "deliveredBy", "stopId", "routeId", "proofOfDelivery"};
    struct buf out = {.arena = done->event->arena};
    char at[TIME_TEXT];
    time_write(at, done->at);
    json_open(&out, '{');
    json_add_str(&out, "deliveredAt", span_of(at));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *value = json_get(done->event->detail, names[i]);
        if (json_kind(value) == JSON_ABSENT)
            continue;
        json_key(&out, span_of(names[i]));
        json_put(&out, value);
    }
    if (done->is_far)
        json_add_raw(&out, "geoHashFlagged", SPAN("true"));
    json_close(&out, '}');
    done->proof = buf_span(&out);
}

/* Where it was. */

/* Metres between the cell and the clinic, 0 where nothing is known of either, -1 of what is no geohash. */
static enum err find_distance(struct done *done, struct span geohash, double *metres)
{
    struct clinic_row row;
    struct clinic clinic;
    struct geo_cell cell;
    struct json_fault fault;
    struct faults faults = {.arena = done->event->arena};
    *metres = 0;
    enum err err = clinic_find(store_view(done->store), done->event->arena, done->event->event->org,
                               done->clinic_id, &row);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    TRY(err);
    struct json *json = json_parse(row.document, &fault);
    if (clinic_read(json, &clinic, &faults) && clinic.is_placed)
        *metres = geohash_read(geohash, &cell) ? geohash_distance(&cell, clinic.lat, clinic.lng) : -1;
    json_free(json);
    return ERR_OK;
}

static enum err check_geohash(struct done *done)
{
    struct buf out = {.arena = done->event->arena};
    double metres;
    struct span geohash = json_str(json_get(json_get(done->event->detail, "proofOfDelivery"), "geoHash"));
    if (geohash.len == 0)
        return ERR_OK;
    TRY(find_distance(done, geohash, &metres));
    done->is_far = metres < 0 || metres > FAR_METRES;
    if (!done->is_far)
        return ERR_OK;
    json_open(&out, '{');
    json_add_str(&out, "clinicId", done->clinic_id);
    json_add_str(&out, "geoHash", geohash);
    if (metres >= 0)
        json_add_int(&out, "metres", (int64_t)metres);
    put_texts(&out, "caseIds", &done->cases);
    json_close(&out, '}');
    return flow_tell(done->store, done->event, "geohash.flagged", flow_event_id(done->event), buf_span(&out));
}

/* Deliveries. */

static enum err tell_of_delivery(struct done *done, const char *kind, const struct delivery *delivery,
                                 const struct texts *cases, struct span rest)
{
    struct buf out = {.arena = done->event->arena};
    struct buf about = {.arena = done->event->arena};
    buf_add(&about, delivery->id);
    buf_add_char(&about, '\n');
    buf_add(&about, flow_event_id(done->event));
    json_open(&out, '{');
    json_add_str(&out, "deliveryId", delivery->id);
    json_add_str(&out, "deliveryStatus", span_of(delivery_status_name(delivery->status)));
    json_add_str(&out, "clinicId", delivery->clinic_id);
    json_add_str(&out, "deliveredTo", done->clinic_id);
    put_texts(&out, "caseIds", cases);
    if (rest.len > 0)
        json_add_str(&out, "restDeliveryId", rest);
    json_close(&out, '}');
    return flow_tell(done->store, done->event, kind, buf_span(&about), buf_span(&out));
}

/* Cases of a delivery that were not delivered. */
struct rest {
    const struct done *done;
    struct delivery_case *all;
    struct texts ids;
    size_t room;
};

static void add_rest(void *arg, const struct delivery_case *one)
{
    struct rest *rest = arg;
    struct arena *arena = rest->done->event->arena;
    if (holds(&rest->done->cases, one->id))
        return;
    if (rest->ids.count == rest->room) {
        struct delivery_case *more = arena_alloc(arena, (2 * rest->room + 4) * sizeof *more);
        if (rest->room > 0)
            memcpy(more, rest->all, rest->room * sizeof *more);
        rest->all = more;
        rest->room = 2 * rest->room + 4;
    }
    struct delivery_case *kept = &rest->all[rest->ids.count];
    *kept = *one;
    kept->org.at = arena_copy(arena, one->org);
    kept->id.at = arena_copy(arena, one->id);
    kept->detail.at = arena_copy(arena, one->detail);
    add_text(arena, &rest->ids, one->id);
}

/* They go on in the open delivery of the same lab, clinic and date; the one they were in is closed already.
 */
static enum err move_rest(struct done *done, struct delivery *delivery, struct rest *rest)
{
    struct delivery like = *delivery, other = {0};
    bool added;
    like.seq = done->event->seq;
    like.created = done->event->now;
    like.driver = like.proof = (struct span){0};
    like.eta = 0;
    for (size_t i = 0; i < rest->ids.count; i++)
        TRY(delivery_take_case(done->store, done->event->arena, &like, &rest->all[i], &other, &added));
    TRY(delivery_after_leave(done->store, delivery, done->event->now));
    return tell_of_delivery(done, "delivery.split", delivery, &rest->ids, other.id);
}

/* A driver need not have said that it was on its way. */
static enum err deliver(struct done *done, struct delivery *delivery)
{
    struct delivery_move move = {.to = DELIVERY_IN_TRANSIT,
                                 .at = done->at,
                                 .by = done->by,
                                 .seq = done->event->seq,
                                 .now = done->event->now};
    if (delivery->status == DELIVERY_PENDING)
        TRY(delivery_move(done->store, delivery, &move));
    move.to = DELIVERY_DELIVERED;
    move.proof = done->proof;
    return delivery_move(done->store, delivery, &move);
}

static enum err complete(struct done *done, struct span id)
{
    struct arena *arena = done->event->arena;
    struct delivery delivery;
    struct rest rest = {.done = done};
    struct view *view = store_view(done->store);
    TRY(delivery_find(view, arena, done->event->event->org, id, &delivery));
    if (delivery.status == DELIVERY_DELIVERED || delivery.seq > done->event->seq)
        return ERR_OK; /* superseded */
    if (!span_is(delivery.clinic_id, done->clinic_id))
        TRY(tell_of_delivery(done, "delivery.elsewhere", &delivery, &done->cases, SPAN("")));
    if (delivery.status == DELIVERY_FAILED)
        return tell_of_delivery(done, "delivery.after_failed", &delivery, &done->cases, SPAN(""));
    TRY(delivery_each_case(view, delivery.org, delivery.id, add_rest, &rest));
    TRY(deliver(done, &delivery));
    return rest.ids.count > 0 ? move_rest(done, &delivery, &rest) : ERR_OK;
}

static enum err complete_all(struct done *done)
{
    struct arena *arena = done->event->arena;
    struct texts deliveries = {0};
    for (size_t i = 0; i < done->cases.count; i++) {
        struct delivery_case found;
        enum err err = delivery_find_case(store_view(done->store), arena, done->event->event->org,
                                          done->cases.all[i], &found);
        if (err == ERR_NOT_FOUND)
            add_text(arena, &done->unknown, done->cases.all[i]);
        else if (err != ERR_OK)
            return err;
        else
            add_text(arena, &deliveries, found.delivery_id);
    }
    for (size_t i = 0; i < deliveries.count; i++)
        TRY(complete(done, deliveries.all[i]));
    return ERR_OK;
}

/* Invoices. */

/* The invoices of one case. */
struct found {
    struct done *done;
    size_t count;
};

static void add_invoice(void *arg, const struct invoice *invoice)
{
    struct found *found = arg;
    found->count++;
    add_text(found->done->event->arena, &found->done->invoices, invoice->id);
}

static enum err find_invoices(struct done *done)
{
    for (size_t i = 0; i < done->cases.count; i++) {
        struct found found = {.done = done};
        TRY(invoice_each_of_case(store_view(done->store), done->event->event->org, done->cases.all[i],
                                 add_invoice, &found));
        if (found.count == 0)
            add_text(done->event->arena, &done->uninvoiced, done->cases.all[i]);
    }
    return ERR_OK;
}

static enum err deliver_invoices(struct done *done, struct buf *lines)
{
    for (size_t i = 0; i < done->invoices.count; i++) {
        struct invoice invoice;
        bool became;
        TRY(invoice_find(store_view(done->store), done->event->arena, done->event->event->org,
                         done->invoices.all[i], &invoice));
        if (invoice.seq > done->event->seq)
            continue; /* superseded */
        TRY(invoice_deliver(done->store, &invoice, done->proof, done->event->seq, done->event->now, &became));
        if (!became)
            continue;
        add_text(done->event->arena, &done->became, invoice.id);
        json_open(lines, '{');
        json_add_str(lines, "invoiceId", invoice.id);
        json_add_str(lines, "clinicId", invoice.clinic_id);
        json_add_int(lines, "amountMinor", invoice.amount_minor);
        json_add_str(lines, "currency", invoice.currency);
        json_close(lines, '}');
    }
    return ERR_OK;
}

/* For all that became Delivered by this event: what was before has been billed. */
static enum err trigger_billing(struct done *done, struct span invoices)
{
    struct buf out = {.arena = done->event->arena};
    char at[TIME_TEXT];
    bool duplicate, changed;
    time_write(at, done->at);
    json_open(&out, '{');
    json_add_str(&out, "deliveryEventId", flow_event_id(done->event));
    json_add_str(&out, "clinicId", done->clinic_id);
    json_add_str(&out, "deliveredAt", span_of(at));
    put_texts(&out, "caseIds", &done->cases);
    put_texts(&out, "invoiceIds", &done->became);
    json_add_raw(&out, "invoices", invoices);
    put_texts(&out, "casesWithoutInvoice", &done->uninvoiced);
    json_close(&out, '}');
    struct event event = event_own(SPAN(BILLING_SOURCE), SPAN(BILLING_TYPE), done->event->event->org,
                                   flow_event_id(done->event), done->event->now, buf_span(&out));
    return store_publish(done->store, &event, &duplicate, &changed);
}

static enum err tell_of_cases(struct done *done, const char *kind, const struct texts *cases)
{
    struct buf out = {.arena = done->event->arena};
    if (cases->count == 0)
        return ERR_OK;
    json_open(&out, '{');
    json_add_str(&out, "eventId", flow_event_id(done->event));
    json_add_str(&out, "clinicId", done->clinic_id);
    put_texts(&out, "caseIds", cases);
    json_close(&out, '}');
    return flow_tell(done->store, done->event, kind, flow_event_id(done->event), buf_span(&out));
}

static enum err bill(struct done *done)
{
    struct buf lines = {.arena = done->event->arena};
    TRY(find_invoices(done));
    json_open(&lines, '[');
    TRY(deliver_invoices(done, &lines));
    json_close(&lines, ']');
    TRY(tell_of_cases(done, "invoices.missing", &done->uninvoiced));
    return done->became.count > 0 ? trigger_billing(done, buf_span(&lines)) : ERR_OK;
}

enum err on_delivered(struct store *store, const struct flow_event *event, struct flow_result *result)
{
    struct faults faults = {.arena = event->arena};
    struct done done = {.store = store, .event = event};
    read_detail(&done, &faults);
    if (faults.count > 0)
        return handler_refuse(event, &faults, result);
    TRY(check_geohash(&done));
    put_proof(&done);
    TRY(complete_all(&done));
    TRY(tell_of_cases(&done, "cases.unknown", &done.unknown));
    return bill(&done);
}

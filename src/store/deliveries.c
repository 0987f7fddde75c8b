/* The tables of deliveries and their cases. */
#include "store/deliveries.h"

#include "base/json.h"
#include "room.h"

/* Spans are valid until the next step. */
static struct delivery read_row(struct db *db, enum sql sql)
{
    struct delivery delivery = {
        .number = db_int(db, sql, 0),
        .org = db_span(db, sql, 1),
        .id = db_span(db, sql, 2),
        .lab_id = db_span(db, sql, 3),
        .clinic_id = db_span(db, sql, 4),
        .date = db_span(db, sql, 5),
        .notes = db_span(db, sql, 8),
        .driver = db_is_null(db, sql, 9) ? (struct span){0} : db_span(db, sql, 9),
        .eta = db_int(db, sql, 10),
        .proof = db_is_null(db, sql, 11) ? (struct span){0} : db_span(db, sql, 11),
        .seq = db_int(db, sql, 12),
        .created = db_int(db, sql, 13),
        .updated = db_int(db, sql, 14),
    };
    delivery_status_read(db_span(db, sql, 6), &delivery.status);
    priority_read(db_span(db, sql, 7), &delivery.priority);
    return delivery;
}

static struct delivery keep_row(struct arena *arena, struct db *db, enum sql sql)
{
    struct delivery delivery = read_row(db, sql);
    struct span *texts[] = {&delivery.org,  &delivery.id,    &delivery.lab_id, &delivery.clinic_id,
                            &delivery.date, &delivery.notes, &delivery.driver, &delivery.proof};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i]->at != NULL)
            texts[i]->at = arena_copy(arena, *texts[i]);
    return delivery;
}

/* The one row of a statement whose parameters are bound. */
static enum err find(struct db *db, enum sql sql, struct arena *arena, struct delivery *delivery)
{
    bool row;
    enum err err = db_step(db, sql, &row);
    if (err == ERR_OK && row)
        *delivery = keep_row(arena, db, sql);
    db_reset(db, sql);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

enum err delivery_find(struct view *view, struct arena *arena, struct span org, struct span id,
                       struct delivery *delivery)
{
    db_bind_text(view->db, SQL_DELIVERY, 1, org);
    db_bind_text(view->db, SQL_DELIVERY, 2, id);
    return find(view->db, SQL_DELIVERY, arena, delivery);
}

static enum err count_cases(struct view *view, const struct delivery *delivery, int64_t *count)
{
    bool row;
    db_bind_text(view->db, SQL_DELIVERY_CASE_COUNT, 1, delivery->org);
    db_bind_text(view->db, SQL_DELIVERY_CASE_COUNT, 2, delivery->id);
    enum err err = db_step(view->db, SQL_DELIVERY_CASE_COUNT, &row);
    *count = err == ERR_OK && row ? db_int(view->db, SQL_DELIVERY_CASE_COUNT, 0) : 0;
    db_reset(view->db, SQL_DELIVERY_CASE_COUNT);
    return err;
}

enum err delivery_find_open(struct view *view, struct arena *arena, const struct delivery *like,
                            struct delivery *delivery)
{
    int64_t count;
    db_bind_text(view->db, SQL_DELIVERY_OPEN, 1, like->org);
    db_bind_text(view->db, SQL_DELIVERY_OPEN, 2, like->lab_id);
    db_bind_text(view->db, SQL_DELIVERY_OPEN, 3, like->clinic_id);
    db_bind_text(view->db, SQL_DELIVERY_OPEN, 4, like->date);
    TRY(find(view->db, SQL_DELIVERY_OPEN, arena, delivery));
    TRY(count_cases(view, delivery, &count));
    return count < DELIVERY_CASES_MAX ? ERR_OK : ERR_NOT_FOUND;
}

enum err delivery_each(struct view *view, const struct delivery_filter *filter, delivery_fn *fn, void *arg)
{
    bool row;
    db_bind_text(view->db, SQL_DELIVERIES, 1, filter->org);
    db_bind_int(view->db, SQL_DELIVERIES, 2, filter->after);
    db_bind_text(view->db, SQL_DELIVERIES, 3, room_filter(filter->status));
    db_bind_text(view->db, SQL_DELIVERIES, 4, room_filter(filter->clinic_id));
    db_bind_text(view->db, SQL_DELIVERIES, 5, room_filter(filter->lab_id));
    db_bind_text(view->db, SQL_DELIVERIES, 6, room_filter(filter->date));
    db_bind_int(view->db, SQL_DELIVERIES, 7, filter->limit);
    enum err err = db_step(view->db, SQL_DELIVERIES, &row);
    while (err == ERR_OK && row) {
        struct delivery delivery = read_row(view->db, SQL_DELIVERIES);
        fn(arg, &delivery);
        err = db_step(view->db, SQL_DELIVERIES, &row);
    }
    db_reset(view->db, SQL_DELIVERIES);
    return err;
}

static struct delivery_case read_case(struct db *db, enum sql sql)
{
    struct delivery_case one = {
        .org = db_span(db, sql, 0),
        .id = db_span(db, sql, 1),
        .delivery_id = db_span(db, sql, 2),
        .detail = db_span(db, sql, 4),
        .place = db_int(db, sql, 5),
        .seq = db_int(db, sql, 6),
    };
    priority_read(db_span(db, sql, 3), &one.priority);
    return one;
}

enum err delivery_find_case(struct view *view, struct arena *arena, struct span org, struct span id,
                            struct delivery_case *found)
{
    bool row;
    db_bind_text(view->db, SQL_DELIVERY_CASE, 1, org);
    db_bind_text(view->db, SQL_DELIVERY_CASE, 2, id);
    enum err err = db_step(view->db, SQL_DELIVERY_CASE, &row);
    if (err == ERR_OK && row) {
        *found = read_case(view->db, SQL_DELIVERY_CASE);
        found->org.at = arena_copy(arena, found->org);
        found->id.at = arena_copy(arena, found->id);
        found->delivery_id.at = arena_copy(arena, found->delivery_id);
        found->detail.at = arena_copy(arena, found->detail);
    }
    db_reset(view->db, SQL_DELIVERY_CASE);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

enum err delivery_each_case(struct view *view, struct span org, struct span id, delivery_case_fn *fn,
                            void *arg)
{
    bool row;
    db_bind_text(view->db, SQL_DELIVERY_CASES, 1, org);
    db_bind_text(view->db, SQL_DELIVERY_CASES, 2, id);
    enum err err = db_step(view->db, SQL_DELIVERY_CASES, &row);
    while (err == ERR_OK && row) {
        struct delivery_case one = read_case(view->db, SQL_DELIVERY_CASES);
        fn(arg, &one);
        err = db_step(view->db, SQL_DELIVERY_CASES, &row);
    }
    db_reset(view->db, SQL_DELIVERY_CASES);
    return err;
}

enum err delivery_add(struct store *store, const struct delivery *delivery)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_DELIVERY_ADD, 1, delivery->org);
    db_bind_text(db, SQL_DELIVERY_ADD, 2, delivery->id);
    db_bind_text(db, SQL_DELIVERY_ADD, 3, delivery->lab_id);
    db_bind_text(db, SQL_DELIVERY_ADD, 4, delivery->clinic_id);
    db_bind_text(db, SQL_DELIVERY_ADD, 5, delivery->date);
    db_bind_int(db, SQL_DELIVERY_ADD, 6, delivery->seq);
    db_bind_int(db, SQL_DELIVERY_ADD, 7, delivery->created);
    return db_run(db, SQL_DELIVERY_ADD);
}

enum err delivery_put_case(struct store *store, const struct delivery_case *one)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_DELIVERY_CASE_PUT, 1, one->org);
    db_bind_text(db, SQL_DELIVERY_CASE_PUT, 2, one->id);
    db_bind_text(db, SQL_DELIVERY_CASE_PUT, 3, one->delivery_id);
    db_bind_text(db, SQL_DELIVERY_CASE_PUT, 4, span_of(priority_name(one->priority)));
    db_bind_text(db, SQL_DELIVERY_CASE_PUT, 5, one->detail);
    db_bind_int(db, SQL_DELIVERY_CASE_PUT, 6, one->place);
    db_bind_int(db, SQL_DELIVERY_CASE_PUT, 7, one->seq);
    return db_run(db, SQL_DELIVERY_CASE_PUT);
}

/* What the cases of a delivery come to. */
struct sum {
    int64_t count;
    enum priority priority;
    struct buf notes;
};

static void add_case(void *arg, const struct delivery_case *one)
{
    struct sum *sum = arg;
    struct json_fault fault;
    struct json *detail = json_parse(one->detail, &fault);
    struct span notes = json_str(json_get(detail, "notes"));
    sum->count++;
    sum->priority = priority_higher(sum->priority, one->priority);
    if (notes.len > 0 && sum->notes.len + 1 + notes.len <= DELIVERY_NOTES_MAX) {
        if (sum->notes.len > 0)
            buf_add_char(&sum->notes, '\n');
        buf_add(&sum->notes, notes);
    }
    json_free(detail);
}

static enum err write_sum(struct store *store, struct span org, struct span id, struct sum *sum, int64_t now)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_DELIVERY_FOLLOW, 1, org);
    db_bind_text(db, SQL_DELIVERY_FOLLOW, 2, id);
    db_bind_text(db, SQL_DELIVERY_FOLLOW, 3, span_of(priority_name(sum->priority)));
    db_bind_text(db, SQL_DELIVERY_FOLLOW, 4, span_of(buf_text(&sum->notes)));
    db_bind_int(db, SQL_DELIVERY_FOLLOW, 5, now);
    return db_run(db, SQL_DELIVERY_FOLLOW);
}

enum err delivery_follow_case(struct store *store, struct arena *arena, struct delivery *delivery,
                              const struct delivery_case *one, int64_t now)
{
    struct sum sum = {.priority = delivery->priority, .notes = {.arena = arena}};
    buf_add(&sum.notes, delivery->notes);
    add_case(&sum, one);
    TRY(write_sum(store, delivery->org, delivery->id, &sum, now));
    delivery->priority = sum.priority;
    delivery->notes = buf_span(&sum.notes);
    delivery->updated = now;
    return ERR_OK;
}

enum err delivery_follow_cases(struct store *store, struct span org, struct span id, int64_t now,
                               int64_t *left)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct sum sum = {.notes = {.arena = &arena}};
    TRY(delivery_each_case(store_view(store), org, id, add_case, &sum));
    *left = sum.count;
    return write_sum(store, org, id, &sum, now);
}

enum err delivery_set_status(struct store *store, const struct delivery *delivery)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_DELIVERY_STATUS, 1, delivery->org);
    db_bind_text(db, SQL_DELIVERY_STATUS, 2, delivery->id);
    db_bind_text(db, SQL_DELIVERY_STATUS, 3, span_of(delivery_status_name(delivery->status)));
    room_bind_optional(db, SQL_DELIVERY_STATUS, 4, delivery->driver);
    if (delivery->eta != 0)
        db_bind_int(db, SQL_DELIVERY_STATUS, 5, delivery->eta);
    room_bind_optional(db, SQL_DELIVERY_STATUS, 6, delivery->proof);
    db_bind_int(db, SQL_DELIVERY_STATUS, 7, delivery->seq);
    db_bind_int(db, SQL_DELIVERY_STATUS, 8, delivery->updated);
    return db_run(db, SQL_DELIVERY_STATUS);
}

/* Consumers and claims: what is given to whom, in which order, how often, and what a lease is worth. */
#include "store/claims.h"

#include "shelf.h"

#define LEASE 1000 /* ms */

/* What a call is to do, and what came of it. */
struct desk {
    struct store_job job; /* first */
    struct shelf *shelf;
    struct consumer consumer; /* as it was put */
    struct claim_order order;
    struct claim_list list;
    struct lease lease;
    struct claim_failure failure;
    enum claim_result result;
    int64_t extend, count, cursor;
    bool added;
    enum err err;
};

static struct store *store;

static enum err run(struct desk *desk, store_call *call)
{
    desk->job = (struct store_job){.kind = STORE_CALL, .call = call};
    store_write(store, &desk->job);
    return desk->job.err;
}

static struct consumer now_of(struct desk *desk)
{
    struct consumer consumer = {0};
    assert_int_equal(consumer_find(store_view(store), &desk->shelf->arena, desk->consumer.org,
                                   desk->consumer.name, &consumer),
                     ERR_OK);
    return consumer;
}

static enum err call_put(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    return consumer_put(s, &desk->consumer, &desk->added);
}

static enum err call_claim(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    struct consumer consumer = now_of(desk);
    return claim_next(s, &desk->shelf->arena, &consumer, &desk->order, &desk->list);
}

static enum err call_ack(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    return claim_ack(s, now_of(desk).id, &desk->lease, desk->order.now, &desk->result);
}

static enum err call_nack(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    desk->failure.now = desk->order.now;
    return claim_nack(s, now_of(desk).id, &desk->lease, &desk->failure, &desk->result);
}

static enum err call_extend(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    return claim_extend(s, now_of(desk).id, &desk->lease, desk->extend, desk->order.now, &desk->result);
}

static enum err call_revive(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    if (desk->failure.subject.len > 0)
        return claim_mend(s, now_of(desk).id, SPAN("default"), desk->failure.subject, desk->order.now,
                          &desk->count);
    return claim_revive(s, now_of(desk).id, SPAN("default"), 0, 10, desk->order.now, &desk->count);
}

static enum err call_rewind(struct store *s, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    return consumer_rewind(s, now_of(desk).id, desk->cursor);
}

/* The seqs of what was claimed, with the attempt where it is not the first. */
static void check_claimed(struct desk *desk, const char *want)
{
    struct buf seen = {.arena = &desk->shelf->arena};
    assert_int_equal(run(desk, call_claim), ERR_OK);
    for (const struct claim *claim = desk->list.first; claim != NULL; claim = claim->next) {
        if (seen.len > 0)
            buf_add_char(&seen, ' ');
        buf_printf(&seen, "%lld", (long long)claim->lease.seq);
        if (claim->attempt > 1)
            buf_printf(&seen, "x%lld", (long long)claim->attempt);
    }
    check_text("claimed", buf_span(&seen), want);
    if (desk->list.first != NULL)
        desk->lease = desk->list.first->lease;
}

static void check_result(struct desk *desk, store_call *call, enum claim_result want)
{
    assert_int_equal(run(desk, call), ERR_OK);
    check_int("result", desk->result, want);
}

/* Five events: 1, 3 and 5 of dentrix, 2 and 4 of eaglesoft; the fourth is another org's. */
static void add_events(struct shelf *shelf)
{
    const char *origins[] = {"dentrix", "eaglesoft", "dentrix", "eaglesoft", "dentrix"};
    struct store_job jobs[5];
    for (int i = 0; i < 5; i++) {
        char body[20];
        snprintf(body, sizeof body, "%d", i);
        jobs[i] = event_job(shelf, origins[i], body, 100 + i);
        if (i == 3)
            jobs[i].event.org = SPAN("other");
    }
    write_batch(store, jobs, 5);
}

static struct desk desk_of(struct shelf *shelf)
{
    store = open_store(shelf);
    add_events(shelf);
    struct desk desk = {
        .shelf = shelf,
        .consumer = {.org = SPAN("default"),
                     .name = SPAN("billing"),
                     .types = SPAN("[]"),
                     .sources = SPAN("[]"),
                     .origins = SPAN("[]"),
                     .max_attempts = 3,
                     .lease_ms = LEASE},
        .order = {SPAN("w1"), 10, 1 << 20, 5000},
        .failure = {.error = SPAN("no room"), .retry_after = 100, .subject = SPAN("")},
    };
    assert_int_equal(run(&desk, call_put), ERR_OK);
    assert_true(desk.added);
    return desk;
}

static void test_in_log_order(void **state)
{
    struct desk desk = desk_of(*state);
    desk.order.max = 2;
    check_claimed(&desk, "1 2");
    assert_true(desk.list.more);
    check_claimed(&desk, "3 5"); /* the fourth is of another organization */
    check_claimed(&desk, "");
    assert_false(desk.list.more);
    assert_int_equal(now_of(&desk).cursor, 5);
    store_close(store);
}

static void test_bytes_bound_a_claim(void **state)
{
    struct desk desk = desk_of(*state);
    desk.order.max_bytes = 1;
    check_claimed(&desk, "1"); /* one alone may be larger */
    assert_true(desk.list.more);
    int64_t one = desk.list.bytes;
    desk.order.max_bytes = 2 * one;
    check_claimed(&desk, "2 3");
    desk.order.now += LEASE;
    desk.order.max_bytes = 2 * one - 1;
    check_claimed(&desk, "1x2"); /* of those that are due, too */
    store_close(store);
}

static void test_filters(void **state)
{
    struct desk desk = desk_of(*state);
    desk.consumer.sources = SPAN("[\"ehr.eaglesoft\",\"ehr.nobody\"]");
    assert_int_equal(run(&desk, call_put), ERR_OK);
    assert_false(desk.added);
    check_claimed(&desk, "2");
    desk.consumer.sources = SPAN("[]");
    desk.consumer.name = SPAN("origins");
    desk.consumer.origins = SPAN("[\"dentrix\"]");
    assert_int_equal(run(&desk, call_put), ERR_OK);
    check_claimed(&desk, "1 3 5");
    desk.consumer.name = SPAN("types");
    desk.consumer.origins = SPAN("[]");
    desk.consumer.types = SPAN("[\"CaseReadyToShip\"]");
    assert_int_equal(run(&desk, call_put), ERR_OK);
    check_claimed(&desk, "");
    assert_int_equal(now_of(&desk).cursor, 5);
    store_close(store);
}

/* A new filter counts from the cursor on; the cursor of a consumer that is there stays. */
static void test_put_again(void **state)
{
    struct desk desk = desk_of(*state);
    desk.order.max = 1;
    check_claimed(&desk, "1");
    desk.consumer.origins = SPAN("[\"dentrix\"]");
    desk.consumer.cursor = 4;
    assert_int_equal(run(&desk, call_put), ERR_OK);
    assert_int_equal(now_of(&desk).cursor, 1);
    desk.order.max = 10;
    check_claimed(&desk, "3 5");
    store_close(store);
}

static void test_ack(void **state)
{
    struct desk desk = desk_of(*state);
    check_claimed(&desk, "1 2 3 5");
    struct lease wrong = {desk.lease.seq, desk.lease.token ^ 1};
    struct lease right = desk.lease;
    desk.lease = wrong;
    check_result(&desk, call_ack, CLAIM_EXPIRED);
    desk.lease = right;
    check_result(&desk, call_ack, CLAIM_DONE);
    check_result(&desk, call_ack, CLAIM_EXPIRED);
    desk.order.now += LEASE;
    check_claimed(&desk, "2x2 3x2 5x2");
    store_close(store);
}

/* The lease's last moment is the one before its end. */
static void test_a_lease_ends(void **state)
{
    struct desk desk = desk_of(*state);
    check_claimed(&desk, "1 2 3 5");
    assert_int_equal(desk.list.first->until, desk.order.now + LEASE);
    struct lease first = desk.lease;
    desk.order.now += LEASE - 1;
    check_claimed(&desk, "");
    desk.extend = LEASE;
    check_result(&desk, call_extend, CLAIM_DONE);
    desk.order.now++;
    desk.lease = (struct lease){2, first.token};
    check_result(&desk, call_ack, CLAIM_EXPIRED); /* though nobody else has it yet */
    check_claimed(&desk, "2x2 3x2 5x2");          /* the first was extended */
    desk.lease = desk.list.first->lease;
    desk.order.now += LEASE - 1;
    check_claimed(&desk, "1x2");
    desk.lease = first;
    check_result(&desk, call_ack, CLAIM_EXPIRED); /* it has another lease now */
    check_result(&desk, call_extend, CLAIM_EXPIRED);
    check_result(&desk, call_nack, CLAIM_EXPIRED);
    store_close(store);
}

static void test_nack_and_dead(void **state)
{
    struct desk desk = desk_of(*state);
    struct claim_state look;
    desk.order.max = 1;
    check_claimed(&desk, "1");
    check_result(&desk, call_nack, CLAIM_DONE);
    desk.order.now += 99;
    desk.order.max = 1;
    check_claimed(&desk, "2");
    desk.order.now += 1;
    check_claimed(&desk, "1x2");
    check_result(&desk, call_nack, CLAIM_DONE);
    desk.order.now += 100;
    check_claimed(&desk, "1x3");
    check_result(&desk, call_nack, CLAIM_DEAD);
    assert_int_equal(claim_look(store_view(store), &desk.shelf->arena, now_of(&desk).id, 1, &look), ERR_OK);
    assert_true(look.known && look.state == 2 && look.attempts == 3);
    check_text("history", look.history,
               "[{\"attempt\":1,\"at\":\"1970-01-01T00:00:05Z\",\"worker\":\"w1\",\"error\":\"no room\"},"
               "{\"attempt\":2,\"at\":\"1970-01-01T00:00:05Z\",\"worker\":\"w1\",\"error\":\"no room\"},"
               "{\"attempt\":3,\"at\":\"1970-01-01T00:00:05Z\",\"worker\":\"w1\",\"error\":\"no room\"}]");
    desk.order.now += 1000000;
    check_claimed(&desk, "2x2"); /* the dead one stays dead */
    assert_int_equal(run(&desk, call_revive), ERR_OK);
    check_int("revived", desk.count, 1);
    check_claimed(&desk, "1");
    store_close(store);
}

static void test_permanent(void **state)
{
    struct desk desk = desk_of(*state);
    check_claimed(&desk, "1 2 3 5");
    desk.failure.permanent = true;
    desk.failure.subject = SPAN("CLI-001");
    check_result(&desk, call_nack, CLAIM_DEAD);
    desk.failure.subject = SPAN("CLI-002");
    assert_int_equal(run(&desk, call_revive), ERR_OK);
    check_int("of another clinic", desk.count, 0);
    desk.failure.subject = SPAN("CLI-001");
    assert_int_equal(run(&desk, call_revive), ERR_OK);
    check_int("of this one", desk.count, 1);
    store_close(store);
}

/* A worker that dies each time uses the attempts up. */
static void test_lost_workers(void **state)
{
    struct desk desk = desk_of(*state);
    desk.order.max = 1;
    check_claimed(&desk, "1");
    desk.order.now += LEASE;
    check_claimed(&desk, "1x2");
    desk.order.now += LEASE;
    check_claimed(&desk, "1x3");
    desk.order.now += LEASE;
    check_claimed(&desk, "2");
    check_int("died", desk.list.died, 1);
    store_close(store);
}

static void test_backoff_grows(void **state)
{
    struct desk desk = desk_of(*state);
    int64_t due, before = 0;
    desk.order.max = 1;
    desk.failure.retry_after = -1;
    check_claimed(&desk, "1");
    for (int attempt = 1; attempt < 3; attempt++) {
        check_result(&desk, call_nack, CLAIM_DONE);
        assert_int_equal(claim_next_due(store_view(store), now_of(&desk).id, &due), ERR_OK);
        int64_t wait = due - desk.order.now, most = CLAIM_BACKOFF_MS << (attempt - 1);
        assert_true(wait >= most / 2 && wait <= most && wait >= before);
        before = most;
        desk.order.now = due;
        run(&desk, call_claim);
        desk.lease = desk.list.first->lease;
    }
    store_close(store);
}

static void test_paused_and_rewound(void **state)
{
    struct desk desk = desk_of(*state);
    check_claimed(&desk, "1 2 3 5");
    desk.cursor = 2;
    assert_int_equal(run(&desk, call_rewind), ERR_OK);
    struct lease old = desk.lease;
    check_claimed(&desk, "3 5");
    desk.lease = old;
    check_result(&desk, call_ack, CLAIM_EXPIRED);
    store_close(store);
}

static void test_leases_as_text(void **state)
{
    struct lease lease;
    char text[CLAIM_LEASE_TEXT];
    (void)state;
    lease_write(text, &(struct lease){12, INT64_MAX});
    check_text("written", span_of(text), "12.9223372036854775807");
    assert_true(lease_read(span_of(text), &lease) && lease.seq == 12 && lease.token == INT64_MAX);
    const char *bad[] = {
        "", "12", "12.", ".12", "12.0", "0.1", "-1.1", "1.-1", "1.2.3", "1.9223372036854775808", " 1.2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(bad[i], !lease_read(span_of(bad[i]), &lease));
}

/* Leases and dead letters are what a later process finds. */
static void test_reopened(void **state)
{
    struct desk desk = desk_of(*state);
    desk.order.max = 2;
    check_claimed(&desk, "1 2");
    store_close(store);
    store = open_store(*state);
    check_result(&desk, call_ack, CLAIM_DONE);
    check_claimed(&desk, "3 5");
    desk.order.now += LEASE;
    check_claimed(&desk, "2x2 3x2");
    store_close(store);
}

static enum err call_in_vain(struct store *s, struct store_job *job)
{
    TRY(call_put(s, job));
    return ERR_NOT_FOUND;
}

/* What a call that fails wrote is undone, and whatever goes with it stays. */
static void test_a_call_that_fails(void **state)
{
    struct desk desk = desk_of(*state);
    struct store_job event = event_job(*state, "dentrix", "beside", 1);
    struct arena *arena = &desk.shelf->arena;
    desk.consumer.name = SPAN("vain");
    desk.job = (struct store_job){.kind = STORE_CALL, .call = call_in_vain, .mail.next = &event.mail};
    store_write(store, &desk.job);
    check_int("call", desk.job.err, ERR_NOT_FOUND);
    check_int("event", event.err, ERR_OK);
    check_int("seq", store_seq(store), 6);
    assert_int_equal(consumer_find(store_view(store), arena, SPAN("default"), SPAN("vain"), &desk.consumer),
                     ERR_NOT_FOUND);
    assert_int_equal(store_state(store), ERR_OK);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(test_in_log_order),
        SHELF_TEST(test_bytes_bound_a_claim),
        SHELF_TEST(test_filters),
        SHELF_TEST(test_put_again),
        SHELF_TEST(test_ack),
        SHELF_TEST(test_a_lease_ends),
        SHELF_TEST(test_nack_and_dead),
        SHELF_TEST(test_permanent),
        SHELF_TEST(test_lost_workers),
        SHELF_TEST(test_backoff_grows),
        SHELF_TEST(test_paused_and_rewound),
        cmocka_unit_test(test_leases_as_text),
        SHELF_TEST(test_reopened),
        SHELF_TEST(test_a_call_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

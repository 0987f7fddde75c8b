/* The audit's chain: what is signed, kept with what, and found when it is another than it was. */
#include "store/audit.h"

#include "../../src/store/chain.h"
#include "base/hex.h"
#include "shelf.h"

#define KEY "a-key-of-32-bytes-that-is-not-real"

static struct audit_entry entry(void)
{
    return (struct audit_entry){.who = SPAN("billing"),
                                .org = SPAN("default"),
                                .via = SPAN("127.0.0.1"),
                                .action = SPAN("claim"),
                                .what = SPAN("{\"count\":2}"),
                                .status = 200};
}

static struct store *open_audited(struct shelf *shelf)
{
    struct store *store = open_store(shelf);
    assert_int_equal(store_audit(store, hmac_key_new(HMAC_SHA256, SPAN(KEY))), ERR_OK);
    return store;
}

/* The value is Python's hmac.digest of what the manual says. */
static void test_what_is_signed(void **state)
{
    (void)state;
    uint8_t before[AUDIT_MAC_BYTES], mac[AUDIT_MAC_BYTES];
    char text[2 * AUDIT_MAC_BYTES + 1];
    struct audit_row row = {.seq = 7, .time = 1767225600123, .entry = entry()};
    struct hmac_key *key = hmac_key_new(HMAC_SHA256, SPAN(KEY));
    for (int i = 0; i < AUDIT_MAC_BYTES; i++)
        before[i] = (uint8_t)i;
    audit_sign(key, before, &row, mac);
    hex_write(text, mac, sizeof mac);
    check_text("mac", span_of(text), "5ec7424a12b1083f83fb997a44b96c906b4f082e1dde1f52834da374799bb7cd");
    hmac_key_free(key);
}

static void test_heads(void **state)
{
    (void)state;
    struct audit_head head, again;
    char text[AUDIT_HEAD_TEXT];
    const char *const wrong[] = {"", "7", "7:", "7:00", "-1:", ":00", "x:00"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(wrong[i], !audit_head_read(span_of(wrong[i]), &head));
    head = (struct audit_head){.seq = INT64_MAX, .mac = {1, 2, 0xff}};
    audit_head_write(text, &head);
    assert_true(audit_head_read(span_of(text), &again));
    assert_int_equal(again.seq, head.seq);
    assert_memory_equal(again.mac, head.mac, sizeof head.mac);
    memcpy(text, "-1", 2); /* of a number that is as long */
    assert_false(audit_head_read(span_of(text), &head));
}

static void note_flaw(void *arg, enum audit_flaw flaw, int64_t first, int64_t last)
{
    static const char *const names[AUDIT_FLAWS] = {"missing", "changed", "unproven", "cut off", "other"};
    buf_printf(arg, "%s %lld-%lld; ", names[flaw], (long long)first, (long long)last);
}

/* How many rows there are, and every flaw. */
static void check_chain(struct shelf *shelf, int64_t rows, const char *flaws)
{
    struct buf found = {.arena = &shelf->arena};
    struct audit_verdict verdict;
    struct view *view = open_view(shelf);
    struct hmac_key *key = hmac_key_new(HMAC_SHA256, SPAN(KEY));
    assert_int_equal(audit_verify(view, key, NULL, note_flaw, &found, &verdict), ERR_OK);
    check_int("rows", verdict.rows, rows);
    check_text("flaws", buf_span(&found), flaws);
    hmac_key_free(key);
    view_close(view);
}

static enum err fail_with(struct store *store, struct store_job *job)
{
    (void)store;
    return (enum err)job->bytes;
}

static struct store_job call_job(struct audit_entry *audit, enum err err)
{
    return (struct store_job){.kind = STORE_CALL, .call = fail_with, .bytes = (size_t)err, .audit = audit};
}

/* A row is there if what it tells of is, and else not; what comes behind it follows from what is there. */
static void test_with_what_it_tells_of(void **state)
{
    struct shelf *shelf = *state;
    struct audit_entry told = entry(), silent = entry();
    struct store *store = open_audited(shelf);
    struct store_job good = call_job(&told, ERR_OK), refused = call_job(&told, ERR_CONFLICT),
                     lost = call_job(&told, ERR_STORE), quiet = call_job(&silent, ERR_OK);
    silent.silent = true;
    struct store_job batch[] = {good, refused, quiet, good};
    write_batch(store, batch, 4);
    check_int("refused", batch[1].err, ERR_CONFLICT);
    check_chain(shelf, 2, "");
    struct store_job failing[] = {good, lost, good};
    write_batch(store, failing, 3);
    check_int("lost with the others", failing[0].err, ERR_STORE);
    check_chain(shelf, 2, "");
    write_batch(store, batch, 1);
    store_close(store);
    store = open_audited(shelf); /* goes on where the file ends */
    write_batch(store, batch, 1);
    store_close(store);
    check_chain(shelf, 4, "");
}

/* A job with parts is told of once; if quarantine is full, not at all. */
static void test_with_parts(void **state)
{
    struct shelf *shelf = *state;
    struct audit_entry told = entry();
    struct store *store = open_limited(shelf, 1, 1000);
    assert_int_equal(store_audit(store, hmac_key_new(HMAC_SHA256, SPAN(KEY))), ERR_OK);
    struct store_job part = event_job(shelf, "dentrix", "1", 1), first = event_job(shelf, "dentrix", "2", 1),
                     third = quarantine_job(shelf, "dentrix", "3", 1),
                     fourth = quarantine_job(shelf, "dentrix", "4", 1);
    first.part = &part;
    first.audit = fourth.audit = &told;
    fourth.part = &third;
    write_batch(store, &first, 1);
    write_batch(store, &fourth, 1);
    check_int("full", fourth.err, ERR_QUARANTINE_FULL);
    store_close(store);
    check_chain(shelf, 1, "");
}

/* Rows are cut off while the file is being served: there is a gap. */
static void test_cut_off_meanwhile(void **state)
{
    struct shelf *shelf = *state;
    struct audit_entry told = entry();
    struct store *store = open_audited(shelf);
    for (int i = 0; i < 3; i++)
        check_written(store, call_job(&told, ERR_OK), ERR_OK, false);
    change(shelf, "DROP TRIGGER audit_stays; DELETE FROM audit WHERE seq > 1;");
    check_written(store, call_job(&told, ERR_OK), ERR_OK, false);
    store_close(store);
    check_chain(shelf, 2, "missing 2-3; unproven 4-4; ");
}

/* A row that somebody else has put where ours would have been is found, and stops nothing. */
static void test_in_our_place(void **state)
{
    struct shelf *shelf = *state;
    struct audit_entry told = entry();
    struct store *store = open_audited(shelf);
    check_written(store, call_job(&told, ERR_OK), ERR_OK, false);
    change(shelf, "INSERT INTO audit SELECT 2, time, who, org, via, action, what, status, mac FROM audit;");
    for (int i = 0; i < 2; i++)
        check_written(store, call_job(&told, ERR_OK), ERR_OK, false);
    store_close(store);
    check_chain(shelf, 4, "changed 2-2; ");
}

/* Nor does one at the end of all numbers. */
static void test_at_the_end_of_numbers(void **state)
{
    struct shelf *shelf = *state;
    struct audit_entry told = entry();
    struct store *store = open_audited(shelf);
    check_written(store, call_job(&told, ERR_OK), ERR_OK, false);
    change(shelf, "INSERT INTO audit"
                  " SELECT 9223372036854775807, time, who, org, via, action, what, status, mac FROM audit;");
    store_close(store);
    store = open_audited(shelf);
    check_written(store, call_job(&told, ERR_OK), ERR_OK, false);
    store_close(store);
    check_chain(shelf, 3,
                "missing 3-9223372036854775806; unproven 9223372036854775807-9223372036854775807; ");
}

/* The walk goes in steps of a thousand rows, and a stretch across two of them is one. */
static void test_many(void **state)
{
    struct shelf *shelf = *state;
    struct audit_entry told = entry();
    struct store *store = open_audited(shelf);
    struct store_job *jobs = arena_alloc(&shelf->arena, 2001 * sizeof *jobs);
    for (int i = 0; i < 2001; i++)
        jobs[i] = call_job(&told, ERR_OK);
    write_batch(store, jobs, 2000);
    check_chain(shelf, 2000, "");
    write_batch(store, jobs, 1);
    store_close(store);
    check_chain(shelf, 2001, "");
    change(shelf, "DROP TRIGGER audit_stays_as_it_is;"
                  "UPDATE audit SET who = 'x' WHERE seq IN (1000, 1001, 2001);");
    check_chain(shelf, 2001, "changed 1000-1001; changed 2001-2001; ");
}

/* Its head is logged at once, and then once an hour; of one that is not to be told of, never. */
static void test_is_told(void **state)
{
    (void)state;
    struct chain chain = {.tells = true}, quiet = {0};
    const int64_t hour = INT64_C(3600000000);
    assert_true(chain_tell(&chain, 5));
    assert_false(chain_tell(&chain, 5 + hour - 1));
    assert_true(chain_tell(&chain, 5 + hour));
    assert_false(chain_tell(&chain, 5 + hour + 1));
    assert_false(chain_tell(&quiet, 5 + hour));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_signed),  cmocka_unit_test(test_heads),
        SHELF_TEST(test_with_what_it_tells_of), SHELF_TEST(test_with_parts),
        SHELF_TEST(test_cut_off_meanwhile),     SHELF_TEST(test_in_our_place),
        SHELF_TEST(test_at_the_end_of_numbers), SHELF_TEST(test_many),
        cmocka_unit_test(test_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

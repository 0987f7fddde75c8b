/* Changes of consumers: what is one, what it does, what is refused and why, and what is told of it. */
#include "flow/consumers.h"

#include "base/time.h"
#include "shelf.h"

static struct store *store;

static void names(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } rows[] = {{"a", true},         {"billing-2_x", true}, {"0", true},    {"flows", true},
                {"", false},         {"A", false},          {"a b", false}, {"a.b", false},
                {"\xc3\xa4", false}, {"a\n", false},        {"a/b", false}};
    char longest[CONSUMER_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_int(rows[i].name, consumers_is_name(span_of(rows[i].name)), rows[i].good);
    memset(longest, 'a', sizeof longest);
    assert_true(consumers_is_name((struct span){longest, CONSUMER_NAME_MAX}));
    assert_false(consumers_is_name((struct span){longest, CONSUMER_NAME_MAX + 1}));
}

static void where_to_begin(void **state)
{
    static const struct {
        const char *json;
        bool good;
        int64_t from;
    } rows[] = {{"{'from':5}", true, 5},
                {"{'from':'start'}", true, 1},
                {"{'from':'now'}", true, INT64_MAX},
                {"{'from':0}", false, 0},
                {"{'from':-1}", false, 0},
                {"{'from':1.5}", false, 0},
                {"{'from':'later'}", false, 0},
                {"{'from':null}", false, 0},
                {"{}", false, 0},
                {"[]", false, 0},
                {"{'from':5,'to':6}", false, 0}};
    struct shelf *shelf = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t from;
        struct json_fault fault;
        struct json *json = json_parse(quoted(&shelf->arena, rows[i].json), &fault);
        check_int(rows[i].json, consumers_read_from(json, &from), rows[i].good);
        if (rows[i].good)
            check_int(rows[i].json, from, rows[i].from);
        json_free(json);
    }
    int64_t from;
    assert_false(consumers_read_from(NULL, &from));
}

static void verbs(void **state)
{
    (void)state;
    for (enum consumers_verb verb = 0; verb < CONSUMERS_VERBS; verb++)
        assert_int_equal(consumers_verb_read(span_of(consumers_verb_word(verb))), verb);
    assert_int_equal(consumers_verb_read(SPAN("list")), CONSUMERS_VERBS);
    assert_int_equal(consumers_verb_read(SPAN("")), CONSUMERS_VERBS);
}

/* A consumer from the start on that has given up all of its events. */
static enum err call_fill(struct store *s, struct store_job *job)
{
    bool added;
    int64_t now = time_now();
    struct arena arena CLEANUP(arena_free) = {0};
    struct claim_list list;
    struct claim_order order = {SPAN("w1"), INT32_MAX, INT32_MAX, now};
    struct consumer consumer = {.org = SPAN("default"),
                                .name = SPAN("a"),
                                .types = SPAN("[]"),
                                .sources = SPAN("[]"),
                                .origins = SPAN("[]"),
                                .max_attempts = 1,
                                .lease_ms = 60000,
                                .created = now};
    (void)job;
    TRY(consumer_put(s, &consumer, &added));
    TRY(consumers_find(store_view(s), &arena, SPAN("default"), SPAN("a"), &consumer));
    TRY(claim_next(s, &arena, &consumer, &order, &list));
    for (const struct claim *claim = list.first; claim != NULL; claim = claim->next) {
        enum claim_result result;
        struct claim_failure failure = {.error = SPAN("no"), .permanent = true, .now = now};
        TRY(claim_nack(s, consumer.id, &claim->lease, &failure, &result));
    }
    return ERR_OK;
}

static struct event_id fill(struct shelf *shelf, size_t count)
{
    struct event_id first;
    store = open_store(shelf);
    for (size_t i = 0; i < count; i++) {
        char body[20];
        snprintf(body, sizeof body, "%zu", i);
        struct store_job job = event_job(shelf, "north", body, 100);
        first = i == 0 ? job.event.id : first;
        store_write(store, &job);
    }
    struct store_job job = {.kind = STORE_CALL, .call = call_fill};
    store_write(store, &job);
    assert_int_equal(job.err, ERR_OK);
    return first;
}

/* Goes once; what is told of it, or why it was refused. */
static void check_go(struct consumers_order *order, const char *want)
{
    struct buf told CLEANUP(buf_free) = {0};
    order->change.org = order->change.org.at != NULL ? order->change.org : SPAN("default");
    consumers_order_begin(order);
    order->job.audit = NULL; /* this store knows no key */
    store_write(store, &order->job);
    if (order->job.err == ERR_OK)
        buf_printf(&told, "%s%.*s", order->caller.entry.silent ? "silent " : "",
                   (int)order->caller.entry.what.len, order->caller.entry.what.at);
    else
        consumers_explain(&order->change, order->job.err, &told);
    for (size_t i = 0; i < told.len; i++)
        told.at[i] = told.at[i] == '"' ? '\'' : told.at[i];
    check_text(want, buf_span(&told), want);
    arena_free(&order->arena);
}

#define CHECK_GO(want, ...) check_go(&(struct consumers_order){.change = {__VA_ARGS__}}, want)
#define NAMED_A             .name = SPAN("a")

static int64_t paused(void)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct consumer consumer;
    assert_int_equal(consumers_find(store_view(store), &arena, SPAN("default"), SPAN("a"), &consumer),
                     ERR_OK);
    return consumer.paused;
}

static void changes(void **state)
{
    struct event_id id = fill(*state, 3), none = {{1}};
    char text[EVENT_ID_TEXT], want[100];
    event_id_write(text, &id);
    CHECK_GO("{'name':'a'}", .verb = CONSUMERS_PAUSE, NAMED_A);
    assert_int_equal(paused(), 1);
    CHECK_GO("{'name':'a'}", .verb = CONSUMERS_RESUME, NAMED_A);
    assert_int_equal(paused(), 0);
    snprintf(want, sizeof want, "{'name':'a','id':'%s','count':1}", text);
    CHECK_GO(want, .verb = CONSUMERS_RETRY, NAMED_A, .id = id);
    CHECK_GO("no such dead letter", .verb = CONSUMERS_RETRY, NAMED_A, .id = id);
    CHECK_GO("no such dead letter", .verb = CONSUMERS_RETRY, NAMED_A, .id = none);
    CHECK_GO("{'name':'a','count':2}", .verb = CONSUMERS_RETRY, NAMED_A, .all = true);
    CHECK_GO("{'name':'a','count':0}", .verb = CONSUMERS_RETRY, NAMED_A, .all = true);
    CHECK_GO("silent {'name':'a','count':0}", .verb = CONSUMERS_RETRY, NAMED_A, .all = true, .total = 1000);
    CHECK_GO("{'name':'a','after':1}", .verb = CONSUMERS_REPLAY, NAMED_A, .from = 2);
    CHECK_GO("{'name':'a','after':3}", .verb = CONSUMERS_REPLAY, NAMED_A, .from = CONSUMERS_NOW);
    CHECK_GO("{'name':'a'}", .verb = CONSUMERS_DELETE, NAMED_A);
    CHECK_GO("no such consumer in the organization default", .verb = CONSUMERS_DELETE, NAMED_A);
    store_close(store);
}

static void refusals(void **state)
{
    fill(*state, 1);
    for (enum consumers_verb verb = 0; verb < CONSUMERS_VERBS; verb++) {
        if (verb != CONSUMERS_RETRY)
            CHECK_GO(CONSUMERS_BUILT_IN, .verb = verb, .name = SPAN("flows"));
        CHECK_GO("no such consumer in the organization default", .verb = verb, .name = SPAN("b"),
                 .all = true);
        CHECK_GO("no such consumer in the organization other", .verb = verb, NAMED_A, .org = SPAN("other"),
                 .all = true);
    }
    CHECK_GO("{'name':'flows','count':0}", .verb = CONSUMERS_RETRY, .name = SPAN("flows"), .all = true);
    assert_int_equal(paused(), 0);
    store_close(store);
}

/* As many goes as it takes. */
static void in_goes(void **state)
{
    struct consumers_change change = {.verb = CONSUMERS_RETRY, .all = true, .count = CONSUMERS_REVIVED};
    (void)state;
    assert_true(consumers_goes_on(&change));
    assert_int_equal(change.total, CONSUMERS_REVIVED);
    assert_false(consumers_did_nothing(&change));
    change.count = 1;
    assert_false(consumers_goes_on(&change));
    assert_int_equal(change.total, CONSUMERS_REVIVED + 1);
    change.count = 0;
    assert_true(consumers_did_nothing(&change));
    change = (struct consumers_change){.verb = CONSUMERS_RETRY, .count = CONSUMERS_REVIVED};
    assert_false(consumers_goes_on(&change));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names), SHELF_TEST(where_to_begin), cmocka_unit_test(verbs),
        SHELF_TEST(changes),     SHELF_TEST(refusals),       cmocka_unit_test(in_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Webhooks of several rows: each row is an event, a fault or nothing of its own. */
#include "desk.h"

#define ROW_EVENT                                                                                            \
    "'event':{'source':'s','type':'T','detail':{'id':{'from':'id','type':'whole','required':true}}}"
#define EACH "'each':'rows'," ROW_EVENT

static void check_post(struct desk *desk, const char *body, const char *want, bool is_batch)
{
    desk_post(desk, body);
    check_says(body, desk, want);
    check_int(body, desk->verdict.is_batch, is_batch);
}

static void each_row_is_judged_alone(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, EACH);
    check_post(&desk, "{'rows':[{'id':1},{'id':2}]}", "T {'id':1}; T {'id':2}", true);
    check_post(&desk, "{'rows':[{'id':1},{'id':'x'},{},7,null,[],{'id':2}]}",
               "T {'id':1}; ! Invalid id; ! Missing id; ! Not a JSON object; ! Not a JSON object; "
               "! Not a JSON object; T {'id':2}",
               true);
    check_post(&desk, "{'rows':[{'id':1}]}", "T {'id':1}", true);
    check_post(&desk, "{'rows':[]}", "ignored 0", true);
    check_post(&desk, "{'rows':{'id':3}}", "T {'id':3}", false);
    check_post(&desk, "{'rows':7}", "! Not a JSON object", false);
    check_post(&desk, "{'rows':null}", "! Missing rows", false);
    check_post(&desk, "{}", "! Missing rows", false);
    check_post(&desk, "[{'id':1}]", "! Missing rows", false);
    check_post(&desk, "{'rows':[", "! Malformed JSON at byte 9", false);
}

static void rows_may_stand_in_several_places(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, "'each':['a.b','c','$']," ROW_EVENT);
    check_post(&desk, "{'a':{'b':[{'id':1}]},'c':[{'id':2}]}", "T {'id':1}", true);
    check_post(&desk, "{'a':7,'c':[{'id':2},{'id':3}]}", "T {'id':2}; T {'id':3}", true);
    check_post(&desk, "{'a':{'b':null},'id':4}", "T {'id':4}", false);
    check_post(&desk, "[{'id':5},{'id':6}]", "T {'id':5}; T {'id':6}", true);
}

static void what_lacks_is_said_by_its_first_name(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, "'each':['a.b','c']," ROW_EVENT);
    check_post(&desk, "{'d':1}", "! Missing a.b", false);
    struct event_id id = event_id(SPAN("north"), SPAN("body"), SPAN("{\"d\":1}"));
    assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
    check_text("kept", desk.verdict.pieces[0].body, "{\"d\":1}");
}

static void rows_may_be_of_no_interest(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              "'each':'rows','events':[{'when':{'k':'no'},'ignore':true},"
              "{'when':{'k':'a','$.k':'b'},'source':'s','type':'A','detail':{}}]");
    check_post(&desk, "{'k':'b','rows':[{'k':'a'},{'k':'no'},{'k':'x'},{'k':'no'}]}",
               "A {}; ! No event fits and 2 ignored", true);
    check_post(&desk, "{'rows':[{'k':'no'},{'k':'no'},{'k':'no'}]}", "ignored 3", true);
    check_post(&desk, "{'rows':[{'k':'a'}]}", "! No event fits", true);
    check_post(&desk, "{'rows':{'k':'no'}}", "ignored 1", false);
}

static void a_batch_has_at_most_1000_rows(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, EACH);
    for (int count = 1000; count <= 1001; count++) {
        struct buf body = {.arena = &desk.arena};
        buf_add(&body, SPAN("{'rows':["));
        for (int i = 1; i <= count; i++)
            buf_printf(&body, "%s{'id':%d}", i > 1 ? "," : "", i);
        buf_add(&body, SPAN("]}"));
        desk_post(&desk, buf_text(&body));
        check_int("batch", desk.verdict.is_batch, count == 1000);
        check_int("rows", (int64_t)desk.verdict.count, count == 1000 ? 1000 : 1);
        if (count == 1000) {
            check_text("last", (struct span){desk.verdict.pieces[999].event.detail, 11}, "{\"id\":1000}");
        } else {
            check_says("too many", &desk, "! More than 1000 rows");
            CHECK("whole", span_is(desk.verdict.pieces[0].body, quoted(&desk.arena, buf_text(&body))));
        }
    }
}

/* {"p":"xx…x","rows":[{},{},{},{},{}]} */
static const char *five_rows(struct arena *arena, size_t filling)
{
    struct buf body = {.arena = arena};
    buf_add(&body, SPAN("{'p':'"));
    buf_add(&body, repeat(arena, 'x', filling));
    buf_add(&body, SPAN("','rows':[{},{},{},{},{}]}"));
    return buf_text(&body);
}

#define COPY "'p':{'from':'$.p','type':'string'}"

/* Each row may take what stands beside it: together they may have 3 times the body, and 4 MiB. */
static void rows_are_bounded_together(void **state)
{
    (void)state;
    static const struct {
        const char *name, *detail;
        size_t filling; /* of a body whose rows become just so much */
        size_t bad;     /* faults of those */
    } rows[] = {
        {"good", COPY, 2097180, 0}, /* 5 (p + 8) = 3 (p + 32) + 4 MiB */
        {"bad", "'id':{'from':'id','type':'whole','required':true}", 2097150,
         5}, /* 5 (p + 20) = 3 (p + 32) + 4 MiB */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf rule = {.arena = &desk.arena};
        buf_printf(&rule, "'each':'rows','event':{'source':'s','type':'T','detail':{%s}}", rows[i].detail);
        desk_open(&desk, BY_HMAC, buf_text(&rule));
        desk_post(&desk, five_rows(&desk.arena, rows[i].filling));
        check_int(rows[i].name, desk.verdict.is_batch, true);
        check_int(rows[i].name, (int64_t)desk.verdict.count, 5);
        for (size_t k = 0; k < 5; k++)
            check_int(rows[i].name, desk.verdict.pieces[k].faults.count > 0, rows[i].bad > 0);
        const char *body = five_rows(&desk.arena, rows[i].filling + 1);
        desk_post(&desk, body);
        check_says(rows[i].name, &desk, "! Rows too large");
        check_int(rows[i].name, desk.verdict.is_batch, false);
        struct span whole = quoted(&desk.arena, body);
        struct event_id id = event_id(SPAN("north"), SPAN("body"), whole);
        CHECK(rows[i].name, span_is(desk.verdict.pieces[0].body, whole));
        assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
    }
}

/* What was ignored or good before counts no longer, once the whole is a fault. */
static void nothing_is_kept_of_rows_that_are_too_large(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              "'each':'rows','events':[{'when':{'k':'no'},'ignore':true},"
              "{'source':'s','type':'T','detail':{" COPY "}}]");
    struct buf body = {.arena = &desk.arena};
    buf_add(&body, SPAN("{'p':'"));
    buf_add(&body, repeat(&desk.arena, 'x', 1 << 20));
    buf_add(&body, SPAN("','rows':[{'k':'no'}"));
    for (int i = 0; i < 999; i++)
        buf_add(&body, SPAN(",{}"));
    buf_add(&body, SPAN("]}"));
    desk_post(&desk, buf_text(&body));
    check_says("none", &desk, "! Rows too large");
    check_int("ignored", (int64_t)desk.verdict.ignored, 0);
}

static const char *id_text(const struct event_id *id, char text[EVENT_ID_TEXT])
{
    event_id_write(text, id);
    return text;
}

#define ROW_A  "{'id':1,'a':[1.5,'\xc3\xbc']}"
#define KEYED  "'each':'rows','event':{'source':'s','type':'T','detail':{},'key':['$.d']}"
#define UNSAID "'each':'rows','event':{'source':'s','type':'T','detail':{},'key':['d']}"

/*
 * From Python, as in test_verdict.c, with the kind b"row" and the key json.dumps([digest]), or with a key
 * json.dumps(["T", *values, digest]), where None stands for what lacks; the digest is
 * hashlib.sha256(row).hexdigest() of the row b'{"a":[1.5,"\xc3\xbc"],"id":1}'.
 */
static const struct {
    const char *rules, *body, *id;
} ids[] = {
    {EACH, "{'d':'d1','rows':[" ROW_A "]}", "7b1f0090f0764975923258a34470b30d"},
    {EACH, "{'rows':[{'id':2}, {'a':[15e-1,'\\u00fc'] , 'id':1}]}", "7b1f0090f0764975923258a34470b30d"},
    {KEYED, "{'d':'d1','rows':[" ROW_A "]}", "d71038dd6bdf8619e75999b23e5880a7"},
    {KEYED, "{'rows':[{'id':2},{'a':[1.5,'\xc3\xbc'],'id':1}],'d':'d1'}", "d71038dd6bdf8619e75999b23e5880a7"},
    {UNSAID, "{'d':'d1','rows':[" ROW_A "]}", "c63e9121fb26a6c8e8225b1b3eeffa8e"},
};

static void ids_of_rows_agree_with_hashlib(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        char text[EVENT_ID_TEXT];
        desk_open(&desk, BY_HMAC, ids[i].rules);
        desk_post(&desk, ids[i].body);
        assert_true(desk.verdict.is_batch);
        const struct piece *last = &desk.verdict.pieces[desk.verdict.count - 1];
        check_text(ids[i].body, span_of(id_text(&last->event.id, text)), ids[i].id);
        assert_null(last->event.content); /* the row is in its id */
        struct event_id whole = event_id(SPAN("north"), SPAN("body"), quoted(&desk.arena, ids[i].body));
        assert_memory_equal(&desk.verdict.whole, &whole, sizeof whole);
    }
}

static void same_rows_are_one_and_others_are_not(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, EACH);
    desk_post(&desk, "{'rows':[{'id':1,'x':1},{'x':1,'id':1},{'id':1,'x':1.0},{'id':1}]}");
    const struct piece *pieces = desk.verdict.pieces;
    assert_memory_equal(&pieces[0].event.id, &pieces[1].event.id, sizeof pieces[0].event.id);
    assert_memory_not_equal(&pieces[0].event.id, &pieces[2].event.id, sizeof pieces[0].event.id);
    assert_memory_not_equal(&pieces[0].event.id, &pieces[3].event.id, sizeof pieces[0].event.id);
}

/* Rows that lack a part of their key are told apart by all that is in them, and are each kept. */
static void rows_without_their_key_are_not_one(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              "'each':'rows','event':{'source':'s','type':'T','detail':{},'key':['id','revision']}");
    desk_post(&desk, "{'rows':[{'id':1,'x':1},{'id':1,'x':2},{'x':1,'id':1}]}");
    check_says("faults", &desk, "! Missing revision; ! Missing revision; ! Missing revision");
    const struct piece *pieces = desk.verdict.pieces;
    assert_memory_not_equal(&pieces[0].event.id, &pieces[1].event.id, sizeof pieces[0].event.id);
    assert_memory_equal(&pieces[0].event.id, &pieces[2].event.id, sizeof pieces[0].event.id);
}

/* What quarantine keeps of a bad row is a webhook that can be tried again, and is the same then. */
static void a_bad_row_is_kept_alone(void **state)
{
    (void)state;
    static const struct {
        const char *body, *kept, *again;
    } rows[] = {
        {"{'w':1,'x':{'rows':[{'id':1},{'id':'bad','w':2},{'id':3}],'y':[2]},'z':null}",
         "{'w':1,'x':{'rows':[{'id':'bad','w':2}],'y':[2]},'z':null}", "! Invalid id"},
        {"[{'id':1},{'w':2}]", "[{'w':2}]", "! Missing id"},
        {"[{'id':1},null]", "[null]", "! Not a JSON object"},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, "'each':['x.rows','$']," ROW_EVENT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_post(&desk, rows[i].body);
        struct piece bad = desk.verdict.pieces[1];
        assert_int_equal(desk.verdict.pieces[0].faults.count, 0);
        assert_int_equal(desk.verdict.pieces[0].body.len, 0);
        check_text(rows[i].body, bad.body, quoted(&desk.arena, rows[i].kept).at);
        desk_retry(&desk, rows[i].kept, "");
        check_says(rows[i].kept, &desk, rows[i].again);
        assert_true(desk.verdict.is_batch);
        assert_memory_equal(&desk.verdict.pieces[0].event.id, &bad.event.id, sizeof bad.event.id);
        CHECK(rows[i].kept, span_is(desk.verdict.pieces[0].body, bad.body));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_judged_alone),
        cmocka_unit_test(rows_may_stand_in_several_places),
        cmocka_unit_test(what_lacks_is_said_by_its_first_name),
        cmocka_unit_test(rows_may_be_of_no_interest),
        cmocka_unit_test(a_batch_has_at_most_1000_rows),
        cmocka_unit_test(rows_are_bounded_together),
        cmocka_unit_test(nothing_is_kept_of_rows_that_are_too_large),
        cmocka_unit_test(ids_of_rows_agree_with_hashlib),
        cmocka_unit_test(same_rows_are_one_and_others_are_not),
        cmocka_unit_test(rows_without_their_key_are_not_one),
        cmocka_unit_test(a_bad_row_is_kept_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

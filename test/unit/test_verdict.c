/* Verdicts: who is refused, what fits, what it is kept under, and what is kept of the request's head. */
#include "model/verdict.h"

#include "desk.h"

#define BODY "{'d':'d1','n':7}"

/* From Python: hmac.new(b"first secret", b'{"d":"d1","n":7}', "sha256").hexdigest() */
#define SIGNATURE "b687007446b536329db21da62f6cf27de49e2c17f9319ac7d555ecc31f809ad6"

#define TAKE_ALL                                                                                             \
    "'event':{'source':'s','type':'T','detail':{'n':{'from':'n','type':'whole','required':true}}}"

static void send_signed(struct desk *desk, const char *body, const char *signature)
{
    struct header header = {SPAN("X-Sig"), span_of(signature)};
    struct request request = {.method = SPAN("POST"),
                              .path = SPAN("/webhooks/ehr/north"),
                              .body = quoted(&desk->arena, body),
                              .headers = &header,
                              .header_count = 1,
                              .received = RECEIVED};
    desk_reach(desk, &request);
}

static void only_what_is_authentic_is_looked_at(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, TAKE_ALL);
    send_signed(&desk, BODY, SIGNATURE);
    check_says("good", &desk, "T {'n':7}");
    assert_ptr_equal(desk.verdict.proof.secret, &desk.secret);
    send_signed(&desk, "{'d':'d1','n':8}", SIGNATURE);
    check_says("another body", &desk, "refused: wrong");
    assert_null(desk.verdict.proof.secret);
    assert_int_equal(desk.verdict.count, 0);
    send_signed(&desk, "no JSON", SIGNATURE);
    check_says("no faults are told", &desk, "refused: wrong");
    send_signed(&desk, BODY, "");
    check_says("none", &desk, "refused: missing");
    desk.secret.not_after = RECEIVED;
    send_signed(&desk, BODY, SIGNATURE);
    check_says("the secret is over", &desk, "refused: no secret is live now");
}

static void an_event_says_where_it_is_from(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(
        &desk, BY_HMAC,
        "'event':{'source':'ehr.v','type':'T','detail':{'r':{'text':'{received}'},"
        "'w':{'text':'{vendor}|{lab}|{id_prefix}|{clinic_prefix}'},'requestTime':{'text':'{received}'}}}");
    desk.source.lab = "LAB7";
    desk.source.id_prefix = "p";
    desk.source.clinic_prefix = "c";
    desk_post(&desk, "{}");
    check_says("all words", &desk,
               "T {'r':'2026-11-20T16:00:00Z','w':'v|LAB7|p|c','requestTime':'2026-11-20T16:00:00Z'}");
    struct event *event = &desk.verdict.pieces[0].event;
    check_text("origin", event->origin, "north");
    check_text("org", event->org, "default");
    check_text("source", event->source, "ehr.v");
    check_int("time", event->time, RECEIVED);
    event_set_time(event, 0);
    check_says("only its own place is mended", &desk,
               "T {'r':'2026-11-20T16:00:00Z','w':'v|LAB7|p|c','requestTime':'1970-01-01T00:00:00Z'}");
}

/* Any other text in this place stays what it is. */
static void only_the_time_of_receipt_is_mended(void **state)
{
    (void)state;
    static const char *const texts[] = {"{lab}", "x", "{received}{lab}", "at {received}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf rules = {.arena = &desk.arena};
        buf_printf(&rules, "'event':{'source':'s','type':'T','detail':{'requestTime':{'text':'%s'}}}",
                   texts[i]);
        desk_open(&desk, BY_HMAC, buf_text(&rules));
        desk_post(&desk, "{}");
        check_int(texts[i], (int64_t)desk.verdict.pieces[0].event.received_at, 0);
    }
}

#define DETAIL(text) "'source':'s','detail':{'a':{'text':'" text "'}}"

static void the_first_event_that_fits_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"{'k':'one'}", "One {'a':'1'}"},
        {"{'k':'two'}", "Two {'a':'2'}"},
        {"{'k':'two','x':1}", "Two {'a':'2'}"},
        {"{'x':1}", "Three {'a':'3'}"},
        {"{'k':'none'}", "ignored 1"},
        {"{'k':'none','x':1}", "ignored 1"},
        {"{'k':'other'}", "! No event fits"},
        {"{}", "! No event fits"},
        {"[]", "! No event fits"},
        {"7", "! No event fits"},
        {"'k'", "! No event fits"},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(
        &desk, BY_HMAC,
        "'events':[{'when':{'k':'one'},'type':'One'," DETAIL(
            "1") "},"
                 "{'when':{'k':['two','one']},'type':'Two'," DETAIL(
                     "2") "},"
                          "{'when':{'k':'none'},'ignore':true},{'when':{'x':'*'},'type':'Three'," DETAIL(
                              "3") "}]");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_post(&desk, rows[i].body);
        check_says(rows[i].body, &desk, rows[i].want);
        assert_false(desk.verdict.is_batch);
    }
}

static void what_cannot_be_read_is_kept_whole(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"{'n':", "! Malformed JSON at byte 5"}, {"{'n':7,'n':7}", "! Duplicate key at byte 10"},
        {"", "! Malformed JSON at byte 0"},      {"[]", "! Not a JSON object"},
        {"null", "! Not a JSON object"},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, TAKE_ALL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_post(&desk, rows[i].body);
        check_says(rows[i].body, &desk, rows[i].want);
        struct span body = quoted(&desk.arena, rows[i].body);
        struct event_id id = event_id(SPAN("north"), SPAN("body"), body);
        CHECK(rows[i].body, span_is(desk.verdict.pieces[0].body, body));
        assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
        check_text("origin", desk.verdict.pieces[0].event.origin, "north");
        check_text("org", desk.verdict.pieces[0].event.org, "default");
        check_int("time", desk.verdict.pieces[0].event.time, RECEIVED);
    }
}

static void forms_are_objects_of_texts(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"a=1&b=x+y", "T {'a':{'a':'1','b':'x y'}}"},
        {"a=%41%c3%BC&b", "T {'a':{'a':'A\xc3\xbc','b':''}}"},
        {"", "! Malformed form"}, /* unless empty bodies are taken */
        {"a=1&a=2", "! Malformed form"},
        {"a=%4", "! Malformed form"},
        {"a=%zz", "! Malformed form"},
        {"a=%ff", "! Malformed form"},
        {"%ff=a", "! Malformed form"},
        {"a=%00", "! Malformed form"},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              "'request':{'body':'form'},"
              "'event':{'source':'s','type':'T','detail':{'a':{'from':'.','type':'any'}}}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_post(&desk, rows[i].body);
        check_says(rows[i].body, &desk, rows[i].want);
    }
}

/* A form ends with its last byte, also within an escape; the sanitizers see to it. */
static void nothing_is_read_behind_a_form(void **state)
{
    (void)state;
    static const char *const bodies[] = {"a=%", "a=%4", "%4"};
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, "'request':{'body':'form'}," TAKE_ALL);
    for (size_t i = 0; i < 3; i++) {
        char *copy CLEANUP(mem_drop) = exact(span_of(bodies[i]));
        verdict_again(&desk.source, NULL, (struct span){copy, strlen(bodies[i])}, SPAN(""), RECEIVED,
                      &desk.arena, &desk.verdict);
        check_says(bodies[i], &desk, "! Malformed form");
    }
}

static void a_form_has_at_most_1000_fields(void **state)
{
    (void)state;
    for (int count = 1000; count <= 1001; count++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf body = {.arena = &desk.arena};
        desk_open(&desk, BY_HMAC, "'request':{'body':'form'}," TAKE_ALL);
        for (int i = 1; i < count; i++)
            buf_printf(&body, "f%d=&", i);
        buf_add(&body, SPAN("n=7"));
        desk_post(&desk, buf_text(&body));
        check_says("fields", &desk, count == 1000 ? "T {'n':7}" : "! Malformed form");
    }
}

#define KEYED(key) "'event':{'source':'s','type':'T','detail':{},'key':" key "}"

static void an_empty_body_may_be_named_by_a_header(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HEADER, "'request':{'empty':true}," KEYED("['header:X-Id']"));
    struct header id = {SPAN("X-ID"), SPAN("d9")};
    desk_post_with(&desk, "", id);
    check_says("empty", &desk, "T {}");
    char text[EVENT_ID_TEXT];
    event_id_write(text, &desk.verdict.pieces[0].event.id);
    check_text("id", span_of(text), "808313e57eba3835544159de875170aa");
    desk_post(&desk, "");
    check_says("nameless", &desk, "! Missing header:X-Id");
}

/* All empty bodies are alike: without a key that can be used the head is what tells them apart. */
static void empty_bodies_are_told_apart_by_their_heads(void **state)
{
    (void)state;
    static const struct {
        const char *request, *name, *value, *head;
    } rows[] = {
        {"'empty':true", "X-Try", "1", "{\"header\":{\"x-try\":\"1\"},\"query\":{}}"},
        {"'empty':true", "X-Try", "2", "{\"header\":{\"x-try\":\"2\"},\"query\":{}}"},
        {"'empty':true", "X-Id", "", "{\"header\":{\"x-id\":\"\"},\"query\":{}}"},
        {"'empty':true,'body':'form'", "X-Try", "1", "{\"header\":{\"x-try\":\"1\"},\"query\":{}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf rules = {.arena = &desk.arena};
        buf_printf(&rules, "'request':{%s},%s", rows[i].request, KEYED("['header:X-Id']"));
        desk_open(&desk, BY_HEADER, buf_text(&rules));
        desk_post_with(&desk, "", (struct header){span_of(rows[i].name), span_of(rows[i].value)});
        check_says(rows[i].head, &desk, "! Missing header:X-Id");
        check_text(rows[i].head, desk.verdict.head, rows[i].head);
        struct event_id id = event_id(SPAN("north"), SPAN("head"), span_of(rows[i].head));
        assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
        desk_retry(&desk, "", rows[i].head);
        assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
    }
}

/* A body that says something is known by it, whatever else is taken. */
static void only_empty_bodies_are_told_apart_by_their_heads(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    struct header try = {SPAN("X-Try"), SPAN("1")};
    desk_open(&desk, BY_HEADER, "'request':{'empty':true}," KEYED("['header:X-Id']"));
    desk_post_with(&desk, "{}", try);
    struct event_id id = event_id(SPAN("north"), SPAN("body"), SPAN("{}"));
    assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
    desk_close(&desk);
    desk = (struct desk){0};
    desk_open(&desk, BY_HEADER, KEYED("['header:X-Id']"));
    desk_post_with(&desk, "", try);
    check_says("not taken", &desk, "! Malformed JSON at byte 0");
    id = event_id(SPAN("north"), SPAN("body"), SPAN(""));
    assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
}

/*
 * From Python: hashlib.sha256(b"".join(len(p).to_bytes(8, "big") + p for p in parts)).hexdigest()[:32], with
 * the parts b"pickupd1", b"north", the kind and the key.
 */
static const struct {
    const char *rules, *body, *id;
} ids[] = {
    {TAKE_ALL, BODY, "c0d61178d3e9aba20db3586f501ee9db"},           /* body */
    {KEYED("['d','n']"), BODY, "5cfa431af50a0c8608aec034f32dc4c3"}, /* key, ["T","d1",7] */
    {KEYED("['d','n']"), "{'x':1,'n':7,'d':'d1'}", "5cfa431af50a0c8608aec034f32dc4c3"},
    {KEYED("['d',['m','n']]"), BODY, "5cfa431af50a0c8608aec034f32dc4c3"},
    {KEYED("['d',['m','n']]"), "{'d':'d1','m':7,'n':8}", "5cfa431af50a0c8608aec034f32dc4c3"},
    {KEYED("['d','n']"), "{'d':'d1','n':'7'}", "93d03f5c0b35c77fccaa52227e93c8b0"}, /* ["T","d1","7"] */
    {KEYED("['$.d','n']"), BODY, "5cfa431af50a0c8608aec034f32dc4c3"},
    {"'event':{'source':'s','type':'U','detail':{},'key':['d','n']}", BODY,
     "26a7ccde74ad21302b22ce3d62707fbc"}, /* ["U","d1",7] */
};

static void ids_agree_with_hashlib(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        char text[EVENT_ID_TEXT];
        desk_open(&desk, BY_HMAC, ids[i].rules);
        desk_post(&desk, ids[i].body);
        check_int(ids[i].rules, desk.verdict.kind, VERDICT_KEEP);
        event_id_write(text, &desk.verdict.pieces[0].event.id);
        check_text(ids[i].rules, span_of(text), ids[i].id);
    }
}

/* The signature does not tell a number from the text of its digits, so neither does the key. */
static void a_key_that_is_signed_as_a_text_is_one(void **state)
{
    (void)state;
    struct event_id id;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk,
              "'scheme':{'kind':'hmac','hash':'sha256','signature':{'header':'X-Sig','encoding':'hex'},"
              "'signed':'{json:d}','body':'unsigned'}",
              KEYED("['d']"));
    desk_retry(&desk, "{'d':7}", "");
    id = desk.verdict.pieces[0].event.id;
    desk_retry(&desk, "{'d':'7'}", "");
    assert_memory_equal(&id, &desk.verdict.pieces[0].event.id, sizeof id);
}

#define BY_FORM                                                                                              \
    "'scheme':{'kind':'hmac','hash':'sha256','signature':{'header':'X-Sig','encoding':'hex'},"               \
    "'signed':'{form_sorted}'}"

/* Where the order of a form is not signed, it makes no other event. */
static void a_sorted_form_is_one_event_in_any_order(void **state)
{
    (void)state;
    static const char *const bodies[] = {"b=+2&a=1", "a=1&b=%202", "%61=1&b=+2"};
    struct desk desk CLEANUP(desk_close) = {0};
    char text[EVENT_ID_TEXT];
    desk_open(&desk, BY_FORM, "'request':{'body':'form'},'event':{'source':'s','type':'T','detail':{}}");
    for (size_t i = 0; i < 3; i++) {
        desk_post(&desk, bodies[i]);
        check_says(bodies[i], &desk, "T {}");
        event_id_write(text, &desk.verdict.pieces[0].event.id);
        check_text(bodies[i], span_of(text), "6e8cc4e03d85f6312e03faca15efbbb0"); /* signed, "a1b 2" */
    }
    desk_post(&desk, "a=1&a=2");
    struct event_id id = event_id(SPAN("north"), SPAN("signed"), SPAN("a1a2"));
    check_says("malformed", &desk, "! Malformed form");
    assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
}

/* What is there under a key may have come with other bytes; who stores it can tell by this. */
static void an_event_of_a_key_has_the_digest_of_its_body(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    char text[65];
    desk_open(&desk, BY_HMAC, KEYED("['d']"));
    desk_post(&desk, BODY);
    assert_non_null(desk.verdict.pieces[0].event.content);
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", desk.verdict.pieces[0].event.content[i]);
    assert_string_equal(text, "abd28bb24b4c875951ad1c401a3dba32942e85c521d0cfb2b417f74c540ac038");
    desk_close(&desk);
    desk = (struct desk){0};
    desk_open(&desk, BY_HMAC, TAKE_ALL);
    desk_post(&desk, BODY);
    assert_null(desk.verdict.pieces[0].event.content);
}

static void every_part_of_a_key_must_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"{'d':'x','n':0}", "T {}"},
        {"{'d':'x'}", "! Missing m"}, /* the first of the part's paths */
        {"{'d':'','n':1}", "! Missing d"},
        {"{'d':null,'n':1}", "! Missing d"},
        {"{'d':true,'n':1}", "! Missing d"},
        {"{'d':{},'n':1}", "! Missing d"},
        {"{'d':1.5,'n':1}", "! Missing d"},
        {"{'d':'x','m':[],'n':1}", "! Missing m"}, /* a value, and no name */
        {"{}", "! Missing d, Missing m"},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, KEYED("['d',['m','n']]"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_post(&desk, rows[i].body);
        check_says(rows[i].body, &desk, rows[i].want);
    }
}

/* Two webhooks without the key are two, or quarantine would keep one of them. */
static void what_lacks_its_key_is_known_by_its_bytes(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{'n':1}", "{'n':2}", "{'d':'','n':2}"};
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC, KEYED("['d']"));
    for (size_t i = 0; i < 3; i++) {
        struct event_id id = event_id(SPAN("north"), SPAN("body"), quoted(&desk.arena, bodies[i]));
        desk_post(&desk, bodies[i]);
        check_says(bodies[i], &desk, "! Missing d");
        assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
    }
}

#define STRICT "'event':{'source':'s','type':'T','detail':{'a':{'from':'a','type':'id','required':true}}}"

/* Every kind of header that may be left in quarantine, and every kind that may not. */
static const struct header many[] = {
    {SPAN("X-PASS"), SPAN(SECRET)},
    {SPAN("Content-Type"), SPAN("a \"b\"")},
    {SPAN("X-EVENT"), SPAN("e")},
    {SPAN("X-Binary"), SPAN("\xff")},
    {SPAN("X-Twice"), SPAN("1")},
    {SPAN("x-twice"), SPAN("2")},
    {SPAN("Authorization"), SPAN("hidden")},
    {SPAN("Proxy-Authorization"), SPAN("hidden")},
    {SPAN("Cookie"), SPAN("hidden")},
    {SPAN("X-My-Secret-Is"), SPAN("hidden")},
    {SPAN("X-TOKENS"), SPAN("hidden")},
    {SPAN("X-Signature-1"), SPAN("hidden")},
    {SPAN("Password"), SPAN("hidden")},
    {SPAN("X-ApiKey"), SPAN("hidden")},
    {SPAN("X-Api-Key"), SPAN("hidden")},
    {SPAN("X-AUTHENTIC"), SPAN("hidden")},
    {SPAN("X-Passwd"), SPAN("hidden")},
    {SPAN("Key-Id"), SPAN("hidden")},
    {SPAN("X-Credentials"), SPAN("hidden")},
    {SPAN("SessionId"), SPAN("hidden")},
    {SPAN("X-Empty"), SPAN("")},
    {SPAN("Idempotency-KEY"), SPAN("i")}, /* the one key that is no secret */
};

static void send_many(struct desk *desk, const char *query, const char *body)
{
    struct request request = {.method = SPAN("POST"),
                              .query = span_of(query),
                              .body = quoted(&desk->arena, body),
                              .headers = many,
                              .header_count = sizeof many / sizeof many[0],
                              .received = RECEIVED};
    desk_reach(desk, &request);
}

#define HEADERS "'header':{'content-type':'a \\'b\\'','x-event':'e','x-empty':'','idempotency-key':'i'}"

static void a_head_holds_no_secret_and_nothing_twice(void **state)
{
    (void)state;
    static const struct {
        const char *query, *head;
    } rows[] = {
        {"", "{" HEADERS ",'query':{}}"},
        {"q=1%20x&twice=1&twice=2&Q=&sp%20ace=%C3%BC",
         "{" HEADERS ",'query':{'q':'1 x','Q':'','sp ace':'\xc3\xbc'}}"},
        {"ApiKey=1&TOKEN=2&x-pass=3&my_secret=4&q=5", "{" HEADERS ",'query':{'q':'5'}}"},
        {"oauth_nonce=1&session=2&monkey=3&password=4&q=5&idempotency_key=6",
         "{" HEADERS ",'query':{'q':'5','idempotency_key':'6'}}"},
        {"q=%ff&r=%00&%ff=s&t=u", "{" HEADERS ",'query':{'t':'u'}}"},
        {"q=1&r=%4", "{" HEADERS ",'query':{}}"},
    };
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HEADER, STRICT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        send_many(&desk, rows[i].query, "{}");
        check_says(rows[i].query, &desk, "! Missing a");
        check_text(rows[i].query, desk.verdict.head, quoted(&desk.arena, rows[i].head).at);
    }
    send_many(&desk, "q=1", "{'a':1}");
    check_says("good", &desk, "T {'a':'1'}");
    assert_int_equal(desk.verdict.head.len, 0); /* nobody needs it */
}

/* Nor where a numbered header, or a handshake's own place, holds it. */
static void a_head_holds_no_secret_of_another_place(void **state)
{
    (void)state;
    struct header headers[] = {{SPAN("X-Pass-12"), SPAN(SECRET)}, {SPAN("X-Pass-x"), SPAN("1")}};
    struct request request = {.method = SPAN("POST"),
                              .query = SPAN("verify=2&verify2=3"),
                              .body = SPAN("{}"),
                              .headers = headers,
                              .header_count = 2,
                              .received = RECEIVED};
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, "'scheme':{'kind':'static','signature':{'header_pattern':'X-Pass-*'}}",
              STRICT ",'handshakes':[{'when':{'x':'*'},'secret':{'query':'verify'},'answer':{}}]");
    desk_reach(&desk, &request);
    check_says("numbered", &desk, "! Missing a");
    check_text("numbered", desk.verdict.head,
               "{\"header\":{\"x-pass-x\":\"1\"},\"query\":{\"verify2\":\"3\"}}");
}

#define LOOKS                                                                                                \
    "'event':{'source':'s','type':'T','detail':{'e':{'from':'header:X-Event','type':'id','required':true},"  \
    "'q':{'from':'query:q','type':'whole','min':1,'required':true}}}"

/* What the first verdict saw of the head is what the second sees. */
static void a_retry_sees_the_same_head(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HEADER, LOOKS);
    send_many(&desk, "q=7", "{}");
    check_says("good", &desk, "T {'e':'e','q':7}");
    send_many(&desk, "q=0", "{}");
    check_says("bad", &desk, "! Invalid query:q");
    check_text("head", desk.verdict.head, quoted(&desk.arena, "{" HEADERS ",'query':{'q':'0'}}").at);
    struct event_id id = desk.verdict.pieces[0].event.id;
    desk_retry(&desk, "{}", arena_copy(&desk.arena, desk.verdict.head));
    check_says("again", &desk, "! Invalid query:q");
    assert_memory_equal(&desk.verdict.pieces[0].event.id, &id, sizeof id);
    check_text("kept on", desk.verdict.head, quoted(&desk.arena, "{" HEADERS ",'query':{'q':'0'}}").at);
    desk_retry(&desk, "{}", "");
    check_says("of an older file", &desk, "! Missing header:X-Event, Missing query:q");
}

static void other_methods_are_refused(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "PUT", "HEAD", "post", ""};
    struct desk desk CLEANUP(desk_close) = {0};
    struct header pass = {SPAN("X-Pass"), SPAN(SECRET)};
    desk_open(&desk, BY_HEADER, TAKE_ALL);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct request request = {.method = span_of(methods[i]),
                                  .body = SPAN("{\"n\":1}"),
                                  .headers = &pass,
                                  .header_count = 1,
                                  .received = RECEIVED};
        desk_reach(&desk, &request);
        check_says(methods[i], &desk, "refused: no handshake");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_authentic_is_looked_at),
        cmocka_unit_test(an_event_says_where_it_is_from),
        cmocka_unit_test(only_the_time_of_receipt_is_mended),
        cmocka_unit_test(the_first_event_that_fits_is_taken),
        cmocka_unit_test(what_cannot_be_read_is_kept_whole),
        cmocka_unit_test(forms_are_objects_of_texts),
        cmocka_unit_test(nothing_is_read_behind_a_form),
        cmocka_unit_test(a_form_has_at_most_1000_fields),
        cmocka_unit_test(an_empty_body_may_be_named_by_a_header),
        cmocka_unit_test(empty_bodies_are_told_apart_by_their_heads),
        cmocka_unit_test(only_empty_bodies_are_told_apart_by_their_heads),
        cmocka_unit_test(ids_agree_with_hashlib),
        cmocka_unit_test(a_sorted_form_is_one_event_in_any_order),
        cmocka_unit_test(an_event_of_a_key_has_the_digest_of_its_body),
        cmocka_unit_test(a_key_that_is_signed_as_a_text_is_one),
        cmocka_unit_test(every_part_of_a_key_must_be_there),
        cmocka_unit_test(what_lacks_its_key_is_known_by_its_bytes),
        cmocka_unit_test(a_head_holds_no_secret_and_nothing_twice),
        cmocka_unit_test(a_head_holds_no_secret_of_another_place),
        cmocka_unit_test(a_retry_sees_the_same_head),
        cmocka_unit_test(other_methods_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

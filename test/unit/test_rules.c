/*
 * What a definition says of requests, rows, events, handshakes and answers: every mistake, with its path and
 * the line where it stands.
 */
#include "desk.h"

#define EVENT "'event':{'source':'s','type':'t','detail':{}}"
#define NEVER "must be a list that is not empty"
#define TEXT  "must be a text that is not empty"
#define PATH  "is no path: at most 8 names with dots between them, $, header:NAME or query:NAME"

struct mistake {
    const char *text, *faults;
};

/* The text begins on line 3. */
static void check_rules(const char *scheme, const struct mistake *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf text = {.arena = &arena};
        buf_printf(&text, "{'vendor':'v',\n%s,\n%s}", scheme, rows[i].text);
        check_load(rows[i].text, buf_text(&text), rows[i].faults);
    }
}

#define CHECK_RULES(scheme, rows) check_rules(scheme, rows, sizeof(rows) / sizeof(rows)[0])

#define SIZE "must be a size of at most 16MiB"

static void mistakes_in_the_request_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {"'request':{},\n" EVENT, ""},
        {"'request':{'body':'json','empty':false,'media_types':['text/json'],'max_body':'16MiB'}," EVENT, ""},
        {"'request':7,\n" EVENT, "v.json:3: request: must be an object"},
        {"'request':{\n'bdoy':'form'}," EVENT, "v.json:4: request.bdoy: unknown key"},
        {"'request':{\n\n'body':'xml'}," EVENT, "v.json:5: request.body: must be one of json, form"},
        {"'request':{'body':null}," EVENT, "v.json:3: request.body: must be one of json, form"},
        {"'request':{\n'empty':1}," EVENT, "v.json:4: request.empty: must be true or false"},
        {"'request':{\n'empty':true},\n" EVENT,
         "v.json:5: event.key: is missing: empty bodies are all alike"},
        {"'request':{'empty':true},'events':[{'when':{'a':1},'ignore':true},\n"
         "{'source':'s','type':'t','detail':{}}]",
         "v.json:4: events.1.key: is missing: empty bodies are all alike"},
        {"'request':{\n'media_types':'text/json'}," EVENT, "v.json:4: request.media_types: " NEVER},
        {"'request':{'media_types':[]}," EVENT, "v.json:3: request.media_types: " NEVER},
        {"'request':{'media_types':['text/json',\n'json']}," EVENT,
         "v.json:4: request.media_types.1: is no media type"},
        {"'request':{'media_types':[\n'text/json;v=1']}," EVENT,
         "v.json:4: request.media_types.0: must have no parameters"},
        {"'request':{'media_types':['text/json',\n7,\n'']}," EVENT,
         "v.json:4: request.media_types.1: " TEXT "; v.json:5: request.media_types.2: " TEXT},
        {"'request':{\n'max_body':'16777217'}," EVENT, "v.json:4: request.max_body: " SIZE},
        {"'request':{'max_body':'17MiB'}," EVENT, "v.json:3: request.max_body: " SIZE},
        {"'request':{'max_body':'0'}," EVENT, "v.json:3: request.max_body: " SIZE},
        {"'request':{'max_body':'1'}," EVENT, ""},
        {"'request':{'max_body':'-1'}," EVENT, "v.json:3: request.max_body: " SIZE},
        {"'request':{'max_body':'much'}," EVENT, "v.json:3: request.max_body: " SIZE},
        {"'request':{'max_body':1024}," EVENT,
         "v.json:3: request.max_body: " TEXT "; v.json:3: request.max_body: " SIZE},
    };
    CHECK_RULES(BY_HMAC, rows);
}

static void mistakes_in_each_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {"'each':'a.b'," EVENT, ""},
        {"'each':['a','$.b','.']," EVENT, ""},
        {"'each':7,\n" EVENT, "v.json:3: each: " TEXT},
        {"'each':''," EVENT, "v.json:3: each: " TEXT},
        {"'each':[]," EVENT, "v.json:3: each: " NEVER},
        {"'each':'a..b'," EVENT, "v.json:3: each: " PATH},
        {"'each':['a',\n'b.']," EVENT, "v.json:4: each.1: " PATH},
        {"'each':[['a']]," EVENT, "v.json:3: each.0: " TEXT},
        {"'each':['a',\n'header:X']," EVENT, "v.json:3: each: must lead into the payload"},
        {"'request':{'body':'form'},\n'each':'a'," EVENT, "v.json:4: each: a form has no lists"},
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define GOOD_EVENT  "{'source':'s','type':'t','detail':{}}"
#define EVENT_OF_A  "{'when':{'a':1},'source':'s','type':'t','detail':{}}"
#define NOT_REACHED "is never reached: the one before it always fits"

static void mistakes_in_events_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {"'events':[" GOOD_EVENT "]", ""},
        {"'events':[{'when':{'a':1},'ignore':true},{'ignore':true}]", ""},
        {"'each':'a'", "v.json:1: event: is missing"},
        {EVENT ",\n'events':[" GOOD_EVENT "]", "v.json:4: events: event or events, not both"},
        {"'event':7", "v.json:3: event: must be an object"},
        {"'event':[" GOOD_EVENT "]", "v.json:3: event: must be an object"},
        {"'events':[]", "v.json:3: events: " NEVER},
        {"'events':" GOOD_EVENT, "v.json:3: events: " NEVER},
        {"'events':[\n" GOOD_EVENT ",\n7]", "v.json:5: events.1: must be an object"},
        {"'events':[" EVENT_OF_A ",\n{\n'source':'','type':'t','detail':{}}]",
         "v.json:5: events.1.source: " TEXT},
        {"'events':[" EVENT_OF_A "," EVENT_OF_A "," GOOD_EVENT "]", ""},
        {"'events':[" GOOD_EVENT ",\n" EVENT_OF_A "]", "v.json:4: events.1: " NOT_REACHED},
        {"'events':[{'ignore':true},\n{'ignore':true}]", "v.json:4: events.1: " NOT_REACHED},
        {"'events':[" EVENT_OF_A ",\n" GOOD_EVENT ",\n" GOOD_EVENT "]", "v.json:5: events.2: " NOT_REACHED},
        {"'event':{'source':'s',\n'type':7,\n'detail':[]}",
         "v.json:4: event.type: " TEXT "; v.json:5: event.detail: must be an object"},
        {"'event':{\n'sauce':1,'source':'s','type':'t','detail':{}}", "v.json:4: event.sauce: unknown key"},
        {"'event':{'ignore':'yes','source':'s','type':'t','detail':{}}",
         "v.json:3: event.ignore: must be true or false"},
        {"'event':{'ignore':false,'source':'s','type':'t','detail':{}}", ""},
        {"'events':[{'ignore':true,\n'source':'s',\n'type':'t',\n'detail':{},\n'key':['a']}]",
         "v.json:4: events.0.source: unknown key; v.json:5: events.0.type: unknown key; "
         "v.json:6: events.0.detail: unknown key; v.json:7: events.0.key: unknown key"},
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define WHEN(what) "'event':{'when':" what ",'source':'s','type':'t','detail':{}}"
#define VALUE      "must be a text, a whole number, true, false, null, or a list of them"
#define NO_TEXT    "must be a text: there is nothing else in a request's head"
#define HIDDEN     "is kept from definitions, because it may hold a secret"

static void mistakes_in_when_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {WHEN("{'a':'x','b':7,'c':true,'d':false,'e':null,'f':'*','g':['x',7,true,''],'$.h':1,'header:X':'*',"
              "'query:y':'z','.':'*'}"),
         ""},
        {WHEN("7"), "v.json:3: event.when: must be an object"},
        {WHEN("[]"), "v.json:3: event.when: must be an object"},
        {WHEN("{}"), "v.json:3: event.when: must say something, or be left out"},
        {WHEN("{\n'a':{}}"), "v.json:4: event.when.a: " VALUE},
        {WHEN("{'a':1,\n'b':1.5}"), "v.json:4: event.when.b: " VALUE},
        {WHEN("{'a':[]}"), "v.json:3: event.when.a: " NEVER},
        {WHEN("{'a':['x',\n[],\n2.0]}"),
         "v.json:4: event.when.a.1: " VALUE "; v.json:5: event.when.a.2: " VALUE},
        {WHEN("{'a':[null]}"), "v.json:3: event.when.a.0: " VALUE},
        {WHEN("{'a':['x',\n'*']}"), "v.json:4: event.when.a.1: " VALUE},
        {WHEN("{'header:X':['1',null]}"), "v.json:3: event.when.header:X.1: " VALUE},
        {WHEN("{'a':1,\n'header:X':7}"), "v.json:4: event.when.header:X: " NO_TEXT},
        {WHEN("{'query:y':\n['7',true]}"), "v.json:4: event.when.query:y.1: " NO_TEXT},
        {WHEN("{'header:X':null,'query:y':['7','']}"), ""},
        {WHEN("{'a':1,\n'header:X-Token':'*'}"), "v.json:4: event.when.header:X-Token: " HIDDEN},
        {WHEN("{'query:session':null}"), "v.json:3: event.when.query:session: " HIDDEN},
        {WHEN("{\n'a..b':1}"), "v.json:4: event.when.a..b: its key is no path"},
        {WHEN("{'':1}"), "v.json:3: event.when.: its key is no path"},
        {WHEN("{'header:':'*'}"), "v.json:3: event.when.header:: its key is no path"},
        {WHEN("{'1.2.3.4.5.6.7.8':1}"), ""},
        {WHEN("{'1.2.3.4.5.6.7.8.9':1}"), "v.json:3: event.when.1.2.3.4.5.6.7.8.9: its key is no path"},
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define KEY(what)  "'event':{'source':'s','type':'t','detail':{},'key':" what "}"
#define NOT_SIGNED "is not signed: whoever has seen a webhook could send it again as another"
#define NO_VALUE   "leads to no text or number"

static void mistakes_in_the_key_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {KEY("['a',['b','$.c']]"), ""},
        {KEY("['a',\n'.',\n'$']"), "v.json:4: event.key.1: " NO_VALUE "; v.json:5: event.key.2: " NO_VALUE},
        {KEY("[['a','.']]"), "v.json:3: event.key.0: " NO_VALUE},
        {KEY("'a'"), "v.json:3: event.key: must be a list of paths"},
        {KEY("{}"), "v.json:3: event.key: must be a list of paths"},
        {KEY("7"), "v.json:3: event.key: must be a list of paths"},
        {KEY("[]"), "v.json:3: event.key: " NEVER},
        {KEY("['a',\n7]"), "v.json:4: event.key.1: " TEXT},
        {KEY("[\n'a.']"), "v.json:4: event.key.0: " PATH},
        {KEY("['a',\n[]]"), "v.json:4: event.key.1: " NEVER},
        {KEY("['a',['b',\n'.c']]"), "v.json:4: event.key.1.1: " PATH},
        {KEY("['a',\n'header:X-Id']"), "v.json:4: event.key.1: " NOT_SIGNED},
        {KEY("['query:id']"), "v.json:3: event.key.0: " NOT_SIGNED},
        {KEY("['a',['b',\n'query:id']]"), "v.json:3: event.key.1: " NOT_SIGNED}, /* the part, not the path */
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define HMAC(more)                                                                                           \
    "'scheme':{'kind':'hmac','hash':'sha256','signature':{'header':'S','encoding':'hex'}," more "}"
#define UNSIGNED(of) HMAC("'signed':'" of "','body':'unsigned'")

/* The scheme would read another webhook than the mapping. */
static void a_form_has_no_json_paths(void **state)
{
    (void)state;
    check_rules(UNSIGNED("{json:a}"),
                &(struct mistake){"'request':{'body':'form'}," EVENT,
                                  "v.json:2: scheme.signed: has a json path, but the body is a form"},
                1);
}

/* What is not signed can be another with every repeat. */
static void a_key_lies_in_what_is_signed(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *path;
        bool covered;
    } rows[] = {
        {HMAC("'signed':'{body}'"), "a", true},
        {HMAC("'signed':'{body_base64}'"), "$.a", true},
        {HMAC("'signed':'{form_sorted}'"), "a", false}, /* what is a name there may be a value elsewhere */
        {HMAC("'signed':'{form_sorted}'"), "$.a", false},
        {HMAC("'signed':'{url}{form_sorted}'"), "a", false},
        {HMAC("'signed':'{url}{form_sorted}'"), "query:a", false}, /* which has no end */
        {HMAC("'signed':'{url}{body}'"), "query:a", false},
        {HMAC("'signed':'{url}.{body_base64}'"), "query:a", false},
        {HMAC("'signed':'{url}{body}'"), "a", true},
        {HMAC("'signed':'{url}{body}'") ",'request':{'body':'form'}", "a", false},
        {HMAC("'signed':'{body}'") ",'request':{'body':'form'}", "a", true},
        {UNSIGNED("{header:a} {url}"), "query:a", false},
        {UNSIGNED("{method} {url}"), "query:a", true},
        {HMAC("'signed':'{method}{path}{body}'"), "query:a", false},
        {HMAC("'id':{'header':'X-Id'},'signed':'{id}.{body}'"), "header:x-iD", true},
        {HMAC("'id':{'header':'X-Id'},'signed':'{id}.{body}'"), "header:x-id2", false},
        {HMAC("'id':{'header':'X-Id'},'signed':'{id}.{body}'"), "query:X-Id", false},
        {HMAC("'signed':'{header:X-Id}.{body}'"), "header:x-id", true},
        {HMAC("'signed':'{header:X-Id}.{body}'"), "header:x-other", false},
        {HMAC("'timestamp':{'header':'T','format':'unix'},'signed':'{timestamp}.{body}'"), "header:t", false},
        {UNSIGNED("{url}"), "a", false},
        {UNSIGNED("{url}"), "query:a", true},
        {UNSIGNED("{json:a.b}"), "a.b", true},
        {UNSIGNED("{json:a.b}"), "a", false},
        {UNSIGNED("{json:a.b}"), "A.b", false},
        {UNSIGNED("{json:a.b}"), "$.a.b", true},
        {UNSIGNED("{json:a.b}"), "$.b", false},
        {UNSIGNED("{json:a.b}") ",'each':'r'", "a.b", false}, /* of a row, which is not signed */
        {UNSIGNED("{json:a.b}") ",'each':'r'", "$.a.b", true},
        {HMAC("'signed':'{body}'") ",'each':'r'", "a", true},
        {UNSIGNED("{json:a}"), "header:a", false},
        {UNSIGNED("{header:a}"), "a", false},
        {"'scheme':{'kind':'ed25519','signature':{'header':'S','encoding':'hex'},'signed':'{body}'}", "a",
         true},
        {"'scheme':{'kind':'ed25519','signature':{'header':'S','encoding':'hex'},'signed':'{body}'}",
         "header:a", false},
        {BY_HEADER, "a", true}, /* signs nothing, so that nothing is lost */
        {BY_HEADER, "header:a", true},
        {BY_HEADER, "query:a", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf text = {.arena = &arena};
        buf_printf(&text, "{'vendor':'v',%s," KEY("['%s']") "}", rows[i].scheme, rows[i].path);
        check_load(buf_text(&text), buf_text(&text),
                   rows[i].covered ? "" : "v.json:1: event.key.0: " NOT_SIGNED);
    }
    /* Of what is no path it is not said that it is not signed, too. */
    check_rules(UNSIGNED("{json:a}"), &(struct mistake){KEY("['.c']"), "v.json:3: event.key.0: " PATH}, 1);
}

#define CHOSEN(by)                                                                                           \
    "'events':[{'when':{" by "},'ignore':true},\n{'source':'s','type':'t','detail':{},\n'key':['a']}]"
#define UNSIGNED_CHOICE "does not go with events that are chosen by what is not signed"

/* Or whoever has seen a webhook could send it again as another event, which has no id yet. */
static void events_with_a_key_are_chosen_by_what_is_signed(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *rules, *faults;
    } rows[] = {
        {BY_HMAC, CHOSEN("'b':1"), ""},
        {BY_HMAC, CHOSEN("'header:X-Kind':'x'"), "v.json:5: events.1.key: " UNSIGNED_CHOICE},
        {BY_HMAC, CHOSEN("'b':1,'query:kind':null"), "v.json:5: events.1.key: " UNSIGNED_CHOICE},
        {BY_HMAC, "'event':{'when':{'header:X':'*'},'source':'s','type':'t','detail':{},\n'key':['a']}",
         "v.json:4: event.key: " UNSIGNED_CHOICE},
        {BY_HMAC, "'events':[{'when':{'header:X':'*'},'source':'s','type':'t','detail':{}}," GOOD_EVENT "]",
         ""},
        {HMAC("'signed':'{url}{body}'"), CHOSEN("'query:kind':'x'"),
         "v.json:5: events.1.key: " UNSIGNED_CHOICE},
        {HMAC("'signed':'{header:X-Kind}.{body}'"), CHOSEN("'header:x-kind':'x'"), ""},
        {HMAC("'signed':'{header:X-Kind}.{body}'"), CHOSEN("'header:X-Kin':'x'"),
         "v.json:5: events.1.key: " UNSIGNED_CHOICE},
        {UNSIGNED("{json:a}"), CHOSEN("'a':'x'"), ""},
        {UNSIGNED("{json:a}"), CHOSEN("'b':'x'"), "v.json:5: events.1.key: " UNSIGNED_CHOICE},
        {BY_HEADER, CHOSEN("'header:X-Kind':'x'"), ""}, /* signs nothing, so that nothing is lost */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_rules(rows[i].scheme, &(struct mistake){rows[i].rules, rows[i].faults}, 1);
}

#define PICKUP(detail) "'event':{'source':'s','type':'PickupRequested','detail':{" detail "}}"
#define NEEDS          "a PickupRequested needs it, as a required id"

static void a_pickup_has_an_id(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {PICKUP("'pickupId':{'from':'a','type':'id','required':true}"), ""},
        {PICKUP(""), "v.json:3: event.detail.pickupId: " NEEDS},
        {PICKUP("\n'pickupId':{'from':'a','type':'id'}"), "v.json:4: event.detail.pickupId: " NEEDS},
        {PICKUP("'pickupId':{'from':'a','type':'id','required':false}"),
         "v.json:3: event.detail.pickupId: " NEEDS},
        {PICKUP("'pickupId':{'from':'a','type':'string','required':true}"),
         "v.json:3: event.detail.pickupId: " NEEDS},
        {PICKUP("'pickupId':{'text':'x'}"), "v.json:3: event.detail.pickupId: " NEEDS},
        {PICKUP("'a':{'fields':{'pickupId':{'from':'a','type':'id','required':true}}}"),
         "v.json:3: event.detail.pickupId: " NEEDS},
        {"'events':[" EVENT_OF_A ",\n{'source':'s','type':'PickupRequested',\n'detail':{'a':{'text':'x'}}}]",
         "v.json:5: events.1.detail.pickupId: " NEEDS},
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define HANDSHAKE(more) EVENT ",\n'handshakes':[{'when':{'a':1}," more "}]"
#define ANSWER(more)    HANDSHAKE("\n'answer':{" more "}")
#define AT              "v.json:4: handshakes.0."
#define AT_ANSWER       "v.json:5: handshakes.0.answer."
#define BODILESS        "an answer of 204 or 205 has none"
#define NO_TYPE         "is no media type"

static void mistakes_in_handshakes_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {HANDSHAKE("'method':'GET','answer':{}"), ""},
        {EVENT ",\n'handshakes':{}", "v.json:4: handshakes: " NEVER},
        {EVENT ",\n'handshakes':[]", "v.json:4: handshakes: " NEVER},
        {EVENT ",'handshakes':[\n7]", "v.json:4: handshakes.0: must be an object"},
        {EVENT ",\n'handshakes':[{'answer':{}}]",
         AT "when: is missing: a handshake without it would take every webhook"},
        {EVENT ",\n'handshakes':[{'when':{},'answer':{}}]", AT "when: must say something, or be left out"},
        {EVENT ",\n'handshakes':[{'when':{'a':1}}]", AT "answer: is missing"},
        {HANDSHAKE("'answer':7"), AT "answer: must be an object"},
        {HANDSHAKE("'answer':{},'then':1"), AT "then: unknown key"},
        {HANDSHAKE("'answer':{},\n'method':'PUT'"),
         "v.json:5: handshakes.0.method: must be one of POST, GET"},
        {HANDSHAKE("'answer':{},'method':'get'"), AT "method: must be one of POST, GET"},
        {HANDSHAKE("'answer':{},'secret':{'json':'t'}"), AT "secret: goes with a static scheme only"},
        {ANSWER("'bdoy':'x'"), AT_ANSWER "bdoy: unknown key"},
        {ANSWER("'status':200,'type':'text/html','body':'{a}'"), ""},
        {ANSWER("'status':299"), ""},
        {ANSWER("'status':300"), AT_ANSWER "status: must be 200 to 299"},
        {ANSWER("'status':199"), AT_ANSWER "status: must be 200 to 299"},
        {ANSWER("'status':400"), AT_ANSWER "status: must be 200 to 299"},
        {ANSWER("'status':'200'"),
         AT_ANSWER "status: must be a whole number; " AT_ANSWER "status: must be 200 to 299"},
        {ANSWER("'type':''"), AT_ANSWER "type: " TEXT},
        {ANSWER("'type':'html'"), AT_ANSWER "type: " NO_TYPE},
        {ANSWER("'type':'text/html; charset=utf-8','body':''"), ""},
        {ANSWER("'status':204"), ""},
        {ANSWER("'status':204,\n'body':''"), ""},
        {ANSWER("'status':204,\n'body':'{a}'"), "v.json:6: handshakes.0.answer.body: " BODILESS},
        {ANSWER("'status':205,'body':{}"), AT_ANSWER "body: " BODILESS},
        {ANSWER("'status':206,'body':'{a}'"), ""},
        {ANSWER("'body':7"), AT_ANSWER "body: must be a text or an object of texts"},
        {ANSWER("'body':['a']"), AT_ANSWER "body: must be a text or an object of texts"},
        {ANSWER("'body':{'a':'x',\n'b':7}"), "v.json:6: handshakes.0.answer.body.b: must be a text"},
        {ANSWER("'body':{'a':{}}"), AT_ANSWER "body.a: must be a text"},
        {ANSWER("'body':'x{a'"), AT_ANSWER "body: has a { without a }"},
        {ANSWER("'body':'{'"), AT_ANSWER "body: has a { without a }"},
        {ANSWER("'body':'{}'"), AT_ANSWER "body: has a word in braces that is no path"},
        {ANSWER("'body':'{a..b}'"), AT_ANSWER "body: has a word in braces that is no path"},
        {ANSWER("'body':'{hmac:}'"), AT_ANSWER "body: has a word in braces that is no path"},
        {ANSWER("'body':{'a':'{a.}'}"), AT_ANSWER "body.a: has a word in braces that is no path"},
        {ANSWER("'body':'{hmac:a}{query:b}{$.c}'"), ""},
        {ANSWER("'body':'{header:X-Api-Key}'"), AT_ANSWER "body: " HIDDEN},
        {ANSWER("'body':{'a':'x',\n'b':'{query:token}'}"), "v.json:6: handshakes.0.answer.body.b: " HIDDEN},
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define ORACLE "would sign what nobody has signed: anybody could have anything signed"

/* Whoever can have a text of his choice signed can sign a webhook. */
static void only_what_is_signed_is_signed_in_return(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *body, *faults;
    } rows[] = {
        {HMAC("'signed':'{body}'"), "'{hmac:a}'", ""},
        {HMAC("'signed':'{body}'"), "'{hmac:$.a}'", ""},
        {HMAC("'signed':'{body}'"), "'{hmac:query:a}'", AT_ANSWER "body: " ORACLE},
        {HMAC("'signed':'{body}'"), "{'x':'{a}',\n'y':'{hmac:header:A}'}",
         "v.json:6: handshakes.0.answer.body.y: " ORACLE},
        {HMAC("'signed':'{url}{body}'"), "'{hmac:query:a}'", AT_ANSWER "body: " ORACLE},
        {UNSIGNED("{url}"), "'{hmac:query:a}'", ""},
        {HMAC("'signed':'{header:A}.{body}'"), "'{hmac:header:a}'", ""},
        {UNSIGNED("{json:a}"), "'{hmac:a}'", ""},
        {UNSIGNED("{json:a}"), "'{hmac:b}'", AT_ANSWER "body: " ORACLE},
        {HMAC("'signed':'{form_sorted}'"), "'{hmac:a}'", AT_ANSWER "body: " ORACLE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf text = {.arena = &arena};
        buf_printf(&text, EVENT ",\n'handshakes':[{'when':{'a':'*'},\n'answer':{'body':%s}}]", rows[i].body);
        check_rules(rows[i].scheme, &(struct mistake){buf_text(&text), rows[i].faults}, 1);
    }
}

#define ELSEWHERE(what) HANDSHAKE("'answer':{},'secret':" what)

static void mistakes_in_the_place_of_a_secret_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {ELSEWHERE("{'json':'t'}"), ""},
        {ELSEWHERE("{'query':'t'}"), ""},
        {ELSEWHERE("{'header':'T'}"), ""},
        {ELSEWHERE("'t'"), AT "secret: must be an object"},
        {ELSEWHERE("{}"), AT "secret: does not say where it stands"},
        {ELSEWHERE("{'query':'t',\n'json':'t'}"),
         "v.json:5: handshakes.0.secret.json: there is a place for it already"},
        {ELSEWHERE("{'cookie':'t'}"),
         AT "secret.cookie: unknown key; " AT "secret: does not say where it stands"},
        {ELSEWHERE("{'header':'T:'}"), AT "secret.header: no header can be called so"},
        {ELSEWHERE("{'json':7}"), AT "secret.json: " TEXT},
        {ANSWER("'body':'{hmac:a}'"), AT_ANSWER "body: {hmac:...} goes with an hmac scheme only"},
    };
    CHECK_RULES(BY_HEADER, rows);
}

static void mistakes_in_answers_are_named(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {EVENT ",'answers':{}", ""},
        {EVENT ",'answers':{'accepted':{'status':202,'type':'text/xml','body':'<ok/>'},"
               "'ignored':{'status':204},'quarantined':{'status':499,'body':{'ok':false}}}",
         ""},
        {EVENT ",'answers':{'quarantined':{'status':200}}", ""},
        {EVENT ",'answers':{'quarantined':{'status':299}}", ""},
        {EVENT ",\n'answers':[]", "v.json:4: answers: must be an object"},
        {EVENT ",'answers':{\n'acepted':{}}", "v.json:4: answers.acepted: unknown key"},
        {EVENT ",'answers':{\n'accepted':7}", "v.json:4: answers.accepted: must be an object"},
        {EVENT ",'answers':{'accepted':{\n'statu':200}}", "v.json:4: answers.accepted.statu: unknown key"},
        {EVENT ",'answers':{'accepted':{'status':400}}",
         "v.json:3: answers.accepted.status: must be 200 to 299"},
        {EVENT ",'answers':{'ignored':{\n'status':404}}",
         "v.json:4: answers.ignored.status: must be 200 to 299"},
        {EVENT ",'answers':{'quarantined':{\n'status':300}}",
         "v.json:4: answers.quarantined.status: must be 200 to 299 or 400 to 499"},
        {EVENT ",'answers':{'quarantined':{'status':399}}",
         "v.json:3: answers.quarantined.status: must be 200 to 299 or 400 to 499"},
        {EVENT ",'answers':{'quarantined':{'status':500}}",
         "v.json:3: answers.quarantined.status: must be 200 to 299 or 400 to 499"},
        {EVENT ",'answers':{'accepted':{'type':7}}", "v.json:3: answers.accepted.type: " TEXT},
        {EVENT ",'answers':{'accepted':{\n'type':'text/'}}", "v.json:4: answers.accepted.type: " NO_TYPE},
        {EVENT ",'answers':{'accepted':{'type':'text/x;\\n'}}", "v.json:3: answers.accepted.type: " NO_TYPE},
        {EVENT ",'answers':{'accepted':{'status':199}}",
         "v.json:3: answers.accepted.status: must be 200 to 299"},
        {EVENT ",'answers':{'accepted':{'status':204,\n'body':'x'}}",
         "v.json:4: answers.accepted.body: " BODILESS},
        {EVENT ",'answers':{'ignored':{'status':205,'body':{}}}",
         "v.json:3: answers.ignored.body: " BODILESS},
        {EVENT ",'answers':{'quarantined':{'status':204,'body':''}}", ""},
    };
    CHECK_RULES(BY_HMAC, rows);
}

#define ABOUT "'about':['for people',{'even':'so'}],"

static void about_may_stand_wherever_keys_are_fixed(void **state)
{
    (void)state;
    check_load(
        "about",
        "{" ABOUT "'vendor':'v','scheme':{" ABOUT "'kind':'hmac','hash':'sha256','secret':{" ABOUT
        "'encoding':'hex'},'signature':{" ABOUT "'header':'X','encoding':'hex'},'timestamp':{" ABOUT
        "'header':'T','format':'unix'},'id':{" ABOUT "'header':'I'},'signed':'{id}.{timestamp}{body}'},"
        "'request':{" ABOUT "'empty':false},'event':{" ABOUT "'source':'s','type':'t','detail':{'a':{" ABOUT
        "'from':'a','type':'id'},'b':{" ABOUT "'text':'x'},'c':{" ABOUT "'fields':{}}}},"
        "'handshakes':[{" ABOUT "'when':{'a':1},'answer':{" ABOUT "'status':200}}],'answers':{" ABOUT
        "'accepted':{" ABOUT "'status':200}},'examples':[{" ABOUT
        "'name':'n','at':'2026-01-31T00:00:00Z','secret':'00','source':{" ABOUT "'lab':'L'},'expect':{" ABOUT
        "'events':[{" ABOUT "'type':'t','detail':{}}]}}]}",
        "");
    check_load("static",
               "{'vendor':'v'," BY_HEADER "," EVENT
               ",'handshakes':[{'when':{'a':1},'answer':{},'secret':{" ABOUT "'query':'t'}}]}",
               "");
    check_load("ignored", "{'vendor':'v'," BY_HEADER ",'event':{" ABOUT "'ignore':true}}", "");
    check_load("a name like any other",
               "{'vendor':'v'," BY_HEADER ",'event':{'when':{'about':{}},'source':'s','type':'t',"
               "'detail':{'about':'x'}}}",
               "v.json:1: event.when.about: " VALUE "; v.json:1: event.detail.about: must be an object");
}

static struct definition *load(struct arena *arena, const char *rules)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf text = {.arena = arena};
    buf_printf(&text, "{'vendor':'v'," BY_HEADER "," EVENT ",%s}", rules);
    struct definition *definition = definition_load(quoted(arena, buf_text(&text)), "v.json", &faults);
    check_faults(rules, &faults, "");
    return definition;
}

#define JSON_OR(types) "'request':{'media_types':[" types "]}"
#define FORM_OR(types) "'request':{'body':'form','media_types':[" types "]}"

static void a_definition_says_what_it_takes(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *type;
        bool taken;
    } rows[] = {
        {"'request':{}", "application/json", true},
        {"'request':{}", "Application/JSON ; charset=utf-8", true},
        {"'request':{}", "application/fhir+json", true},
        {"'request':{}", "application/FHIR+JSON;x", true},
        {"'request':{}", "text/fhir+json", false},
        {"'request':{}", "application/jsonx", false},
        {"'request':{}", "application/json+xml", false},
        {"'request':{}", "text/json", false},
        {"'request':{}", "", false},
        {"'request':{}", ";application/json", false},
        {"'request':{}", "application/x-www-form-urlencoded", false},
        {"'request':{'body':'json'}", "application/json", true},
        {JSON_OR("'text/plain','Text/JSON'"), "text/json;charset=x", true},
        {JSON_OR("'text/plain','Text/JSON'"), "TEXT/plain", true},
        {JSON_OR("'text/plain','Text/JSON'"), "text/html", false},
        {JSON_OR("'text/plain','Text/JSON'"), "application/json", true},
        {"'request':{'body':'form'}", "application/x-www-FORM-urlencoded; charset=UTF-8", true},
        {"'request':{'body':'form'}", "application/json", false},
        {"'request':{'body':'form'}", "application/fhir+json", false},
        {FORM_OR("'text/plain'"), "text/plain", true},
        {FORM_OR("'text/plain'"), "application/x-www-form-urlencoded", true},
        {FORM_OR("'text/plain'"), "application/json", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct definition *definition = load(&arena, rows[i].rules);
        check_int(rows[i].type, definition_takes(definition, span_of(rows[i].type)), rows[i].taken);
        definition_free(definition);
    }
}

static void check_reply(const char *row, const struct reply *reply, int status, const char *type,
                        const char *body)
{
    struct arena arena CLEANUP(arena_free) = {0};
    check_int(row, reply->status, status);
    check_text(row, reply->type, type);
    check_text(row, reply->body, quoted(&arena, body).at);
}

static void what_is_left_out_is_as_usual(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct definition *least = load(&arena, "'request':{}");
    struct definition *most = load(
        &arena, "'request':{'max_body':'2KiB','body':'form'},"
                "'handshakes':[{'when':{'a':1},'method':'GET','answer':{}},"
                "{'when':{'a':1},'answer':{}}],"
                "'answers':{'accepted':{'body':'{ok}'},'ignored':{'status':203,'type':'x/y','body':{'a':1}},"
                "'quarantined':{}}");
    assert_false(least->form || least->takes_get);
    check_int("max_body", least->max_body, 0);
    check_reply("accepted", &least->accepted, 0, "", "");
    check_reply("quarantined", &least->quarantined, 0, "", "");
    assert_true(most->form && most->takes_get);
    check_int("max_body", most->max_body, 2048);
    check_reply("accepted", &most->accepted, 200, "text/plain", "{ok}"); /* no words in braces here */
    check_reply("ignored", &most->ignored, 203, "x/y", "{'a':1}");
    check_reply("quarantined", &most->quarantined, 400, "application/json", "");
    definition_free(least);
    definition_free(most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_in_the_request_are_named),
        cmocka_unit_test(mistakes_in_each_are_named),
        cmocka_unit_test(mistakes_in_events_are_named),
        cmocka_unit_test(mistakes_in_when_are_named),
        cmocka_unit_test(mistakes_in_the_key_are_named),
        cmocka_unit_test(a_form_has_no_json_paths),
        cmocka_unit_test(a_key_lies_in_what_is_signed),
        cmocka_unit_test(events_with_a_key_are_chosen_by_what_is_signed),
        cmocka_unit_test(a_pickup_has_an_id),
        cmocka_unit_test(mistakes_in_handshakes_are_named),
        cmocka_unit_test(only_what_is_signed_is_signed_in_return),
        cmocka_unit_test(mistakes_in_the_place_of_a_secret_are_named),
        cmocka_unit_test(mistakes_in_answers_are_named),
        cmocka_unit_test(about_may_stand_wherever_keys_are_fixed),
        cmocka_unit_test(a_definition_says_what_it_takes),
        cmocka_unit_test(what_is_left_out_is_as_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

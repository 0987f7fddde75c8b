/* A definition's examples: mistakes in them, and every way in which one may not become what it should. */
#include "model/example.h"

#include "desk.h"

#define EVENTS                                                                                               \
    "'events':[{'when':{'k':'no'},'ignore':true},{'source':'s','type':'T','detail':{"                        \
    "'n':{'from':'n','type':'whole','required':true},'m':{'from':'m','type':'string'}}}]"
#define HELLO                                                                                                \
    ",'handshakes':[{'when':{'k':'hello'},'answer':{'body':{'a':'{c}','b':'2'}}},"                           \
    "{'when':{'k':'plain'},'answer':{'body':'{c}'}}]"

/* The examples begin on line 3. */
static const char *text_with(struct arena *arena, const char *scheme, const char *rules, const char *examples)
{
    struct buf text = {.arena = arena};
    buf_printf(&text, "{'vendor':'v',%s,\n%s,\n'examples':[%s]}", scheme, rules, examples);
    return buf_text(&text);
}

#define AT      "'at':'2026-11-20T16:00:00Z',"
#define FRAME   "'name':'n'," AT "'secret':'s',"
#define REFUSED "'expect':{'refused':true}"
#define TEXT    "must be a text that is not empty"
#define NEVER   "must be a list that is not empty"
#define ONE_OF  "must be one of refused, ignored, answer, and events with errors"
#define HERE    "v.json:3: examples.0."

static const struct {
    const char *examples, *faults;
} mistakes[] = {
    {"{" FRAME REFUSED "}", ""},
    {"", "v.json:3: examples: " NEVER},
    {"7", "v.json:3: examples.0: must be an object"},
    {"{" FRAME REFUSED "},\n{'nam':'x'}",
     "v.json:4: examples.1.nam: unknown key; v.json:4: examples.1.name: is missing; "
     "v.json:4: examples.1.secret: is missing; v.json:4: examples.1.at: is missing; "
     "v.json:4: examples.1.at: must be a time such as 2026-01-31T00:00:00Z; "
     "v.json:4: examples.1.expect: is missing"},
    {"{'name':'',\n'at':'soon','secret':7," REFUSED "}",
     HERE "name: " TEXT "; v.json:4: examples.0.secret: " TEXT
          "; v.json:4: examples.0.at: must be a time such as 2026-01-31T00:00:00Z"},
    {"{'name':'\\u001b[31m','at':'2026-11-20T16:00:00Z','secret':'s'," REFUSED "}",
     HERE "name: must have no control characters, quotes or backslashes"},
    {"{'name':'n','at':'2026-11-20T16:00:00','secret':'s'," REFUSED "}", /* no zone */
     HERE "at: must be a time such as 2026-01-31T00:00:00Z"},
    {"{" FRAME REFUSED ",\n'source':7}", "v.json:4: examples.0.source: must be an object"},
    {"{" FRAME REFUSED ",'source':{\n'lba':'x'}}", "v.json:4: examples.0.source.lba: unknown key"},
    {"{" FRAME REFUSED ",'source':{'timezone':'Mars/Base'}}", HERE "source.timezone: is no time zone"},
    {"{" FRAME REFUSED ",'source':{'lab':7}}", HERE "source.lab: " TEXT},
    {"{" FRAME REFUSED ",'source':{\n'id_prefix':''}}", "v.json:4: examples.0.source.id_prefix: " TEXT},
    {"{" FRAME REFUSED ",'source':{'clinic_prefix':[]}}", HERE "source.clinic_prefix: " TEXT},
    {"{" FRAME REFUSED ",'source':{'public_url':null}}", HERE "source.public_url: " TEXT},
    {"{" FRAME REFUSED ",'source':{'timezone':'Europe/Berlin','lab':'L','id_prefix':'p','clinic_prefix':'c',"
     "'public_url':'https://x'}}",
     ""},
    {"{" FRAME REFUSED ",'method':7}", HERE "method: " TEXT},
    {"{" FRAME REFUSED ",'query':''}", HERE "query: " TEXT},
    {"{" FRAME REFUSED ",'headers':[]}", HERE "headers: must be an object"},
    {"{" FRAME REFUSED ",'headers':{'A':'x',\n'B':7}}", "v.json:4: examples.0.headers.B: " TEXT},
    {"{" FRAME REFUSED ",'headers':{'A':['x',\n7]}}", "v.json:4: examples.0.headers.A.1: " TEXT},
    {"{" FRAME "'expect':7}", HERE "expect: must be an object"},
    {"{" FRAME "'expect':{}}", HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'refusd':true}}", HERE "expect.refusd: unknown key; " HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'refused':false}}", HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'refused':true,'ignored':true}}", HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'refused':true,'errors':['x']}}", HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'answer':'','ignored':true}}", HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'ignored':1}}",
     HERE "expect.ignored: must be true or false; " HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'events':[]}}", HERE "expect.events: " NEVER "; " HERE "expect: " ONE_OF},
    {"{" FRAME "'expect':{'errors':[7]}}", HERE "expect.errors.0: " TEXT},
    {"{" FRAME "'expect':{'events':[7,\n{}]}}",
     HERE "expect.events.0: must be an object; v.json:4: examples.0.expect.events.1.type: is missing; "
          "v.json:4: examples.0.expect.events.1.detail: is missing"},
    {"{" FRAME "'expect':{'events':[{'type':'t','detail':[],'source':'','time':1}]}}",
     HERE "expect.events.0.time: unknown key; " HERE "expect.events.0.source: " TEXT "; " HERE
          "expect.events.0.detail: must be an object"},
};

static void mistakes_in_examples_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        check_load(mistakes[i].examples, text_with(&arena, BY_HEADER, EVENTS, mistakes[i].examples),
                   mistakes[i].faults);
    }
}

/* What running the examples of a definition says. */
static void check_run(const char *scheme, const char *rules, const char *examples, const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults mistakes_in_it CLEANUP(faults_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    const char *text = text_with(&arena, scheme, rules, examples);
    struct definition *definition = definition_load(quoted(&arena, text), "v.json", &mistakes_in_it);
    check_faults(examples, &mistakes_in_it, "");
    examples_run(definition, &faults);
    check_faults(examples, &faults, quoted(&arena, want).at);
    definition_free(definition);
}

#define SENT(body)   "{'name':'the one'," AT "'secret':'s','headers':{'x-pass':'s'},'body':" body ",'expect':{"
#define SAYS(what)   "v.json:3: example 'the one': " what
#define EVENT(n)     "'events':[{'type':'T','detail':{'n':" n "}}]"
#define NOTHING_ELSE "}}"

static const struct {
    const char *examples, *says;
} runs[] = {
    {SENT("{'n':1}") EVENT("1") NOTHING_ELSE, ""},
    {SENT("'{\\'n\\': 1}'") EVENT("1") NOTHING_ELSE, ""},
    {SENT("{'n':1,'m':'x'}") "'events':[{'type':'T','source':'s','detail':{'m':'x','n':1}}]" NOTHING_ELSE,
     ""},
    {SENT("{'n':1}") EVENT("2") NOTHING_ELSE, SAYS("became {'n':1}")},
    {SENT("{'n':1}") EVENT("1.0") NOTHING_ELSE, SAYS("became {'n':1}")},
    {SENT("{'n':1,'m':'x'}") EVENT("1") NOTHING_ELSE, SAYS("became {'n':1,'m':'x'}")},
    {SENT("{'n':1}") "'events':[{'type':'T','detail':{'n':1,'m':null}}]" NOTHING_ELSE,
     SAYS("became {'n':1}")},
    {SENT("{'n':1}") "'events':[{'type':'U','detail':{'n':1}}]" NOTHING_ELSE, SAYS("became a T")},
    {SENT("{'n':1}") "'events':[{'type':'T','source':'r','detail':{'n':1}}]" NOTHING_ELSE,
     SAYS("has the source s")},
    {SENT("{'n':1}") "'events':[{'type':'T','detail':{'n':1}},{'type':'T','detail':{'n':1}}]" NOTHING_ELSE,
     SAYS("became another number of events")},
    {SENT("{'n':1}") "'errors':['Missing n']" NOTHING_ELSE,
     SAYS("became another number of events; ") SAYS("lacks the fault Missing n")},
    {SENT("{}") "'errors':['Missing n']" NOTHING_ELSE, ""},
    {SENT("{'m':7}") "'errors':['Missing n','Invalid m']" NOTHING_ELSE, ""},
    {SENT("{'m':7}") "'errors':['Missing n']" NOTHING_ELSE, SAYS("has the fault Invalid m")},
    {SENT("{'m':7}") "'errors':['Invalid m','Missing n']" NOTHING_ELSE,
     SAYS("has the fault Missing n; ") SAYS("has the fault Invalid m")},
    {SENT("{}") "'errors':['Missing n','Invalid m']" NOTHING_ELSE, SAYS("lacks the fault Invalid m")},
    {SENT("{}") EVENT("1") NOTHING_ELSE,
     SAYS("has the fault Missing n; ") SAYS("became another number of events")},
    {SENT("{'n':1}") "'refused':true" NOTHING_ELSE, SAYS("was kept")},
    {SENT("{'n':1}") "'ignored':true" NOTHING_ELSE, SAYS("was kept")},
    {SENT("{'n':1}") "'answer':'x'" NOTHING_ELSE, SAYS("was kept")},
    {SENT("{'k':'no'}") "'ignored':true" NOTHING_ELSE, ""},
    {SENT("{'k':'no'}") EVENT("1") NOTHING_ELSE, SAYS("was ignored")},
    {SENT("{'k':'no'}") "'refused':true" NOTHING_ELSE, SAYS("was ignored")},
    {SENT("{'k':'hello','c':'x'}") "'answer':{'a':'x','b':'2'}" NOTHING_ELSE, ""},
    {SENT("{'k':'hello','c':'x'}") "'answer':{'b':'2','a':'x'}" NOTHING_ELSE, ""},
    {SENT("{'k':'hello','c':'x'}") "'answer':'{\\'a\\':\\'x\\',\\'b\\':\\'2\\'}'" NOTHING_ELSE, ""},
    {SENT("{'k':'hello','c':'x'}") "'answer':{'a':'y','b':'2'}" NOTHING_ELSE,
     SAYS("was answered {'a':'x','b':'2'}")},
    {SENT("{'k':'plain','c':'x y'}") "'answer':'x y'" NOTHING_ELSE, ""},
    {SENT("{'k':'plain','c':'x y'}") "'answer':'x'" NOTHING_ELSE, SAYS("was answered x y")},
    {SENT("{'k':'plain','c':'x'}") "'refused':true" NOTHING_ELSE, SAYS("was taken for a handshake")},
    {"{'name':'the one'," AT "'secret':'t','headers':{'x-pass':'s'},'expect':{'refused':true}}", ""},
    {"{'name':'the one'," AT
     "'secret':'t','headers':{'x-pass':'s'},'body':{'n':1},'expect':{" EVENT("1") "}}",
     SAYS("was refused: X-Pass: wrong")},
    {"{'name':'the one'," AT "'secret':'s','body':{'n':1},'expect':{'ignored':true}}",
     SAYS("was refused: X-Pass: missing")},
    {"{'name':'the one'," AT
     "'secret':'s','headers':{'x-pass':['s','s']},'body':{},'expect':{'ignored':true}}",
     SAYS("was refused: X-Pass: repeated")},
    {"{'name':'the one'," AT
     "'secret':'s','headers':{'x-pass':['s']},'body':{'n':1},'expect':{" EVENT("1") "}}",
     ""},
    {SENT("{}") "'errors':['Missing n']}},\n{'name':'two'," AT "'secret':'s','expect':{'ignored':true}}",
     "v.json:4: example 'two': was refused: X-Pass: missing"},
    {SENT("{}") "'ignored':true}},\n\n{'name':'two'," AT "'secret':'s','expect':{'ignored':true}}",
     SAYS("was kept; ") "v.json:5: example 'two': was refused: X-Pass: missing"},
};

static void what_does_not_become_what_it_should_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        check_run(BY_HEADER, EVENTS HELLO, runs[i].examples, runs[i].says);
}

static void a_batch_is_compared_row_by_row(void **state)
{
    (void)state;
    static const char each[] = "'each':'rows'," EVENTS;
    check_run(BY_HEADER, each,
              SENT("{'rows':[{'n':1},{},{'k':'no'},{'n':2},{'m':7}]}") "'events':[{'type':'T','detail':{'n':"
                                                                       "1}},{'type':'T','detail':{'n':2}}],"
                                                                       "'errors':['Missing n','Missing "
                                                                       "n','Invalid m']" NOTHING_ELSE,
              "");
    check_run(BY_HEADER, each,
              SENT("{'rows':[{'n':1},{'n':2},{'n':3}]}") "'events':[{'type':'T','detail':{'n':1}},{'type':'T'"
                                                         ",'detail':{'n':3}}]" NOTHING_ELSE,
              SAYS("became {'n':2}; ") SAYS("became another number of events"));
}

/* From Python: hmac.new(b"\x00\xff", b'{"n":1,"m":"\xc3\xbc"}', "sha256").hexdigest() */
#define SIGNATURE "80a0438784be86a6262bea62e6c40db0623c966e4310f567b4720111ed3683bc"

static void a_body_is_signed_as_it_is_written(void **state)
{
    (void)state;
    static const char scheme[] = "'scheme':{'kind':'hmac','hash':'sha256','secret':{'encoding':'hex'},"
                                 "'signature':{'header':'X-Sig','encoding':'hex'},'signed':'{body}'}";
    check_run(scheme, EVENTS,
              "{'name':'signed'," AT "'secret':'00ff','headers':{'X-Sig':'" SIGNATURE "'},"
              "'body':{ 'n' : 1 , 'm' : '\\u00fc' },'expect':{'events':[{'type':'T','detail':{"
              "'n':1,'m':'\xc3\xbc'}}]}}",
              "");
    check_run(scheme, EVENTS,
              "{'name':'signed'," AT "'secret':'00ff','headers':{'X-Sig':'" SIGNATURE "'},"
              "'body':{'m':'\xc3\xbc','n':1},'expect':{'refused':true}}",
              "");
    check_run(scheme, EVENTS, "{'name':'signed'," AT "'secret':'0g','expect':{'refused':true}}",
              "v.json:3: example 'signed': its secret is not encoded as the scheme says");
}

#define WORDS                                                                                                \
    "'event':{'source':'s','type':'T','detail':{'w':{'text':'{lab} {id_prefix} {clinic_prefix} "             \
    "{received}'},"                                                                                          \
    "'t':{'from':'t','type':'time'},'q':{'from':'query:q','type':'string'}}}"

static void the_settings_of_a_source_count(void **state)
{
    (void)state;
    check_run(
        BY_HEADER, WORDS,
        SENT("{}") "'events':[{'type':'T','detail':{'w':'LAB001 v  2026-11-20T16:00:00Z'}}]" NOTHING_ELSE,
        "");
    check_run(BY_HEADER, WORDS,
              "{'name':'n'," AT "'secret':'s','headers':{'x-pass':'s'},'query':'q=1','source':{"
              "'timezone':'Europe/Berlin','lab':'L','id_prefix':'p','clinic_prefix':'c'},"
              "'body':{'t':'2026-01-15T12:00:00'},'expect':{'events':[{'type':'T','detail':{"
              "'w':'L p c 2026-11-20T16:00:00Z','t':'2026-01-15T11:00:00Z','q':'1'}}]}}",
              "");
    check_run(BY_HEADER, WORDS, SENT("{'t':'2026-01-15T12:00:00'}") "'errors':['Invalid t']" NOTHING_ELSE,
              "");
}

/* From Python: hmac.new(b"s", b"https://x/y?q=1POST/webhooks/ehr/v{}", "sha256").hexdigest() */
#define URL_SIGNATURE "d945d14216112c29c85853c686c5cde811dff1d879b33ecdde1102e88162d6c2"

static void a_request_is_made_whole(void **state)
{
    (void)state;
    check_run(
        "'scheme':{'kind':'hmac','hash':'sha256','signature':{'header':'X-Sig','encoding':'hex'},"
        "'signed':'{url}{method}{path}{body}'}",
        "'event':{'source':'s','type':'T','detail':{}}",
        "{'name':'n'," AT "'secret':'s','headers':{'X-Sig':'" URL_SIGNATURE "'},'query':'q=1',"
        "'source':{'public_url':'https://x/y'},'body':{},'expect':{'events':[{'type':'T','detail':{}}]}}",
        "");
    check_run(BY_HEADER,
              EVENTS ",'handshakes':[{'method':'GET','when':{'query:c':'*'},"
                     "'answer':{'body':'{query:c}'}}]",
              "{'name':'n'," AT "'secret':'s','method':'GET','headers':{'x-pass':'s'},'query':'c=x',"
              "'expect':{'answer':'x'}}",
              "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_in_examples_are_named),
        cmocka_unit_test(what_does_not_become_what_it_should_is_said),
        cmocka_unit_test(a_batch_is_compared_row_by_row),
        cmocka_unit_test(a_body_is_signed_as_it_is_written),
        cmocka_unit_test(the_settings_of_a_source_count),
        cmocka_unit_test(a_request_is_made_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What each type of a field takes and gives, out of JSON, out of forms, and out of a request's head. */
#include "desk.h"

#define NUMBER  "{'from':'n','type':'number'}"
#define WHOLE   "{'from':'n','type':'whole','min':-5,'max':10}"
#define BOOL    "{'from':'n','type':'bool'}"
#define ANY     "{'from':'n','type':'any'}"
#define SCALAR  "{'from':'n','type':'scalar'}"
#define STRING  "{'from':'n','type':'string'}"
#define UNIX    "{'from':'n','type':'time','format':'unix'}"
#define UNIX_MS "{'from':'n','type':'time','format':'unix_ms'}"
#define ISO     "{'from':'n','type':'time','format':'iso8601'}"
#define US      "{'from':'n','type':'time','format':'%m/%d/%Y %I:%M %p'}"
#define ZULU    "{'from':'n','type':'time','format':'%Y-%m-%dT%H:%M:%S%z'}"
#define IN_NY   "{'from':'n','type':'time','zone':'America/New_York'}"
#define US_NY   "{'from':'n','type':'time','format':'%m/%d/%Y %I:%M %p','zone':'America/New_York'}"
#define EARLIER "{'from':'n','type':'time','format':'unix','offset':'-1h'}"
#define TABLE   "{'from':'n','type':'table','table':[[true,'yes'],[false,null],['x',{'a':[1]}],[7,true]]}"
#define CASE    "{'from':'n','type':'table','ignore_case':true,'table':[['Yes',1],['no',0]]}"
#define ELSE    "{'from':'n','type':'table','table':[['x',1]],'otherwise':'other'}"
#define ELSE_NO "{'from':'n','type':'table','table':[['x',1]],'otherwise':null}"
#define NULLS   "{'from':'n','type':'any','nulls':['none','',0,-1,false]}"
#define NULL_OR "{'from':'n','type':'id','nulls':[0],'default':'nobody'}"
#define NEEDED  "{'from':'n','type':'whole','nulls':[0],'required':true}"
#define ID      "{'from':'n','type':'id'}"

#define READ(type) "{'from':'n','type':'" type "','from_text':true}"

#define WRONG "! Invalid n"
#define GONE  "T {}"

struct row {
    const char *field, *value, *want;
};

/* The payload is {"n": value}; what is wanted, the detail's member a. */
static const struct row from_json[] = {
    {READ("whole"), "'7'", "T {'a':7}"},
    {READ("whole"), "7", "T {'a':7}"},
    {READ("whole"), "'7x'", WRONG},
    {READ("number"), "'1.5'", "T {'a':1.5}"},
    {READ("bool"), "'true'", "T {'a':true}"},
    {READ("bool"), "'yes'", WRONG},
    {NUMBER, "7", "T {'a':7}"},
    {NUMBER, "-0.5", "T {'a':-0.5}"},
    {NUMBER, "1e3", "T {'a':1e3}"},
    {NUMBER, "9223372036854775807", "T {'a':9223372036854775807}"},
    {NUMBER, "'7'", WRONG},
    {NUMBER, "true", WRONG},
    {NUMBER, "null", GONE},
    {NUMBER, "[7]", WRONG},
    {WHOLE, "-5", "T {'a':-5}"},
    {WHOLE, "10", "T {'a':10}"},
    {WHOLE, "-6", WRONG},
    {WHOLE, "11", WRONG},
    {WHOLE, "7.0", WRONG},
    {WHOLE, "'7'", WRONG},
    {BOOL, "true", "T {'a':true}"},
    {BOOL, "false", "T {'a':false}"},
    {BOOL, "'true'", WRONG},
    {BOOL, "1", WRONG},
    {ANY, "{'b':[1,null,{'c':'d'}],'a':1.5}", "T {'a':{'b':[1,null,{'c':'d'}],'a':1.5}}"},
    {ANY, "[]", "T {'a':[]}"},
    {ANY, "''", "T {'a':''}"},
    {ANY, "false", "T {'a':false}"},
    {ANY, "null", GONE},
    {SCALAR, "'x'", "T {'a':'x'}"},
    {SCALAR, "-1.5", "T {'a':-1.5}"},
    {SCALAR, "false", "T {'a':false}"},
    {SCALAR, "{}", WRONG},
    {SCALAR, "[1]", WRONG},
    {STRING, "'x'", "T {'a':'x'}"},
    {STRING, "7", WRONG},
    {ID, "''", GONE},
    {ID, "-7", "T {'a':'-7'}"},
    {ID, "7.5", WRONG},

    {UNIX, "0", "T {'a':'1970-01-01T00:00:00Z'}"},
    {UNIX, "1768435200", "T {'a':'2026-01-15T00:00:00Z'}"},
    {UNIX, "4102444799", "T {'a':'2099-12-31T23:59:59Z'}"},
    {UNIX, "4102444800", WRONG},
    {UNIX, "9223372036854775807", WRONG},
    {UNIX, "-1", WRONG},
    {UNIX, "1768435200.5", WRONG},
    {UNIX, "'1768435200'", WRONG},
    {UNIX_MS, "1768435200999", "T {'a':'2026-01-15T00:00:00Z'}"},
    {UNIX_MS, "4102444799999", "T {'a':'2099-12-31T23:59:59Z'}"},
    {UNIX_MS, "4102444800000", WRONG},
    {UNIX_MS, "-1", WRONG},
    {EARLIER, "1768435200", "T {'a':'2026-01-14T23:00:00Z'}"},
    {EARLIER, "0", "T {'a':'1969-12-31T23:00:00Z'}"},
    {ISO, "'2025-01-20T14:00:00Z'", "T {'a':'2025-01-20T14:00:00Z'}"},
    {ISO, "'2025-01-20T14:00:00'", "T {'a':'2025-01-20T13:00:00Z'}"}, /* the source's zone */
    {ISO, "1768435200", WRONG},
    {IN_NY, "'2025-01-20T14:00:00'", "T {'a':'2025-01-20T19:00:00Z'}"},
    {IN_NY, "'2025-07-20T14:00:00'", "T {'a':'2025-07-20T18:00:00Z'}"},
    {IN_NY, "'2025-07-20T14:00:00Z'", "T {'a':'2025-07-20T14:00:00Z'}"},
    {US, "'01/20/2025 02:00 PM'", "T {'a':'2025-01-20T13:00:00Z'}"},
    {US, "'1/20/2025 02:00 PM'", WRONG},
    {US, "'2025-01-20T14:00:00Z'", WRONG},
    {US, "1768435200", WRONG},
    {US_NY, "'01/20/2025 02:00 PM'", "T {'a':'2025-01-20T19:00:00Z'}"},
    {ZULU, "'2025-01-20T14:00:00-05:00'", "T {'a':'2025-01-20T19:00:00Z'}"},

    {TABLE, "true", "T {'a':'yes'}"},
    {TABLE, "false", "T {'a':null}"},
    {TABLE, "'x'", "T {'a':{'a':[1]}}"},
    {TABLE, "7", "T {'a':true}"},
    {TABLE, "'true'", WRONG},
    {TABLE, "0", WRONG},
    {TABLE, "1", WRONG},
    {TABLE, "7.0", WRONG},
    {TABLE, "'X'", WRONG},
    {TABLE, "{}", WRONG},
    {TABLE, "null", GONE},
    {CASE, "'yES'", "T {'a':1}"},
    {CASE, "'NO'", "T {'a':0}"},
    {CASE, "'no '", WRONG},
    {ELSE, "'x'", "T {'a':1}"},
    {ELSE, "'y'", "T {'a':'other'}"},
    {ELSE, "7", "T {'a':'other'}"},
    {ELSE, "[]", "T {'a':'other'}"},
    {ELSE, "null", GONE},
    {ELSE_NO, "'y'", "T {'a':null}"},

    {NULLS, "'none'", GONE},
    {NULLS, "''", GONE},
    {NULLS, "0", GONE},
    {NULLS, "-1", GONE},
    {NULLS, "false", GONE},
    {NULLS, "'None'", "T {'a':'None'}"},
    {NULLS, "1", "T {'a':1}"},
    {NULLS, "0.0", "T {'a':0.0}"},
    {NULLS, "'0'", "T {'a':'0'}"},
    {NULLS, "true", "T {'a':true}"},
    {NULLS, "[]", "T {'a':[]}"},
    {NULL_OR, "0", "T {'a':'nobody'}"},
    {NULL_OR, "1", "T {'a':'1'}"},
    {NULL_OR, "'0'", "T {'a':'0'}"},
    {NEEDED, "0", "! Missing n"},
    {NEEDED, "1", "T {'a':1}"},
};

static void desk_with(struct desk *desk, const char *request, const char *field)
{
    struct buf rules = {.arena = &desk->arena};
    buf_printf(&rules, "%s'event':{'source':'s','type':'T','detail':{'a':%s}}", request, field);
    desk_open(desk, BY_HMAC, buf_text(&rules));
    desk->source.zone = zone_find(SPAN("Europe/Berlin"));
}

static void check_rows(const char *request, const struct row *rows, size_t count, const char *payload,
                       const char *head)
{
    for (size_t i = 0; i < count; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf name = {.arena = &desk.arena};
        struct buf body = {.arena = &desk.arena};
        struct buf beside = {.arena = &desk.arena};
        buf_printf(&name, "%s of %s", rows[i].field, rows[i].value);
        for (const char *at = payload; *at != '\0'; at++)
            buf_add(&body, *at == '@' ? span_of(rows[i].value) : (struct span){at, 1});
        for (const char *at = head; *at != '\0'; at++)
            buf_add(&beside, *at == '@' ? span_of(rows[i].value) : (struct span){at, 1});
        desk_with(&desk, request, rows[i].field);
        desk_retry(&desk, buf_text(&body), buf_text(&beside));
        check_says(buf_text(&name), &desk, rows[i].want);
    }
}

static void json_values_keep_their_types(void **state)
{
    (void)state;
    check_rows("", from_json, sizeof from_json / sizeof from_json[0], "{'n':@}", "");
}

/* The form is n=value. */
static const struct row from_form[] = {
    {STRING, "x+y%2b", "T {'a':'x y+'}"},
    {STRING, "7", "T {'a':'7'}"},
    {ID, "7", "T {'a':'7'}"},
    {WHOLE, "7", "T {'a':7}"},
    {WHOLE, "-5", "T {'a':-5}"},
    {WHOLE, "11", WRONG},
    {WHOLE, "7.0", WRONG},
    {WHOLE, "%2b7", WRONG},
    {WHOLE, "", WRONG},
    {WHOLE, "x", WRONG},
    {NUMBER, "7", "T {'a':7}"},
    {NUMBER, "-7.25", "T {'a':-7.25}"},
    {NUMBER, "true", WRONG},
    {NUMBER, "", WRONG},
    {NUMBER, "%227%22", WRONG},
    {NUMBER, "7x", WRONG},
    {NUMBER, "[7]", WRONG},
    {BOOL, "true", "T {'a':true}"},
    {BOOL, "false", "T {'a':false}"},
    {BOOL, "True", WRONG},
    {BOOL, "1", WRONG},
    {BOOL, "", WRONG},
    {SCALAR, "7", "T {'a':'7'}"},
    {ANY, "7", "T {'a':'7'}"},
    {UNIX, "1768435200", "T {'a':'2026-01-15T00:00:00Z'}"},
    {UNIX, "-1", WRONG},
    {UNIX_MS, "1768435200999", "T {'a':'2026-01-15T00:00:00Z'}"},
    {US, "01%2F20%2F2025+02:00+PM", "T {'a':'2025-01-20T13:00:00Z'}"},
    {ELSE, "x", "T {'a':1}"},
    {NEEDED, "", "! Missing n"},
    {NULLS, "", GONE},
    {NULLS, "none", GONE},
};

static void texts_of_forms_are_read(void **state)
{
    (void)state;
    check_rows("'request':{'body':'form'},", from_form, sizeof from_form / sizeof from_form[0], "n=@", "");
}

#define HEADER_WHOLE "{'from':'header:N','type':'whole'}"
#define QUERY_BOOL   "{'from':'query:n','type':'bool'}"
#define QUERY_NUMBER "{'from':'query:n','type':'number'}"
#define BODY_OR_HEAD "{'from':['n','header:n'],'type':'whole'}"
#define HEAD_OR_BODY "{'from':['query:m','n'],'type':'whole'}"

/* The payload is {"n": "5"}; a header and a parameter of the query are called n, too. */
static const struct row from_head[] = {
    {HEADER_WHOLE, "7", "T {'a':7}"},
    {HEADER_WHOLE, "x", "! Invalid header:N"},
    {QUERY_BOOL, "true", "T {'a':true}"},
    {QUERY_BOOL, "yes", "! Invalid query:n"},
    {QUERY_NUMBER, "1.5", "T {'a':1.5}"},
    {BODY_OR_HEAD, "7", WRONG}, /* the body's is there, and a text */
    {HEAD_OR_BODY, "7", "! Invalid query:m"},
};

static void texts_of_the_head_are_read(void **state)
{
    (void)state;
    check_rows("", from_head, sizeof from_head / sizeof from_head[0], "{'n':'5'}",
               "{'header':{'n':'@'},'query':{'n':'@'}}");
}

static void without_any_zone_a_local_time_is_a_fault(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {ISO, "'2025-01-20T14:00:00'", WRONG},
        {ISO, "'2025-01-20T14:00:00+01:00'", "T {'a':'2025-01-20T13:00:00Z'}"},
        {US, "'01/20/2025 02:00 PM'", WRONG},
        {US_NY, "'01/20/2025 02:00 PM'", "T {'a':'2025-01-20T19:00:00Z'}"},
        {UNIX, "0", "T {'a':'1970-01-01T00:00:00Z'}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf body = {.arena = &desk.arena};
        buf_printf(&body, "{'n':%s}", rows[i].value);
        desk_with(&desk, "", rows[i].field);
        desk.source.zone = NULL;
        desk_retry(&desk, buf_text(&body), "");
        check_says(rows[i].value, &desk, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_values_keep_their_types),
        cmocka_unit_test(texts_of_forms_are_read),
        cmocka_unit_test(texts_of_the_head_are_read),
        cmocka_unit_test(without_any_zone_a_local_time_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

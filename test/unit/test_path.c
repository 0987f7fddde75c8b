/* Paths: from the row, from the payload, from the request's head, and what happens where they break. */
#include "desk.h"

struct row {
    const char *from, *payload, *want;
};

/* The field takes anything, and its paths are the rule's. */
static void check_row(const char *each, const struct row *row, const char *head)
{
    struct desk desk CLEANUP(desk_close) = {0};
    struct buf rules = {.arena = &desk.arena};
    struct buf name = {.arena = &desk.arena};
    buf_printf(&rules, "%s'event':{'source':'s','type':'T','detail':{'a':{'from':%s,'type':'any'}}}", each,
               row->from);
    buf_printf(&name, "%s in %s", row->from, row->payload);
    desk_open(&desk, BY_HMAC, buf_text(&rules));
    desk_retry(&desk, row->payload, head);
    check_says(buf_text(&name), &desk, row->want);
}

static void check_rows(const char *each, const struct row *rows, size_t count, const char *head)
{
    for (size_t i = 0; i < count; i++)
        check_row(each, &rows[i], head);
}

#define LIST                                                                                                 \
    "{'l':[{'k':'x','v':1},7,{'k':'y','v':2},{'k':'y','v':3},{'k':5,'v':4},{'k':true,'v':5},{'v':6}]}"

static const struct row names[] = {
    {"'x'", "{'x':1}", "T {'a':1}"},
    {"'x'", "{'X':1}", "T {}"},
    {"'x.y'", "{'x':{'y':1},'x.y':2}", "T {'a':1}"},
    {"'x.y'", "{'x':null}", "T {}"},
    {"'x.y'", "{'x':7}", "! Invalid x"},
    {"'x.y'", "{'x':'text'}", "! Invalid x"},
    {"'x.y'", "{'x':false}", "! Invalid x"},
    {"'x.y'", "{'x':[{'y':1}]}", "! Invalid x"},
    {"'x.y.z'", "{'x':{'y':7}}", "! Invalid x.y"},
    {"'1'", "{'1':'one'}", "T {'a':'one'}"},
    {"'l.0'", "{'l':[1,2]}", "T {'a':1}"},
    {"'l.1'", "{'l':[1,2]}", "T {'a':2}"},
    {"'l.2'", "{'l':[1,2]}", "T {}"},
    {"'l.01'", "{'l':[1,2]}", "T {'a':2}"},
    {"'l.-1'", "{'l':[1,2]}", "! Invalid l"},
    {"'l.x'", "{'l':[1,2]}", "! Invalid l"},
    {"'l.9223372036854775807'", "{'l':[1,2]}", "T {}"},
    {"'l.9223372036854775808'", "{'l':[1,2]}", "! Invalid l"},
    {"'l.0.x'", "{'l':[{'x':1}]}", "T {'a':1}"},
    {"'l.0.x'", "{'l':[7]}", "! Invalid l.0"},
    {"'l.0.x'", "{'l':[null]}", "T {}"},
    {"'1.2.3.4.5.6.7.8'", "{'1':{'2':{'3':{'4':{'5':{'6':{'7':{'8':9}}}}}}}}", "T {'a':9}"},
    {"'1.2.3.4.5.6.7.8'", "{'1':{'2':{'3':{'4':{'5':{'6':{'7':8}}}}}}}", "! Invalid 1.2.3.4.5.6.7"},

    {"'l.k=x.v'", LIST, "T {'a':1}"},
    {"'l.k=y.v'", LIST, "T {'a':2}"}, /* the first */
    {"'l.k=5.v'", LIST, "T {'a':4}"},
    {"'l.k=05.v'", LIST, "T {'a':4}"},
    {"'l.k=6.v'", LIST, "T {}"},
    {"'l.k=true.v'", LIST, "T {}"},
    {"'l.k=z.v'", LIST, "T {}"},
    {"'l.k=x'", LIST, "T {'a':{'k':'x','v':1}}"},
    {"'l.k=x.v.w'", LIST, "! Invalid l.k=x.v"},
    {"'l.k=x=y'", "{'l':[{'k':'x'},{'k':'x=y'}]}", "T {'a':{'k':'x=y'}}"},
    {"'l.k=x'", "{'l':{'k=x':1,'k':'x'}}", "T {}"},
    {"'l.k=x'", "{'l':7}", "! Invalid l"},
    {"'l.=x'", "{'l':{'=x':1}}", "T {'a':1}"}, /* a name like any other */

    {"'.'", "{'x':1}", "T {'a':{'x':1}}"},
    {"'$'", "{'x':1}", "T {'a':{'x':1}}"},
    {"'$.x'", "{'x':1,'$':{'x':2}}", "T {'a':1}"},
    {"'$x'", "{'$x':1}", "T {'a':1}"},
    {"'$.x.y'", "{'x':7}", "! Invalid $.x"},
    {"'$.x'", "{}", "T {}"},
    {"'header'", "{'header':1}", "T {'a':1}"},
    {"'headers:x'", "{'headers:x':1}", "T {'a':1}"},
};

static void names_lead_from_value_to_value(void **state)
{
    (void)state;
    check_rows("", names, sizeof names / sizeof names[0], "");
}

static const struct row fallbacks[] = {
    {"['x','y']", "{'x':1,'y':2}", "T {'a':1}"},         {"['x','y']", "{'y':2}", "T {'a':2}"},
    {"['x','y']", "{'x':null,'y':2}", "T {'a':2}"},      {"['x','y']", "{'x':'','y':2}", "T {'a':''}"},
    {"['x','y']", "{'x':false,'y':2}", "T {'a':false}"}, {"['x','y']", "{}", "T {}"},
    {"['x.z','y']", "{'x':7,'y':2}", "T {'a':2}"}, /* what breaks is absent, while another leads on */
    {"['x.z','y']", "{'x':7}", "! Invalid x"},           {"['y','x.z']", "{'x':7}", "! Invalid x"},
    {"['w.v','x.z']", "{'x':7,'w':8}", "! Invalid w"},   {"['x','y','$.z','.']", "{'z':3}", "T {'a':3}"},
};

static void the_first_path_with_a_value_counts(void **state)
{
    (void)state;
    check_rows("", fallbacks, sizeof fallbacks / sizeof fallbacks[0], "");
}

/* "" stands for nothing where something is needed, so that the next path is asked. */
static void what_counts_as_absent_is_passed_over(void **state)
{
    (void)state;
    struct desk desk CLEANUP(desk_close) = {0};
    desk_open(&desk, BY_HMAC,
              "'event':{'source':'s','type':'T','detail':{"
              "'a':{'from':['x','y'],'type':'string','required':true},"
              "'b':{'from':['x','y'],'type':'string','nulls':['-']},"
              "'c':{'from':['x','y'],'type':'id'}}}");
    desk_retry(&desk, "{'x':'','y':'z'}", "");
    check_says("empty", &desk, "T {'a':'z','b':'','c':'z'}");
    desk_retry(&desk, "{'x':'-','y':'z'}", "");
    check_says("listed", &desk, "T {'a':'-','b':'z','c':'-'}");
    desk_retry(&desk, "{'x':'','y':''}", "");
    check_says("all empty", &desk, "! Missing x");
}

/* A long list is not walked to its end for every path and row. */
static void the_first_1000_elements_are_looked_at(void **state)
{
    (void)state;
    for (int before = 999; before <= 1000; before++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf body = {.arena = &desk.arena};
        desk_open(&desk, BY_HMAC,
                  "'event':{'source':'s','type':'T','detail':{'a':{'from':'l.k=x.v','type':'any'}}}");
        buf_add(&body, SPAN("{'l':["));
        for (int i = 0; i < before; i++)
            buf_add(&body, SPAN("{'k':'y'},"));
        buf_add(&body, SPAN("{'k':'x','v':1}]}"));
        desk_retry(&desk, buf_text(&body), "");
        check_says("elements", &desk, before == 999 ? "T {'a':1}" : "T {}");
    }
}

#define HEAD "{'header':{'x-event':'e','dots.in.it':'d'},'query':{'q':'1','x-event':'of the query'}}"

static const struct row heads[] = {
    {"'header:X-Event'", "{}", "T {'a':'e'}"},
    {"'header:x-event'", "{}", "T {'a':'e'}"},
    {"'header:Dots.in.it'", "{}", "T {'a':'d'}"},
    {"'header:q'", "{}", "T {}"},
    {"'query:q'", "{}", "T {'a':'1'}"},
    {"'query:Q'", "{}", "T {}"}, /* only headers are in any case */
    {"'query:x-event'", "{}", "T {'a':'of the query'}"},
    {"'header:y'", "{'y':1,'header:y':2,'header':{'y':3}}", "T {}"},
};

static void the_head_is_beside_the_payload(void **state)
{
    (void)state;
    check_rows("", heads, sizeof heads / sizeof heads[0], HEAD);
    check_row("", &(struct row){"'header:X-Event'", "{}", "T {}"}, "");
    check_row("", &(struct row){"'header:X-Event'", "{}", "T {}"}, "no JSON");
}

#define ROWS "{'rows':[{'x':1},{'x':2}],'x':9}"

static const struct row rows[] = {
    {"'x'", ROWS, "T {'a':1}; T {'a':2}"},
    {"'$.x'", ROWS, "T {'a':9}; T {'a':9}"},
    {"'$.rows.1.x'", ROWS, "T {'a':2}; T {'a':2}"},
    {"'.'", ROWS, "T {'a':{'x':1}}; T {'a':{'x':2}}"},
    {"'$'", "{'rows':[{}]}", "T {'a':{'rows':[{}]}}"},
    {"'rows'", ROWS, "T {}; T {}"},
    {"'header:X-Event'", ROWS, "T {'a':'e'}; T {'a':'e'}"},
    {"'x'", "{'rows':{'x':7}}", "T {'a':7}"}, /* no list: one row */
    {"'$.x'", "{'rows':{'x':7},'x':9}", "T {'a':9}"},
};

static void with_each_a_path_counts_from_the_row(void **state)
{
    (void)state;
    check_rows("'each':'rows',", rows, sizeof rows / sizeof rows[0], HEAD);
}

#define WHEN_NOT(what) "'events':[{'when':" what ",'ignore':true},{'source':'s','type':'T','detail':{}}]"

static const struct {
    const char *when, *payload;
    bool holds;
} conditions[] = {
    {"{'x':'y'}", "{'x':'y'}", true},
    {"{'x':'y'}", "{'x':'Y'}", false},
    {"{'x':'y'}", "{}", false},
    {"{'x':''}", "{'x':''}", true},
    {"{'x':7}", "{'x':7}", true},
    {"{'x':7}", "{'x':'7'}", false},
    {"{'x':7}", "{'x':7.0}", false},
    {"{'x':true}", "{'x':true}", true},
    {"{'x':true}", "{'x':false}", false},
    {"{'x':true}", "{'x':1}", false},
    {"{'x':false}", "{'x':false}", true},
    {"{'x':false}", "{}", false},
    {"{'x':['y',7]}", "{'x':7}", true},
    {"{'x':['y',7]}", "{'x':'y'}", true},
    {"{'x':['y',7]}", "{'x':'z'}", false},
    {"{'x':null}", "{}", true},
    {"{'x':null}", "{'x':null}", true},
    {"{'x':null}", "{'x':''}", false},
    {"{'x.y':null}", "{'x':7}", true}, /* nothing there */
    {"{'x':'*'}", "{'x':''}", true},
    {"{'x':'*'}", "{'x':{}}", true},
    {"{'x':'*'}", "{'x':false}", true},
    {"{'x':'*'}", "{'x':null}", false},
    {"{'x':'*'}", "{}", false},
    {"{'x':'y','z':7}", "{'x':'y','z':7}", true},
    {"{'x':'y','z':7}", "{'x':'y'}", false},
    {"{'x':'y','z':7}", "{'z':7}", false},
    {"{'l.k=x.v':1}", LIST, true},
    {"{'header:X-Event':'e','query:q':'1','$.x':2}", "{'x':2}", true},
    {"{'query:q':'1'}", "{}", true}, /* what stands in a query is a text */
    {"{'query:q':'2'}", "{'q':'2'}", false},
    {"{'.':'*'}", "{}", true},
};

static void conditions_hold_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        struct desk desk CLEANUP(desk_close) = {0};
        struct buf rules = {.arena = &desk.arena};
        buf_printf(&rules, WHEN_NOT("%s"), conditions[i].when);
        desk_open(&desk, BY_HMAC, buf_text(&rules));
        desk_retry(&desk, conditions[i].payload, HEAD);
        check_says(conditions[i].when, &desk, conditions[i].holds ? "ignored 1" : "T {}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_from_value_to_value),
        cmocka_unit_test(the_first_path_with_a_value_counts),
        cmocka_unit_test(what_counts_as_absent_is_passed_over),
        cmocka_unit_test(the_first_1000_elements_are_looked_at),
        cmocka_unit_test(the_head_is_beside_the_payload),
        cmocka_unit_test(with_each_a_path_counts_from_the_row),
        cmocka_unit_test(conditions_hold_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

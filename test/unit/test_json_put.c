/* Writing values: as they are, sorted, and with one element of a list; and telling whether two are the same.
 */
#include "base/json.h"

#include "unit.h"

static struct json *parse(const char *text)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault;
    struct json *json = json_parse(quoted(&arena, text), &fault);
    CHECK(text, json != NULL);
    return json;
}

static void check_quoted(const char *row, const struct buf *got, const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    check_text(row, buf_span(got), quoted(&arena, want).at);
}

static void escapes_at_every_depth(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    struct json *json = parse("{'a\\u009b':['\\u007f',{'b':'\\u0080\\u00a0\\t'}]}");
    json_put(&out, json);
    check_quoted("escapes", &out, "{'a\\u009b':['\\u007f',{'b':'\\u0080\xc2\xa0\\t'}]}");
    json_free(json);
}

/* What is plain is passed over by several bytes at once. */
static void escapes_at_every_place(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 13; length++) {
        for (size_t place = 0; place < length; place++) {
            char text[14] = "", want[24] = "";
            memset(text, 'a', length);
            text[place] = '"';
            snprintf(want, sizeof want, "\"%.*s\\\"%s\"", (int)place, text, text + place + 1);
            struct buf out CLEANUP(buf_free) = {0};
            json_put_str(&out, span_of(text));
            check_text(text, buf_span(&out), want);
        }
    }
}

static const char *const numbers[] = {
    "0",
    "-0",
    "9223372036854775807",
    "-9223372036854775808",
    "0.0",
    "1.0",
    "0.1",
    "1e2",
    "1E+22",
    "123456789012345678.0",
    "1e-7",
    "0.30000000000000004",
    "-1.5",
    "5e-324",
    "1.7976931348623157e308",
    "2.2250738585072014e-308",
    "1e23",
    "9007199254740993.0",
    "-0.0",
    "1e-1000",
    "0.1000000000000000055",
    "179769313486231570e291",
    "1.0e0",
};

static void check_number(const char *text)
{
    struct json *sent = parse(text);
    struct buf out CLEANUP(buf_free) = {0};
    json_put(&out, sent);
    struct json *written = parse(buf_text(&out));
    CHECK(text, json_same(sent, written));
    check_int(text, json_kind(written), json_kind(sent));
    json_free(sent);
    json_free(written);
}

static void numbers_read_back_as_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        check_number(numbers[i]);
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s%zu.%zue%d", i % 2 ? "-" : "", roll(&seed, 100000000),
                 roll(&seed, 10000000000), (int)roll(&seed, 590) - 300);
        check_number(text);
    }
}

static void writes_the_deepest_nesting_that_is_read(void **state)
{
    (void)state;
    struct buf deep CLEANUP(buf_free) = {0};
    struct buf out CLEANUP(buf_free) = {0};
    struct json_fault fault;
    for (int i = 0; i < 1023; i++)
        buf_add(&deep, SPAN("[{\"a\":"));
    buf_add(&deep, SPAN("[{}]"));
    for (int i = 0; i < 1023; i++)
        buf_add(&deep, SPAN("}]"));
    struct json *json = json_parse(buf_span(&deep), &fault);
    assert_non_null(json);
    json_put(&out, json);
    check_text("deep", buf_span(&out), buf_text(&deep));
    json_free(json);
}

static const struct {
    const char *text, *sorted;
} sorted[] = {
    {"null", "null"},
    {"'\\u007f\\n\\t'", "'\x7f\\n\\t'"},
    {"[3,1,2]", "[3,1,2]"},
    {"{'b':1,'a':2}", "{'a':2,'b':1}"},
    {"{'b':{'d':[{'z':1,'y':2}],'c':0.5},'a':true}", "{'a':true,'b':{'c':0.5,'d':[{'y':2,'z':1}]}}"},
    {"{'aa':1,'b':2,'':3,'a':4,'B':5,'_':6,'10':7,'9':8}",
     "{'':3,'10':7,'9':8,'B':5,'_':6,'a':4,'aa':1,'b':2}"},
    {"{'\\ud83d\\ude00':1,'\\uffee':2,'\\u00fc':3,'z':4,'\\u007f':5}",
     "{'z':4,'\x7f':5,'\xc3\xbc':3,'\xef\xbf\xae':2,'\xf0\x9f\x98\x80':1}"},
    {" [ 1 , { } , [ ] , '\\u00fc\\/' ] ", "[1,{},[],'\xc3\xbc/']"},
};

static void sorts_members_by_their_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
        struct json *json = parse(sorted[i].text);
        struct buf out CLEANUP(buf_free) = {0};
        json_put_sorted(&out, json);
        check_quoted(sorted[i].text, &out, sorted[i].sorted);
        json_free(json);
    }
}

static void sorted_text_stands_among_other_values(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    struct json *json = parse("{'b':1,'a':2}");
    json_open(&out, '[');
    json_put_sorted(&out, NULL);
    json_put_sorted(&out, json);
    json_put(&out, json);
    json_put_narrowed(&out, json, json_get(json, "b"), json_get(json, "a"));
    json_close(&out, ']');
    check_quoted("commas", &out, "[null,{'a':2,'b':1},{'b':1,'a':2},{'b':[2],'a':2}]");
    json_free(json);
}

/* The list is the one that is named "list", and the element its second. */
static const struct {
    const char *text, *narrowed;
} narrowed[] = {
    {"{'list':[1,2,3]}", "{'list':[2]}"},
    {"{'a':{'x':[[1,2,3],{'y':0,'list':[{'i':1},{'i':2,'n':[1,2]},{'i':3}],'z':1}]},'b':[1,2,3]}",
     "{'a':{'x':[[1,2,3],{'y':0,'list':[{'i':2,'n':[1,2]}],'z':1}]},'b':[1,2,3]}"},
    {"{'b':[1,2],'list':[1,2],'c':[1,2]}", "{'b':[1,2],'list':[2],'c':[1,2]}"}, /* not one that is equal */
    {"{'b':[1,2],'c':[1,2]}", "{'b':[1,2],'c':[1,2]}"},                         /* nowhere */
};

static const struct json *find_list(const struct json *value)
{
    const struct json *found = json_get(value, "list");
    void *at = NULL;
    const char *key;
    const struct json *part;
    if (json_kind(value) == JSON_OBJ)
        while (json_next(value, &at, &key, &part))
            found = found ? found : find_list(part);
    if (json_kind(value) == JSON_ARR)
        for (size_t i = 0; i < json_count(value); i++)
            found = found ? found : find_list(json_at(value, i));
    return found;
}

static void narrows_a_list_to_one_element(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof narrowed / sizeof narrowed[0]; i++) {
        struct json *json = parse(narrowed[i].text);
        struct buf out CLEANUP(buf_free) = {0};
        const struct json *list = find_list(json);
        json_put_narrowed(&out, json, list, json_at(list, 1));
        check_quoted(narrowed[i].text, &out, narrowed[i].narrowed);
        json_free(json);
    }
}

static void narrows_a_document_that_is_the_list(void **state)
{
    (void)state;
    struct json *json = parse("[1,{'a':[2]},3]");
    struct buf out CLEANUP(buf_free) = {0};
    json_open(&out, '[');
    json_put_narrowed(&out, json, json, json_at(json, 1));
    json_put_narrowed(&out, json, json, NULL);
    json_put_narrowed(&out, json, NULL, json_at(json, 1));
    json_put_narrowed(&out, NULL, NULL, json);
    json_close(&out, ']');
    check_quoted("root", &out, "[[{'a':[2]}],[null],[1,{'a':[2]},3],null]");
    json_free(json);
}

static const struct {
    const char *a, *b;
    bool is_same;
} pairs[] = {
    {"null", "null", true},
    {"null", "false", false},
    {"true", "false", false},
    {"1", "1", true},
    {"1", "1.0", false},
    {"1.0", "1e0", true},
    {"0.1", "0.10000000000000001", true},
    {"0.1", "0.10000000000000002", false},
    {"0.0", "-0.0", true},
    {"1", "'1'", false},
    {"'\\u00fc'", "'\xc3\xbc'", true},
    {"'a'", "'A'", false},
    {"'a'", "'ab'", false},
    {"[]", "{}", false},
    {"[1,2]", "[1,2]", true},
    {"[1,2]", "[2,1]", false},
    {"[1,2]", "[1,2,3]", false},
    {"{'a':1,'b':[{'c':2,'d':3}]}", "{'b':[{'d':3,'c':2}],'a':1}", true},
    {"{'a':1}", "{'a':2}", false},
    {"{'a':1}", "{'b':1}", false},
    {"{'a':null}", "{}", false},
    {"{'a':null}", "{'b':null}", false},
};

static void tells_what_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct json *a = parse(pairs[i].a);
        struct json *b = parse(pairs[i].b);
        CHECK(pairs[i].a, json_same(a, b) == pairs[i].is_same);
        CHECK(pairs[i].a, json_same(b, a) == pairs[i].is_same);
        CHECK(pairs[i].a, json_same(a, a));
        CHECK(pairs[i].a, json_same(a, NULL) == (json_kind(a) == JSON_ABSENT));
        CHECK(pairs[i].b, json_same(NULL, b) == (json_kind(b) == JSON_ABSENT));
        json_free(a);
        json_free(b);
    }
    assert_true(json_same(NULL, NULL));
}

/* One seed gives one value, whose members are written from the first or from the last. */
static void write_random(struct buf *out, uint64_t seed, int depth, bool is_backwards)
{
    static const char *const scalars[] = {
        "0", "1.5", "-7e20", "true", "false", "null", "[]", "{}", "\"\\t/x\"", "\"\"", "\"\\ud83d\\ude00\"",
        "1", "1.0"};
    static const char *const names[] = {"",         "a", "\\u007f", "A",   "\\\"", "ab",
                                        "\xc3\xbc", "1", "b",       "\\n", "_",    "\xf0\x9f\x98\x80"};
    seed *= 0x9e3779b97f4a7c15; /* seeds that are near each other go their own ways */
    size_t count = roll(&seed, depth > 0 ? 5 : 1);
    size_t first = roll(&seed, 9);
    bool is_object = roll(&seed, 3) > 0;
    if (count == 0) {
        json_put_raw(out, span_of(scalars[roll(&seed, 13)]));
        return;
    }
    json_open(out, is_object ? '{' : '[');
    for (size_t n = 0; n < count; n++) {
        size_t i = is_object && is_backwards ? count - 1 - n : n;
        if (is_object) {
            json_put_raw(out, SPAN("\""));
            buf_printf(out, "%s\":", names[first + i]);
        }
        write_random(out, seed + i, depth - 1, is_backwards);
    }
    json_close(out, is_object ? '}' : ']');
}

static struct json *reread(void (*put)(struct buf *, const struct json *), const struct json *json)
{
    struct buf text CLEANUP(buf_free) = {0};
    struct json_fault fault;
    put(&text, json);
    return json_parse(buf_span(&text), &fault);
}

static void random_values_keep_what_they_are(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        struct buf texts[2] = {0};
        struct buf canon[2] = {0};
        struct json *values[2];
        struct json_fault fault;
        for (size_t i = 0; i < 2; i++) {
            write_random(&texts[i], seed, 4, i == 1);
            values[i] = json_parse(buf_span(&texts[i]), &fault);
            CHECK(buf_text(&texts[i]), values[i] != NULL);
            json_put_sorted(&canon[i], values[i]);
        }
        struct json *written = reread(json_put, values[0]);
        struct json *canonical = reread(json_put_sorted, values[0]);
        CHECK(buf_text(&texts[0]), json_same(values[0], values[1]));
        CHECK(buf_text(&texts[0]), json_same(values[0], written));
        CHECK(buf_text(&texts[0]), json_same(values[0], canonical));
        check_text(buf_text(&texts[0]), buf_span(&canon[1]), buf_text(&canon[0]));
        json_free(written);
        json_free(canonical);
        for (size_t i = 0; i < 2; i++) {
            json_free(values[i]);
            buf_free(&texts[i]);
            buf_free(&canon[i]);
        }
    }
}

/* Small values, so that many of them are the same. */
static void what_differs_has_another_text(void **state)
{
    (void)state;
    int same = 0;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct json *values[2];
        struct buf canon[2] = {0};
        for (size_t i = 0; i < 2; i++) {
            struct buf text CLEANUP(buf_free) = {0};
            struct json_fault fault;
            write_random(&text, 2 * seed + i, 1, i == 1);
            values[i] = json_parse(buf_span(&text), &fault);
            json_put_sorted(&canon[i], values[i]);
        }
        bool is_same = json_same(values[0], values[1]);
        CHECK(buf_text(&canon[0]), is_same == span_is(buf_span(&canon[0]), buf_span(&canon[1])));
        same += is_same;
        for (size_t i = 0; i < 2; i++) {
            json_free(values[i]);
            buf_free(&canon[i]);
        }
    }
    assert_in_range(same, 10, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_at_every_depth),
        cmocka_unit_test(escapes_at_every_place),
        cmocka_unit_test(numbers_read_back_as_they_are),
        cmocka_unit_test(writes_the_deepest_nesting_that_is_read),
        cmocka_unit_test(sorts_members_by_their_bytes),
        cmocka_unit_test(sorted_text_stands_among_other_values),
        cmocka_unit_test(narrows_a_list_to_one_element),
        cmocka_unit_test(narrows_a_document_that_is_the_list),
        cmocka_unit_test(tells_what_is_the_same),
        cmocka_unit_test(random_values_keep_what_they_are),
        cmocka_unit_test(what_differs_has_another_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

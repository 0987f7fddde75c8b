/* Strict reading, and writing. */
#include "base/json.h"

#include "unit.h"

static const struct refused {
    const char *text;
    const char *what;
} refused[] = {
    {"", "Malformed JSON"},
    {"   \n", "Malformed JSON"},
    {"{'a':1,'a':2}", "Duplicate key"},
    {"{'a':{'b':1,'b':1}}", "Duplicate key"},
    {"{'a':1,'\\u0061':2}", "Duplicate key"},
    {"'\\u0000'", "Malformed JSON"},
    {"{'\\u0000':1}", "Malformed JSON"},
    {"9223372036854775808", "Number out of range"},
    {"-9223372036854775809", "Number out of range"},
    {"1e400", "Number out of range"},
    {"{} {}", "Malformed JSON"},
    {"{},", "Malformed JSON"},
    {"{}x", "Malformed JSON"},
    {"{'a':1", "Malformed JSON"},
    {"{'a'}", "Malformed JSON"},
    {"{'a':1,}", "Malformed JSON"},
    {"{a:1}", "Malformed JSON"},
    {"[1,]", "Malformed JSON"},
    {"[1 2]", "Malformed JSON"},
    {"'a", "Malformed JSON"},
    {"'a\nb'", "Malformed JSON"},
    {"'\\x41'", "Malformed JSON"},
    {"'\\ud800'", "Malformed JSON"},
    {"'\\ude00\\ud800'", "Malformed JSON"},
    {"01", "Malformed JSON"},
    {"+1", "Malformed JSON"},
    {".5", "Malformed JSON"},
    {"1.", "Malformed JSON"},
    {"0x10", "Malformed JSON"},
    {"NaN", "Malformed JSON"},
    {"Infinity", "Malformed JSON"},
    {"True", "Malformed JSON"},
    {"tru", "Malformed JSON"},
    {"// a comment\n{}", "Malformed JSON"},
    {"\xef\xbb\xbf{}", "Malformed JSON"},     /* a byte order mark */
    {"'\x80'", "Malformed JSON"},             /* a continuation alone */
    {"'\xc3'", "Malformed JSON"},             /* cut short */
    {"'\xc0\x80'", "Malformed JSON"},         /* NUL in two bytes */
    {"'\xe0\x80\xaf'", "Malformed JSON"},     /* a slash in three */
    {"'\xed\xa0\x80'", "Malformed JSON"},     /* a surrogate */
    {"'\xf4\x90\x80\x80'", "Malformed JSON"}, /* beyond U+10FFFF */
    {"'\xff'", "Malformed JSON"},
};

static void refuses_what_is_not_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct json_fault fault;
        struct json *json = json_parse(quoted(&arena, refused[i].text), &fault);
        CHECK(refused[i].text, json == NULL);
        check_text(refused[i].text, span_of(fault.what), refused[i].what);
    }
}

static void refuses_a_nul_byte(void **state)
{
    (void)state;
    struct json_fault fault;
    assert_null(json_parse((struct span){"{}\0", 3}, &fault));
    assert_null(json_parse((struct span){"\"a\0b\"", 5}, &fault));
}

static void says_where_it_stopped(void **state)
{
    (void)state;
    struct json_fault fault;
    assert_null(json_parse(SPAN("{\"a\": 1,\n \"b\": x}"), &fault));
    assert_int_equal(fault.byte, 16);
    assert_int_equal(fault.line, 2);
    assert_null(json_parse(SPAN(""), &fault));
    assert_int_equal(fault.byte, 0);
    assert_int_equal(fault.line, 1);
}

/* So many brackets, one in the other, the innermost empty. */
static struct json *parse_nested(const char *around, const char *inside, int depth, struct json_fault *fault)
{
    struct span close = span_of(around);
    struct span open = span_cut(&close, '|');
    struct buf text CLEANUP(buf_free) = {0};
    for (int i = 1; i < depth; i++)
        buf_add(&text, open);
    buf_add(&text, span_of(inside));
    for (int i = 1; i < depth; i++)
        buf_add(&text, close);
    return json_parse(buf_span(&text), fault);
}

static void nests_2048_deep_and_no_deeper(void **state)
{
    (void)state;
    static const struct {
        const char *around, *inside;
    } rows[] = {{"[|]", "[]"}, {"{\"a\":|}", "{}"}};
    for (size_t i = 0; i < 2; i++) {
        struct json_fault fault;
        struct json *json = parse_nested(rows[i].around, rows[i].inside, 2048, &fault);
        CHECK(rows[i].inside, json != NULL);
        json_free(json);
        CHECK(rows[i].inside, parse_nested(rows[i].around, rows[i].inside, 2049, &fault) == NULL);
        check_text(rows[i].inside, span_of(fault.what), "Malformed JSON");
    }
}

static void a_million_brackets_are_refused(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault;
    assert_null(json_parse(repeat(&arena, '[', 1 << 20), &fault));
}

static const struct kind {
    const char *text;
    enum json_type kind;
} kinds[] = {
    {"null", JSON_ABSENT},
    {"{}", JSON_OBJ},
    {"[]", JSON_ARR},
    {"''", JSON_STR},
    {"0", JSON_INT},
    {"-0", JSON_INT},
    {"9223372036854775807", JSON_INT},
    {"-9223372036854775808", JSON_INT},
    {"1.0", JSON_NUM},
    {"1e2", JSON_NUM},
    {"true", JSON_BOOL},
    {"false", JSON_BOOL},
};

static void tells_kinds_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct json_fault fault;
        struct json *json = json_parse(quoted(&arena, kinds[i].text), &fault);
        check_int(kinds[i].text, json_kind(json), kinds[i].kind);
        json_free(json);
    }
}

static void gives_values_of_their_kind_only(void **state)
{
    (void)state;
    struct json_fault fault;
    struct json *json =
        json_parse(SPAN("{\"s\":\"J\\u00fcrgen \\ud83d\\ude00\",\"i\":-9223372036854775808,\"b\":true,"
                        "\"n\":1.5,\"a\":[1,\"two\",null],\"z\":null}"),
                   &fault);
    assert_non_null(json);
    check_text("text", json_str(json_get(json, "s")), "J\xc3\xbcrgen \xf0\x9f\x98\x80");
    assert_true(json_int(json_get(json, "i")) == INT64_MIN);
    assert_true(json_bool(json_get(json, "b")));
    assert_int_equal(json_count(json), 6);
    assert_int_equal(json_count(json_get(json, "a")), 3);
    check_text("element", json_str(json_at(json_get(json, "a"), 1)), "two");
    assert_int_equal(json_kind(json_at(json_get(json, "a"), 2)), JSON_ABSENT);
    assert_null(json_at(json_get(json, "a"), 3));
    assert_null(json_get(json, "missing"));
    assert_int_equal(json_int(json_get(json, "n")), 0);
    assert_int_equal(json_int(json_get(json, "s")), 0);
    assert_int_equal(json_str(json_get(json, "i")).len, 0);
    assert_false(json_bool(json_get(json, "i")));
    json_free(json);
}

static void takes_null_as_an_absent_value(void **state)
{
    (void)state;
    void *at = NULL;
    const char *key;
    const struct json *value;
    assert_int_equal(json_kind(NULL), JSON_ABSENT);
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, 0));
    assert_int_equal(json_count(NULL), 0);
    assert_int_equal(json_str(NULL).len, 0);
    assert_int_equal(json_int(NULL), 0);
    assert_false(json_bool(NULL));
    assert_false(json_next(NULL, &at, &key, &value));
    json_free(NULL);
}

/* A definition's fields are written in the order in which they stand there. */
static void walks_an_object_in_its_order(void **state)
{
    (void)state;
    struct json_fault fault;
    struct json *json = json_parse(SPAN("{\"z\":1,\"a\":2,\"m\":3,\"b\":4,\"y\":5}"), &fault);
    struct buf seen CLEANUP(buf_free) = {0};
    void *at = NULL;
    const char *key;
    const struct json *value;
    while (json_next(json, &at, &key, &value))
        buf_printf(&seen, "%s%d", key, (int)json_int(value));
    check_text("order", buf_span(&seen), "z1a2m3b4y5");
    json_free(json);
}

static void writes_commas_by_itself(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    json_open(&out, '{');
    json_add_str(&out, "a", SPAN("x,"));
    json_add_int(&out, "b", INT64_MIN);
    json_key(&out, SPAN("c"));
    json_open(&out, '[');
    json_put_raw(&out, SPAN("1"));
    json_put_str(&out, SPAN("{"));
    json_put_raw(&out, SPAN("null"));
    json_open(&out, '{');
    json_close(&out, '}');
    json_open(&out, '[');
    json_close(&out, ']');
    json_put(&out, NULL);
    json_close(&out, ']');
    json_add_raw(&out, "d", SPAN("true"));
    json_close(&out, '}');
    check_text("commas", buf_span(&out),
               "{\"a\":\"x,\",\"b\":-9223372036854775808,\"c\":[1,\"{\",null,{},[],null],\"d\":true}");
}

/* What is written is read again, so that every character up to U+00FF is seen to survive. */
static void escapes_what_must_be_escaped(void **state)
{
    (void)state;
    struct buf all CLEANUP(buf_free) = {0};
    struct buf out CLEANUP(buf_free) = {0};
    struct json_fault fault;
    for (int c = 1; c < 0x80; c++)
        buf_add_char(&all, (char)c);
    for (int c = 0x80; c < 0x100; c++) {
        buf_add_char(&all, (char)(0xc0 | c >> 6));
        buf_add_char(&all, (char)(0x80 | (c & 0x3f)));
    }
    json_put_str(&out, buf_span(&all));
    struct json *json = json_parse(buf_span(&out), &fault);
    assert_non_null(json);
    assert_true(span_is(json_str(json), buf_span(&all)));
    buf_free(&out);
    json_put(&out, json);
    for (size_t i = 0; i < out.len; i++)
        assert_true((unsigned char)out.at[i] >= 0x20 && out.at[i] != 0x7f);
    assert_null(strstr(buf_text(&out), "\xc2\x80"));
    assert_null(strstr(buf_text(&out), "\xc2\x9f"));
    assert_non_null(strstr(buf_text(&out), "\xc2\xa0"));
    json_free(json);
}

static void leaves_the_rest_as_it_is(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    json_put_str(&out, SPAN("a\"b\\c\nd\te\x01/\x7f\xc2\x9b\xc3\xbc\xf0\x9f\x98\x80"));
    check_text("escapes", buf_span(&out),
               "\"a\\\"b\\\\c\\nd\\te\\u0001/\\u007f\\u009b\xc3\xbc\xf0\x9f\x98\x80\"");
    buf_free(&out);
    json_open(&out, '{');
    json_add_str(&out, "a\"b", SPAN(""));
    json_close(&out, '}');
    check_text("key", buf_span(&out), "{\"a\\\"b\":\"\"}");
}

static void writes_a_document_as_compact_text(void **state)
{
    (void)state;
    struct json_fault fault;
    struct buf out CLEANUP(buf_free) = {0};
    struct json *json = json_parse(SPAN(" { \"b\" : [ 1 , -2 , \"\\u00fc\\n\" ] , \"a\" : null } "), &fault);
    json_put(&out, json);
    check_text("compact", buf_span(&out), "{\"b\":[1,-2,\"\xc3\xbc\\n\"],\"a\":null}");
    json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_strict),
        cmocka_unit_test(refuses_a_nul_byte),
        cmocka_unit_test(says_where_it_stopped),
        cmocka_unit_test(nests_2048_deep_and_no_deeper),
        cmocka_unit_test(a_million_brackets_are_refused),
        cmocka_unit_test(tells_kinds_apart),
        cmocka_unit_test(gives_values_of_their_kind_only),
        cmocka_unit_test(takes_null_as_an_absent_value),
        cmocka_unit_test(walks_an_object_in_its_order),
        cmocka_unit_test(writes_commas_by_itself),
        cmocka_unit_test(escapes_what_must_be_escaped),
        cmocka_unit_test(leaves_the_rest_as_it_is),
        cmocka_unit_test(writes_a_document_as_compact_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The line of a value, found again by its path. */
#include "base/json.h"

#include "unit.h"

static const char text[] = "\n"
                           "{ \"a\": 1, \"b\"\n"
                           "  :\n"
                           "  [ 10,\n"
                           "\n"
                           "    [], {\"x\":\n"
                           "      {}, \"\": 2,\n"
                           "      \"y\\\"\": \"]}\\\"\\\\\",\n"
                           "      \"z\": null }\r\n"
                           "  , 1e5 ],\n"
                           "  \"\\u00FC\\ud83d\\uDE00\\/\\t\" : { \"0\":\n"
                           "    true }, \"J\xc3\xbcrgen\":\n"
                           "  false, \"1\": [[\n"
                           "   [\n"
                           "    7]]],\n"
                           "  \"b\\u\": 0\n"
                           "}\n";

static const struct {
    const char *path;
    int line;
} rows[] = {
    {"", 2},
    {"a", 2},
    {"b", 2}, /* its name, not its value */
    {"b\n0", 4},
    {"b\n1", 6},
    {"b\n2", 6},
    {"b\n2\nx", 6},
    {"b\n2\n", 7}, /* the name is empty */
    {"b\n2\ny\"", 8},
    {"b\n2\nz", 9},
    {"b\n3", 10},
    {"\xc3\xbc\xf0\x9f\x98\x80/\t", 11},
    {"\xc3\xbc\xf0\x9f\x98\x80/\t\n0", 11},
    {"J\xc3\xbcrgen", 12},
    {"1", 13},
    {"1\n0", 13},
    {"1\n0\n0", 14},
    {"1\n0\n0\n0", 15},
    /* The deepest step that exists. */
    {"c", 2},
    {"\n", 2},
    {"a\nb", 2},
    {"b\n4", 2},
    {"b\n-1", 2},
    {"b\nx", 2},
    {"b\n", 2},
    {"b\nx\n0", 2}, /* a step that leads to nothing ends the path */
    {"b\n99999999999999999999", 2},
    {"b\n1\n0", 6},
    {"b\n2\nx\nq\nr\ns", 6},
    {"b\n2\nY\"\nq", 6},
    {"b\n2\nz\n0", 9},
    {"b\n2\n\n", 7},
    {"1\n0\n0\n1", 14},
    {"b\n2\nxx", 6},
    {"b\\u", 2}, /* no such name: its escape is broken */
};

static void finds_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_int(rows[i].path, json_line(span_of(text), span_of(rows[i].path)), rows[i].line);
}

static void knows_lines_of_documents_without_members(void **state)
{
    (void)state;
    assert_int_equal(json_line(SPAN(""), SPAN("")), 1);
    assert_int_equal(json_line(SPAN(""), SPAN("a\n0")), 1);
    assert_int_equal(json_line(SPAN(" \n \n 5"), SPAN("")), 3);
    assert_int_equal(json_line(SPAN("\n\"a\""), SPAN("a")), 2);
    assert_int_equal(json_line(SPAN("\n{}\n"), SPAN("a")), 2);
    assert_int_equal(json_line(SPAN("\n[\n]"), SPAN("0")), 2);
}

/* A random document, and what is known of the values in it. */
struct writer {
    struct arena arena;
    struct buf text;
    uint64_t seed;
    int line;
    size_t count;
    struct {
        struct span path;
        int line;
    } values[500];
};

static void put_space(struct writer *w)
{
    static const char *const spaces[] = {" ", "\n", "\t", "\r\n", "  ", "", "", ""};
    for (size_t i = roll(&w->seed, 3); i > 0; i--) {
        const char *space = spaces[roll(&w->seed, 8)];
        buf_add(&w->text, span_of(space));
        w->line += strchr(space, '\n') != NULL;
    }
}

static void put_token(struct writer *w, const char *token)
{
    put_space(w);
    buf_add(&w->text, span_of(token));
    put_space(w);
}

/* One character in three spellings; the plain one is not for every character. */
static void put_name(struct writer *w, struct buf *path)
{
    static const char *const spellings[][3] = {
        {"a", "\\u0061", "a"},
        {"\"", "\\u0022", "\\\""},
        {"\\", "\\u005c", "\\\\"},
        {"/", "\\u002F", "\\/"},
        {"\t", "\\u0009", "\\t"},
        {"\xc3\xbc", "\\u00fc", "\xc3\xbc"},
        {"\xe2\x80\xa8", "\\u2028", "\xe2\x80\xa8"},
        {"\xf0\x9f\x98\x80", "\\ud83d\\uDE00", "\xf0\x9f\x98\x80"},
        {":", "\\u003a", ":"},
        {"]", "\\u005D", "]"},
        {"{", "\\u007b", "{"},
        {",", "\\u002c", ","},
    };
    for (size_t i = roll(&w->seed, 4); i > 0; i--) {
        const char *const *spelling = spellings[roll(&w->seed, 12)];
        buf_add(path, span_of(spelling[0]));
        buf_add(&w->text, span_of(spelling[1 + roll(&w->seed, 2)]));
    }
}

static void put_value(struct writer *w, struct span path, int line, int depth);

static void put_part(struct writer *w, struct span path, size_t index, bool is_member, int depth)
{
    struct buf step = {.arena = &w->arena};
    buf_add(&step, path);
    if (path.len > 0)
        buf_add_char(&step, '\n');
    put_space(w);
    int line = w->line;
    if (is_member) {
        buf_add_char(&w->text, '"');
        put_name(w, &step);
        buf_printf(&w->text, "%zu\"", index); /* makes it the only one of its name */
    }
    buf_printf(&step, "%zu", index);
    if (is_member)
        put_token(w, ":");
    put_value(w, buf_span(&step), line, depth);
}

static void put_value(struct writer *w, struct span path, int line, int depth)
{
    static const char *const scalars[] = {"0",  "-1.5e+9",         "true",   "null", "\"\"", "\"]\"", "[]",
                                          "{}", "\"\\\\\\\"}, \"", "\"a:b\""};
    w->values[w->count].path = path;
    w->values[w->count++].line = line;
    size_t parts = roll(&w->seed, 5);
    bool is_object = roll(&w->seed, 2);
    if (depth == 0 || parts == 0 || w->count > 400) {
        buf_add(&w->text, span_of(scalars[roll(&w->seed, 10)]));
        put_space(w);
        return;
    }
    buf_add_char(&w->text, is_object ? '{' : '[');
    for (size_t i = 0; i < parts; i++) {
        put_part(w, path, i, is_object, depth - 1);
        put_token(w, i + 1 < parts ? "," : is_object ? "}" : "]");
    }
}

static void write_document(struct writer *w, uint64_t seed)
{
    w->seed = seed;
    w->line = 1;
    w->text.arena = &w->arena;
    put_space(w);
    put_value(w, SPAN(""), w->line, 6);
}

static void finds_every_value_of_random_documents(void **state)
{
    (void)state;
    size_t found = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct writer w = {0};
        struct json_fault fault;
        write_document(&w, seed * 7919);
        struct span whole = buf_span(&w.text);
        struct json *json = json_parse(whole, &fault);
        CHECK(buf_text(&w.text), json != NULL);
        json_free(json);
        for (size_t i = 0; i < w.count; i++)
            check_int(buf_text(&w.text), json_line(whole, w.values[i].path), w.values[i].line);
        found += w.count;
        arena_free(&w.arena);
    }
    assert_in_range(found, 1000, 300000);
}

/* Cut anywhere, with bytes changed: some line of the text, and not a byte beyond it. */
static void survives_what_is_no_json(void **state)
{
    (void)state;
    static const char bytes[] = "{}[]\",:\\u \n0x\xff";
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct writer w = {0};
        write_document(&w, seed * 104729);
        for (int round = 0; round < 20; round++) {
            struct span part = {w.text.at, roll(&w.seed, w.text.len + 1)};
            char *copy CLEANUP(mem_drop) = exact(part);
            for (size_t changes = roll(&w.seed, 4); changes > 0 && part.len > 0; changes--)
                copy[roll(&w.seed, part.len)] = bytes[roll(&w.seed, sizeof bytes)];
            int last = 1;
            for (size_t i = 0; i < part.len; i++)
                last += copy[i] == '\n';
            for (size_t i = 0; i < w.count; i += 1 + w.count / 10) {
                int line = json_line((struct span){copy, part.len}, w.values[i].path);
                assert_in_range(line, 1, last);
            }
        }
        arena_free(&w.arena);
    }
}

static void nesting_costs_no_stack(void **state)
{
    (void)state;
    struct buf deep CLEANUP(buf_free) = {0};
    struct arena arena CLEANUP(arena_free) = {0};
    buf_add(&deep, SPAN("{\"a\":"));
    buf_add(&deep, repeat(&arena, '[', 1 << 20));
    assert_int_equal(json_line(buf_span(&deep), SPAN("b")), 1);
    buf_add(&deep, repeat(&arena, ']', 1 << 20));
    buf_add(&deep, SPAN(",\n\"b\":0}"));
    assert_int_equal(json_line(buf_span(&deep), SPAN("b")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_lines),
        cmocka_unit_test(knows_lines_of_documents_without_members),
        cmocka_unit_test(finds_every_value_of_random_documents),
        cmocka_unit_test(survives_what_is_no_json),
        cmocka_unit_test(nesting_costs_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

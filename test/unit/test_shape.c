/* Shapes: every type at its bounds, all faults at once and by their places, and what is said of them in JSON
 * Schema. */
#include "model/shape.h"

#include "model/shapes.h"
#include "unit.h"

#define BIG "9223372036854775807"

static const struct shape_field part_fields[] = {
    {"id", .type = SHAPE_WHOLE, .required = true, .least = 1, .most = 9},
    {"word", .type = SHAPE_WORD, .words = "up|down"},
};
static const struct shape part = {.name = "Part", .help = "A part.", SHAPE_FIELDS(part_fields)};
static const struct shape_field letter = {.type = SHAPE_TEXT, .least = 1, .most = 2};
static const struct shape_field one_part = {.type = SHAPE_OBJECT, .of = &part};
static const struct shape_field letters = {.type = SHAPE_LIST, .least = 1, .most = 2, .element = &letter};

/* By name, so that a row of the table below can say which it is of. */
static const struct shape_field kinds[] = {
    {"text", .type = SHAPE_TEXT, .least = 2, .most = 4},
    {"free", .type = SHAPE_TEXT},
    {"id", .type = SHAPE_ID, .least = 1, .most = 3},
    {"word", .type = SHAPE_WORD, .words = "up|down"},
    {"whole", .type = SHAPE_WHOLE, .least = -1, .most = 10},
    {"any", .type = SHAPE_WHOLE},
    {"number", .type = SHAPE_NUMBER, .least = -1, .most = 10},
    {"bool", .type = SHAPE_BOOL},
    {"date", .type = SHAPE_DATE},
    {"time", .type = SHAPE_TIME},
    {"clock", .type = SHAPE_CLOCK},
    {"from", .type = SHAPE_FROM, .words = "start|now"},
    {"object", .type = SHAPE_OBJECT},
    {"part", .type = SHAPE_OBJECT, .of = &part},
    {"list", .type = SHAPE_LIST, .least = 1, .most = 2, .element = &letter},
    {"parts", .type = SHAPE_LIST, .element = &one_part},
    {"lists", .type = SHAPE_LIST, .element = &letters},
    {"whatever", .type = SHAPE_ANY},
};
static const struct shape all = {.name = "All", .help = "All kinds.", SHAPE_FIELDS(kinds)};

static const struct row {
    const char *name, *value, *faults;
} rows[] = {
    {"text", "'ab'", ""},
    {"text", "'abcd'", ""},
    {"text", "'a'", "Invalid text"},
    {"text", "'abcde'", "Invalid text"},
    {"text", "''", "Invalid text"},
    {"text", "'\xc3\xa4'", ""}, /* bytes count */
    {"text", "'\xc3\xa4\xc3\xa4\xc3\xa4'", "Invalid text"},
    {"text", "12", "Invalid text"},
    {"text", "true", "Invalid text"},
    {"text", "['ab']", "Invalid text"},
    {"text", "null", ""},
    {"free", "''", ""},
    {"free", "'anything at all'", ""},
    {"free", "1", "Invalid free"},
    {"id", "'a'", ""},
    {"id", "'abc'", ""},
    {"id", "'abcd'", "Invalid id"},
    {"id", "''", "Invalid id"},
    {"id", "7", ""},
    {"id", "1.5", "Invalid id"},
    {"id", "true", "Invalid id"},
    {"word", "'up'", ""},
    {"word", "'down'", ""},
    {"word", "'Up'", "Invalid word"},
    {"word", "'u'", "Invalid word"},
    {"word", "'up|down'", "Invalid word"},
    {"word", "''", "Invalid word"},
    {"word", "0", "Invalid word"},
    {"whole", "-1", ""},
    {"whole", "10", ""},
    {"whole", "-2", "Invalid whole"},
    {"whole", "11", "Invalid whole"},
    {"whole", "1.0", "Invalid whole"},
    {"whole", "'1'", "Invalid whole"},
    {"any", "-" BIG, ""},
    {"any", BIG, ""},
    {"any", "false", "Invalid any"},
    {"number", "-1", ""},
    {"number", "10.0", ""},
    {"number", "1e1", ""},
    {"number", "10.001", "Invalid number"},
    {"number", "-1.001", "Invalid number"},
    {"number", "'1'", "Invalid number"},
    {"bool", "true", ""},
    {"bool", "false", ""},
    {"bool", "0", "Invalid bool"},
    {"bool", "'true'", "Invalid bool"},
    {"date", "'2024-02-29'", ""},
    {"date", "'2025-02-29'", "Invalid date"},
    {"date", "'2025-13-01'", "Invalid date"},
    {"date", "'2025-1-01'", "Invalid date"},
    {"date", "'2025-01-01T00:00:00Z'", "Invalid date"},
    {"date", "''", "Invalid date"},
    {"date", "20250101", "Invalid date"},
    {"time", "'2026-01-31T00:00:00Z'", ""},
    {"time", "'2026-01-31T00:00:00.5+01:00'", ""},
    {"time", "'2026-01-31T00:00:00'", "Invalid time"},
    {"time", "'2026-01-31'", "Invalid time"},
    {"time", "1769817600", "Invalid time"},
    {"clock", "'00:00'", ""},
    {"clock", "'23:59'", ""},
    {"clock", "'24:00'", "Invalid clock"},
    {"clock", "'00:60'", "Invalid clock"},
    {"clock", "'0:00'", "Invalid clock"},
    {"clock", "'00-00'", "Invalid clock"},
    {"clock", "'+1:00'", "Invalid clock"},
    {"clock", "'00:00:00'", "Invalid clock"},
    {"from", "1", ""},
    {"from", BIG, ""},
    {"from", "'start'", ""},
    {"from", "'now'", ""},
    {"from", "0", "Invalid from"},
    {"from", "-1", "Invalid from"},
    {"from", "'1'", "Invalid from"},
    {"from", "'later'", "Invalid from"},
    {"from", "1.5", "Invalid from"},
    {"object", "{}", ""},
    {"object", "{'a':{'b':[1]}}", ""},
    {"object", "[]", "Invalid object"},
    {"object", "'{}'", "Invalid object"},
    {"part", "{'id':9}", ""},
    {"part", "{'id':9,'word':'up'}", ""},
    {"part", "{}", "Missing part.id"},
    {"part", "{'id':null}", "Missing part.id"},
    {"part", "{'id':10,'word':'left','more':1}", "Invalid part.id; Invalid part.word; Unknown part.more"},
    {"part", "[]", "Invalid part"},
    {"list", "['a']", ""},
    {"list", "['a','bb']", ""},
    {"list", "[]", "Invalid list"},
    {"list", "['a','b','c']", "Invalid list"},
    {"list", "['a','']", "Invalid list[1]"},
    {"list", "['aaa',1]", "Invalid list[0]; Invalid list[1]"},
    {"list", "[null]", "Invalid list[0]"},
    {"list", "{}", "Invalid list"},
    {"list", "'a'", "Invalid list"},
    {"parts", "[]", ""},
    {"parts", "[{'id':1},{'id':9}]", ""},
    {"parts", "[{'id':1},{},1,{'id':0,'x':1}]",
     "Missing parts[1].id; Invalid parts[2]; Invalid parts[3].id; Unknown parts[3].x"},
    {"lists", "[['a'],['b','c']]", ""},
    {"lists", "[['a'],[],['b','ccc']]", "Invalid lists[1]; Invalid lists[2][1]"},
    {"whatever", "[1,{'a':null}]", ""},
    {"whatever", "'x'", ""},
};

static void check_against(const struct shape *shape, const char *text, const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    struct json_fault fault;
    struct json *value = json_parse(quoted(&arena, text), &fault);
    CHECK(text, value != NULL);
    CHECK(text, shape_check(shape, value, &faults) == (*want == '\0'));
    check_faults(text, &faults, want);
    json_free(value);
}

static void every_type_keeps_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text CLEANUP(buf_free) = {0};
        buf_printf(&text, "{'%s':%s}", rows[i].name, rows[i].value);
        check_against(&all, buf_text(&text), rows[i].faults);
    }
}

static const struct shape_field needed[] = {
    {"a", .type = SHAPE_TEXT, .required = true},
    {"b", .type = SHAPE_OBJECT, .required = true, .of = &part},
    {"c", .type = SHAPE_WHOLE, .required = true},
    {"d", .type = SHAPE_TEXT},
};
static const struct shape closed = {.name = "Closed", .help = "Closed.", SHAPE_FIELDS(needed)};
static const struct shape opened = {.name = "Open", .help = "Open.", .open = true, SHAPE_FIELDS(needed)};

/* In the order of the table, and what it does not have at the end. */
static void all_faults_come_at_once(void **state)
{
    (void)state;
    check_against(&closed, "{'a':'x','b':{'id':1},'c':0}", "");
    check_against(&closed, "{}", "Missing a; Missing b; Missing c");
    check_against(&closed, "{'a':'','b':null,'c':null,'d':''}", "Missing a; Missing b; Missing c");
    check_against(&closed, "{'z':1,'d':1,'c':'','b':{},'a':1}",
                  "Invalid a; Missing b.id; Missing c; Invalid d; Unknown z");
    check_against(&opened, "{'a':'x','b':{'id':1,'y':2},'c':0,'z':1}", "Unknown b.y");
    check_against(&opened, "{'a':'x','b':{'id':1},'c':0,'z':1}", "");
    check_against(&closed, "[]", "Not an object");
    check_against(&closed, "null", "Not an object");
    check_against(&closed, "'a'", "Not an object");
}

/* A body of a thousand faults is not answered with a thousand. */
static void faults_have_an_end(void **state)
{
    (void)state;
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf text CLEANUP(buf_free) = {0};
    struct json_fault fault;
    buf_add(&text, SPAN("{\"parts\":["));
    for (int i = 0; i < SHAPE_FAULTS_MAX + 50; i++)
        buf_add(&text, i > 0 ? SPAN(",7") : SPAN("7"));
    buf_add(&text, SPAN("]}"));
    struct json *value = json_parse(buf_span(&text), &fault);
    assert_non_null(value);
    assert_false(shape_check(&all, value, &faults));
    assert_int_equal(faults.count, SHAPE_FAULTS_MAX);
    assert_string_equal(faults.texts[SHAPE_FAULTS_MAX - 1], "Invalid parts[99]");
    json_free(value);
}

static void texts_of_a_query(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        bool good;
    } texts[] = {
        {"text", "ab", true},
        {"text", "a", false},
        {"text", "abcde", false},
        {"whole", "-1", true},
        {"whole", "10", true},
        {"whole", "11", false},
        {"whole", "-2", false},
        {"whole", "1.0", false},
        {"whole", "", false},
        {"whole", "x", false},
        {"any", BIG, true},
        {"any", BIG "0", false},
        {"bool", "true", true},
        {"bool", "false", true},
        {"bool", "1", false},
        {"bool", "True", false},
        {"word", "down", true},
        {"word", "dow", false},
        {"word", "", false},
        {"date", "2024-02-29", true},
        {"date", "2025-02-29", false},
        {"time", "2026-01-31T00:00:00Z", true},
        {"time", "2026-01-31T00:00:00", false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct shape_field *field = kinds;
        while (strcmp(field->name, texts[i].name) != 0)
            field++;
        CHECK(texts[i].text, shape_check_text(field, span_of(texts[i].text)) == texts[i].good);
    }
}

/* Required fields are as they are; what need not be there may be null as well. */
static const struct {
    struct shape_field field;
    const char *schema;
} schemas[] = {
    {{"f", .type = SHAPE_TEXT, .required = true}, "{'type':'string'}"},
    {{"f", .type = SHAPE_TEXT, .required = true, .least = 3, .most = 9},
     "{'type':'string','minLength':1,'maxLength':9}"},
    {{"f", .type = SHAPE_TEXT, .least = 0, .most = 9, .help = "It's so."},
     "{'anyOf':[{'type':'string','maxLength':9},{'type':'null'}],'description':'It`s so.'}"},
    {{"f", .type = SHAPE_WORD, .required = true, .words = "up|down"},
     "{'type':'string','enum':['up','down']}"},
    {{"f", .type = SHAPE_ID, .required = true}, "{'type':['string','integer']}"},
    {{"f", .type = SHAPE_WHOLE, .required = true, .least = -1, .most = 5},
     "{'type':'integer','minimum':-1,'maximum':5}"},
    {{"f", .type = SHAPE_WHOLE, .required = true}, "{'type':'integer'}"},
    {{"f", .type = SHAPE_NUMBER, .required = true}, "{'type':'number'}"},
    {{"f", .type = SHAPE_BOOL, .required = true}, "{'type':'boolean'}"},
    {{"f", .type = SHAPE_BOOL}, "{'anyOf':[{'type':'boolean'},{'type':'null'}]}"},
    {{"f", .type = SHAPE_DATE, .required = true}, "{'type':'string','format':'date'}"},
    {{"f", .type = SHAPE_TIME, .required = true}, "{'type':'string','format':'date-time'}"},
    {{"f", .type = SHAPE_CLOCK, .required = true},
     "{'type':'string','pattern':'^([01][0-9]|2[0-3]):[0-5][0-9]$'}"},
    {{"f", .type = SHAPE_FROM, .required = true, .words = "now"},
     "{'anyOf':[{'type':'integer','minimum':1},{'enum':['now']}]}"},
    {{"f", .type = SHAPE_OBJECT, .required = true}, "{'type':'object'}"},
    {{"f", .type = SHAPE_OBJECT, .required = true, .of = &part}, "{'$ref':'#/components/schemas/Part'}"},
    {{"f", .type = SHAPE_LIST, .required = true, .least = 1, .most = 2, .element = &one_part},
     "{'type':'array','minItems':1,'maxItems':2,'items':{'$ref':'#/components/schemas/Part'}}"},
    {{"f", .type = SHAPE_ANY}, "{}"},
    {{NULL, .type = SHAPE_BOOL}, "{'type':'boolean'}"}, /* an element */
};

static void fields_are_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf out = {.arena = &arena};
        shape_field_schema(&schemas[i].field, &out);
        for (size_t k = 0; k < out.len; k++)
            out.at[k] = out.at[k] == '"' ? '\'' : out.at[k] == '\'' ? '`' : out.at[k];
        check_text(schemas[i].schema, buf_span(&out), schemas[i].schema);
    }
}

static void a_shape_is_described(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf out = {.arena = &arena};
    struct json_fault fault;
    shape_schema(&closed, &out);
    struct json *schema = json_parse(buf_span(&out), &fault);
    assert_non_null(schema);
    check_text("type", json_str(json_get(schema, "type")), "object");
    check_text("help", json_str(json_get(schema, "description")), "Closed.");
    check_int("required", (int64_t)json_count(json_get(schema, "required")), 3);
    check_text("first", json_str(json_at(json_get(schema, "required"), 0)), "a");
    assert_int_equal(json_kind(json_get(schema, "additionalProperties")), JSON_BOOL);
    assert_false(json_bool(json_get(schema, "additionalProperties")));
    for (size_t i = 0; i < closed.count; i++)
        CHECK(needed[i].name,
              json_kind(json_get(json_get(schema, "properties"), needed[i].name)) == JSON_OBJ);
    json_free(schema);
    struct buf other = {.arena = &arena};
    shape_schema(&opened, &other);
    schema = json_parse(buf_span(&other), &fault);
    assert_true(json_bool(json_get(schema, "additionalProperties")));
    json_free(schema);
}

/* A field is looked for by its name, so a second one of that name would never be checked; and bounds the
 * wrong way round let nothing through. */
static void the_api_s_shapes_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < shape_count; i++) {
        CHECK(shapes[i]->name, *shapes[i]->name != '\0' && shapes[i]->help != NULL);
        for (size_t k = 0; k < i; k++)
            CHECK(shapes[i]->name, strcmp(shapes[i]->name, shapes[k]->name) != 0);
        for (size_t k = 0; k < shapes[i]->count; k++) {
            const struct shape_field *field = &shapes[i]->fields[k];
            CHECK(field->name, field->least <= field->most);
            CHECK(field->name, (field->type == SHAPE_WORD) <= (field->words != NULL));
            CHECK(field->name, (field->type == SHAPE_LIST) == (field->element != NULL));
            for (size_t m = 0; m < k; m++)
                CHECK(field->name, strcmp(field->name, shapes[i]->fields[m].name) != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_keeps_its_bounds), cmocka_unit_test(all_faults_come_at_once),
        cmocka_unit_test(faults_have_an_end),          cmocka_unit_test(texts_of_a_query),
        cmocka_unit_test(fields_are_described),        cmocka_unit_test(a_shape_is_described),
        cmocka_unit_test(the_api_s_shapes_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

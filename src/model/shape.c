/* One loop over a table of fields checks, another one describes. */
#include "model/shape.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/time.h"

/* Where a value stands, from the inside out. */
struct place {
    const struct place *outer;
    const char *name; /* of a member; NULL for an element */
    size_t index;
};

static void write_place(const struct place *place, struct buf *out)
{
    if (place->outer != NULL)
        write_place(place->outer, out);
    if (place->name == NULL)
        buf_printf(out, "[%zu]", place->index);
    else
        buf_printf(out, "%s%s", out->len > 0 ? "." : "", place->name);
}

static void complain(struct faults *faults, const char *what, const struct place *place)
{
    struct buf path CLEANUP(buf_free) = {0};
    if (faults->count >= SHAPE_FAULTS_MAX)
        return;
    write_place(place, &path);
    faults_add(faults, "%s %s", what, buf_text(&path));
}

static bool is_unbounded(const struct shape_field *field)
{
    return field->least == 0 && field->most == 0;
}

static bool within(const struct shape_field *field, int64_t number)
{
    return is_unbounded(field) || (number >= field->least && number <= field->most);
}

static bool is_word(const struct shape_field *field, struct span text)
{
    struct span rest = span_of(field->words);
    while (rest.len > 0)
        if (span_is(span_cut(&rest, '|'), text))
            return true;
    return false;
}

static bool is_date(struct span text)
{
    int64_t ms;
    struct buf midnight CLEANUP(buf_free) = {0};
    buf_add(&midnight, text);
    buf_add(&midnight, SPAN("T00:00:00Z"));
    return text.len == strlen("YYYY-MM-DD") && time_parse(buf_span(&midnight), NULL, &ms);
}

static bool is_clock(struct span text)
{
    int hour, minute;
    return text.len == strlen("HH:MM") && num_digits(text, 2, &hour) && text.at[2] == ':' &&
           num_digits((struct span){text.at + 3, 2}, 2, &minute) && hour < 24 && minute < 60;
}

static bool is_text(const struct shape_field *field, struct span text)
{
    int64_t ms;
    switch (field->type) {
    case SHAPE_WORD:
    case SHAPE_FROM:
        return is_word(field, text);
    case SHAPE_DATE:
        return is_date(text);
    case SHAPE_TIME:
        return time_parse(text, NULL, &ms);
    case SHAPE_CLOCK:
        return is_clock(text);
    default:
        return within(field, (int64_t)text.len);
    }
}

static bool is_number(const struct shape_field *field, const struct json *value)
{
    double number = json_number(value);
    if (json_kind(value) != JSON_INT && (field->type == SHAPE_WHOLE || json_kind(value) != JSON_NUM))
        return false;
    if (field->type == SHAPE_WHOLE)
        return within(field, json_int(value));
    return is_unbounded(field) || (number >= (double)field->least && number <= (double)field->most);
}

static bool check_object(const struct shape *shape, const struct json *value, const struct place *place,
                         struct faults *faults);

static bool check_value(const struct shape_field *field, const struct json *value, const struct place *place,
                        struct faults *faults);

static bool check_list(const struct shape_field *field, const struct json *value, const struct place *place,
                       struct faults *faults)
{
    bool good = true;
    if (json_kind(value) != JSON_ARR || !within(field, (int64_t)json_count(value)))
        return false;
    for (size_t i = 0; i < json_count(value); i++) {
        struct place inner = {place, NULL, i};
        good = check_value(field->element, json_at(value, i), &inner, faults) && good;
    }
    return good || faults->count > 0;
}

/* Of a value that is there. */
static bool fits(const struct shape_field *field, const struct json *value, const struct place *place,
                 struct faults *faults)
{
    enum json_type kind = json_kind(value);
    switch (field->type) {
    case SHAPE_WHOLE:
    case SHAPE_NUMBER:
        return is_number(field, value);
    case SHAPE_BOOL:
        return kind == JSON_BOOL;
    case SHAPE_OBJECT:
        if (kind == JSON_OBJ && field->of != NULL)
            check_object(field->of, value, place, faults);
        return kind == JSON_OBJ;
    case SHAPE_LIST:
        return check_list(field, value, place, faults);
    case SHAPE_FROM:
        return kind == JSON_INT ? json_int(value) >= 1 : kind == JSON_STR && is_text(field, json_str(value));
    case SHAPE_ID:
        return kind == JSON_INT || (kind == JSON_STR && is_text(field, json_str(value)));
    case SHAPE_ANY:
        return true;
    default:
        return kind == JSON_STR && is_text(field, json_str(value));
    }
}

static bool check_value(const struct shape_field *field, const struct json *value, const struct place *place,
                        struct faults *faults)
{
    size_t before = faults->count;
    if (!fits(field, value, place, faults))
        complain(faults, "Invalid", place);
    return faults->count == before;
}

/* "" in a required field is as good as nothing. */
static bool is_missing(const struct shape_field *field, const struct json *value)
{
    bool is_empty = json_kind(value) == JSON_STR && json_str(value).len == 0;
    return json_kind(value) == JSON_ABSENT || (field->required && is_empty);
}

const struct shape_field *shape_find(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    return NULL;
}

static void check_unknown(const struct shape *shape, const struct json *value, const struct place *outer,
                          struct faults *faults)
{
    void *at = NULL;
    const char *name;
    const struct json *member;
    while (json_next(value, &at, &name, &member)) {
        struct place place = {outer, name, 0};
        if (shape_find(shape, name) == NULL)
            complain(faults, "Unknown", &place);
    }
}

static bool check_object(const struct shape *shape, const struct json *value, const struct place *outer,
                         struct faults *faults)
{
    size_t before = faults->count;
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_field *field = &shape->fields[i];
        const struct json *member = json_get(value, field->name);
        struct place place = {outer, field->name, 0};
        if (!is_missing(field, member))
            check_value(field, member, &place, faults);
        else if (field->required)
            complain(faults, "Missing", &place);
    }
    if (!shape->open)
        check_unknown(shape, value, outer, faults);
    return faults->count == before;
}

bool shape_check(const struct shape *shape, const struct json *value, struct faults *faults)
{
    if (json_kind(value) == JSON_OBJ)
        return check_object(shape, value, NULL, faults);
    faults_add(faults, "Not an object");
    return false;
}

bool shape_check_text(const struct shape_field *field, struct span text)
{
    int64_t number;
    bool has_number = num_parse(text, &number);
    if (field->type == SHAPE_WHOLE)
        return has_number && within(field, number);
    if (field->type == SHAPE_BOOL)
        return span_is(text, SPAN("true")) || span_is(text, SPAN("false"));
    return is_text(field, text);
}

/* Describing. */

static void put_words(const struct shape_field *field, struct buf *out)
{
    struct span rest = span_of(field->words);
    json_key(out, SPAN("enum"));
    json_open(out, '[');
    while (rest.len > 0)
        json_put_str(out, span_cut(&rest, '|'));
    json_close(out, ']');
}

static void put_bounds(const struct shape_field *field, const char *least, const char *most, struct buf *out)
{
    if (is_unbounded(field))
        return;
    json_add_int(out, least, field->least);
    json_add_int(out, most, field->most);
}

static void put_reference(const struct shape *shape, struct buf *out)
{
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "#/components/schemas/%s", shape->name);
    json_add_str(out, "$ref", buf_span(&path));
}

static void put_text(const char *format, struct buf *out)
{
    json_add_str(out, "type", SPAN("string"));
    if (format != NULL)
        json_add_str(out, "format", span_of(format));
}

/* A length counts characters in a schema and bytes here, so only what holds for both is said. */
static void put_length(const struct shape_field *field, struct buf *out)
{
    put_text(NULL, out);
    if (field->least > 0)
        json_add_int(out, "minLength", 1);
    if (field->most > 0)
        json_add_int(out, "maxLength", field->most);
}

static void put_from(const struct shape_field *field, struct buf *out)
{
    json_key(out, SPAN("anyOf"));
    json_open(out, '[');
    json_put_raw(out, SPAN("{\"type\":\"integer\",\"minimum\":1}"));
    json_open(out, '{');
    put_words(field, out);
    json_close(out, '}');
    json_close(out, ']');
}

static void put_type(const struct shape_field *field, struct buf *out)
{
    switch (field->type) {
    case SHAPE_TEXT:
        put_length(field, out);
        break;
    case SHAPE_ID:
        json_add_raw(out, "type", SPAN("[\"string\",\"integer\"]"));
        break;
    case SHAPE_WORD:
        put_text(NULL, out);
        put_words(field, out);
        break;
    case SHAPE_WHOLE:
    case SHAPE_NUMBER:
        json_add_str(out, "type", field->type == SHAPE_WHOLE ? SPAN("integer") : SPAN("number"));
        put_bounds(field, "minimum", "maximum", out);
        break;
    case SHAPE_BOOL:
        json_add_str(out, "type", SPAN("boolean"));
        break;
    case SHAPE_DATE:
        put_text("date", out);
        break;
    case SHAPE_TIME:
        put_text("date-time", out);
        break;
    case SHAPE_CLOCK:
        put_text(NULL, out);
        json_add_str(out, "pattern", SPAN("^([01][0-9]|2[0-3]):[0-5][0-9]$"));
        break;
    case SHAPE_FROM:
        put_from(field, out);
        break;
    case SHAPE_OBJECT:
        if (field->of == NULL)
            json_add_str(out, "type", SPAN("object"));
        else
            put_reference(field->of, out);
        break;
    case SHAPE_LIST:
        json_add_str(out, "type", SPAN("array"));
        put_bounds(field, "minItems", "maxItems", out);
        json_key(out, SPAN("items"));
        shape_field_schema(field->element, out);
        break;
    case SHAPE_ANY:
        break;
    }
}

/* What need not be there may be null as well. */
void shape_field_schema(const struct shape_field *field, struct buf *out)
{
    bool nullable = field->name != NULL && !field->required && field->type != SHAPE_ANY;
    json_open(out, '{');
    if (nullable) {
        json_key(out, SPAN("anyOf"));
        json_open(out, '[');
        json_open(out, '{');
    }
    put_type(field, out);
    if (nullable) {
        json_close(out, '}');
        json_put_raw(out, SPAN("{\"type\":\"null\"}"));
        json_close(out, ']');
    }
    if (field->help != NULL)
        json_add_str(out, "description", span_of(field->help));
    json_close(out, '}');
}

void shape_schema(const struct shape *shape, struct buf *out)
{
    json_open(out, '{');
    json_add_str(out, "description", span_of(shape->help));
    if (shape->schema != NULL) {
        json_add_raw(out, shape->keyword, span_of(shape->schema));
        json_close(out, '}');
        return;
    }
    json_add_str(out, "type", SPAN("object"));
    json_key(out, SPAN("properties"));
    json_open(out, '{');
    for (size_t i = 0; i < shape->count; i++) {
        json_key(out, span_of(shape->fields[i].name));
        shape_field_schema(&shape->fields[i], out);
    }
    json_close(out, '}');
    json_key(out, SPAN("required"));
    json_open(out, '[');
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].required)
            json_put_str(out, span_of(shape->fields[i].name));
    json_close(out, ']');
    json_add_raw(out, "additionalProperties", shape->open ? SPAN("true") : SPAN("false"));
    json_close(out, '}');
}

/* Running a mapping. */
#include "model/mapping.h"

#include <string.h>

#include "base/num.h"
#include "base/time.h"
#include "ops.h"

/* What an op has written. */
struct value {
    struct span text; /* unquoted, for templates; empty unless it is a text or an id */
    size_t at, len;   /* its JSON text within the detail */
};

struct run {
    const struct mapping *mapping;
    const struct map_input *input;
    struct arena *arena;
    struct buf *out;
    struct value *values; /* one an op */
    struct map_trace *traces;
    struct faults *faults;
    bool texts; /* the value at hand could not be sent as anything but a text */
};

static const char *name_of(const struct map_op *op)
{
    return op->paths[0].name;
}

static struct map_trace *trace_of(struct run *run, const struct map_op *op)
{
    return &run->traces[op - run->mapping->ops];
}

static void invalid(struct run *run, const struct map_op *op)
{
    trace_of(run, op)->end = MAP_INVALID;
    faults_add(run->faults, "Invalid %s", name_of(op));
}

static struct span expand(struct run *run, const struct template *text)
{
    if (text->count == 1 && text->parts[0].kind == PART_LITERAL)
        return text->parts[0].literal;
    struct buf out = {.arena = run->arena};
    for (size_t i = 0; i < text->count; i++) {
        const struct template_part *part = &text->parts[i];
        if (part->kind == PART_LITERAL)
            buf_add(&out, part->literal);
        else if (part->kind == PART_VAR)
            buf_add(&out, run->input->vars[part->index]);
        else
            buf_add(&out, run->values[part->index].text);
    }
    return buf_span(&out);
}

/* Everything an op writes goes through one of these two, so that its place is known afterwards. */
static void write_text(struct run *run, const struct map_op *op, struct span text)
{
    struct value *value = &run->values[op - run->mapping->ops];
    json_put_raw(run->out, op->key);
    value->at = run->out->len;
    value->text = text;
    json_put_str(run->out, text);
    value->len = run->out->len - value->at;
}

static void write_json(struct run *run, const struct map_op *op, struct span json)
{
    struct value *value = &run->values[op - run->mapping->ops];
    json_put_raw(run->out, op->key);
    value->at = run->out->len;
    json_put_raw(run->out, json);
    value->len = json.len;
}

static void map_string(struct run *run, const struct map_op *op, const struct json *sent)
{
    if (json_kind(sent) == JSON_STR)
        write_text(run, op, json_str(sent));
    else
        invalid(run, op);
}

static void map_id(struct run *run, const struct map_op *op, const struct json *sent)
{
    struct span id = json_str(sent);
    struct buf whole = {.arena = run->arena};
    if (json_kind(sent) == JSON_INT) {
        buf_add_int(&whole, json_int(sent));
        id = buf_span(&whole);
        whole = (struct buf){.arena = run->arena};
    }
    if (id.len == 0 || id.len > MAP_ID_MAX) {
        invalid(run, op);
        return;
    }
    buf_add(&whole, expand(run, &op->text));
    buf_add(&whole, id);
    write_text(run, op, buf_span(&whole));
}

/* A whole number, also out of a text where there is nothing else. */
static bool whole_of(const struct run *run, const struct json *sent, int64_t *number)
{
    *number = json_int(sent);
    return json_kind(sent) == JSON_INT || (run->texts && num_parse(json_str(sent), number));
}

static void map_whole(struct run *run, const struct map_op *op, const struct json *sent)
{
    int64_t number;
    if (!whole_of(run, sent, &number) || number < op->min || number > op->max) {
        invalid(run, op);
        return;
    }
    struct buf text = {.arena = run->arena};
    buf_add_int(&text, number);
    write_json(run, op, buf_span(&text));
}

static bool is_number(const struct json *value)
{
    return json_kind(value) == JSON_INT || json_kind(value) == JSON_NUM;
}

static void write_value(struct run *run, const struct map_op *op, const struct json *value)
{
    struct buf text = {.arena = run->arena};
    json_put(&text, value);
    write_json(run, op, buf_span(&text));
}

static void map_number(struct run *run, const struct map_op *op, const struct json *sent)
{
    struct json_fault fault;
    struct json *read = run->texts ? json_parse(json_str(sent), &fault) : NULL;
    const struct json *number = run->texts ? read : sent;
    if (is_number(number))
        write_value(run, op, number);
    else
        invalid(run, op);
    json_free(read);
}

static void map_bool(struct run *run, const struct map_op *op, const struct json *sent)
{
    struct span text = json_str(sent);
    bool is_word = run->texts && (span_is(text, SPAN("true")) || span_is(text, SPAN("false")));
    if (json_kind(sent) == JSON_BOOL)
        write_value(run, op, sent);
    else if (is_word)
        write_json(run, op, text);
    else
        invalid(run, op);
}

/* Seconds or milliseconds since 1970, within the years that a time may have. */
static bool time_of_number(struct run *run, const struct json *sent, int64_t factor, int64_t *time)
{
    return whole_of(run, sent, time) && *time >= 0 && !__builtin_mul_overflow(*time, factor, time) &&
           *time <= TIME_LAST;
}

static bool time_of(struct run *run, const struct map_op *op, const struct json *sent, int64_t *time)
{
    const struct zone *zone = op->zone != NULL ? op->zone : run->input->zone;
    switch (op->format) {
    case MAP_UNIX:
        return time_of_number(run, sent, 1000, time);
    case MAP_UNIX_MS:
        return time_of_number(run, sent, 1, time);
    case MAP_PATTERN:
        return time_parse_as(op->pattern, json_str(sent), zone, time);
    default:
        return time_parse(json_str(sent), zone, time);
    }
}

static void map_time(struct run *run, const struct map_op *op, const struct json *sent)
{
    int64_t time;
    if (!time_of(run, op, sent, &time)) {
        invalid(run, op);
        return;
    }
    char *text = arena_alloc(run->arena, TIME_TEXT);
    time_write(text, time + op->offset);
    write_text(run, op, (struct span){text, TIME_TEXT - 1});
}

static void map_table(struct run *run, const struct map_op *op, const struct json *sent)
{
    for (size_t i = 0; i < op->row_count; i++) {
        if (literal_is(&op->rows[i].sent, sent, op->ignore_case)) {
            write_json(run, op, op->rows[i].gives);
            return;
        }
    }
    if (op->otherwise.len > 0)
        write_json(run, op, op->otherwise);
    else
        invalid(run, op);
}

static void map_scalar(struct run *run, const struct map_op *op, const struct json *sent)
{
    if (json_kind(sent) == JSON_OBJ || json_kind(sent) == JSON_ARR)
        invalid(run, op);
    else
        write_value(run, op, sent);
}

typedef void map_one(struct run *, const struct map_op *, const struct json *);

static map_one *const mappers[] = {
    [MAP_STRING] = map_string, [MAP_ID] = map_id,         [MAP_WHOLE] = map_whole,
    [MAP_NUMBER] = map_number, [MAP_BOOL] = map_bool,     [MAP_TIME] = map_time,
    [MAP_TABLE] = map_table,   [MAP_SCALAR] = map_scalar, [MAP_ANY] = write_value,
};

/* null is absent; so is "" where something is needed, and whatever the definition lists. */
static bool is_absent(const struct map_op *op, const struct json *sent)
{
    if (json_kind(sent) == JSON_ABSENT)
        return true;
    if (json_kind(sent) == JSON_STR && json_str(sent).len == 0 && (op->required || op->type == MAP_ID))
        return true;
    for (size_t i = 0; i < op->null_count; i++)
        if (literal_is(&op->nulls[i], sent, false))
            return true;
    return false;
}

/* The first of an op's paths that leads to something; if none does, `broken` is where one could not go on. */
static const struct json *find(struct run *run, const struct map_op *op, struct map_trace *trace)
{
    for (size_t i = 0; i < op->path_count; i++) {
        const struct json *sent = path_follow(&op->paths[i], &run->input->data, &trace->broken);
        if (is_absent(op, sent))
            continue;
        run->texts = run->input->data.texts || op->paths[i].root == PATH_REQUEST ||
                     (op->from_text && json_kind(sent) == JSON_STR);
        trace->path = i;
        return sent;
    }
    return NULL;
}

/* What is written, or said, where nothing was sent. */
static enum map_end end_absent(struct run *run, const struct map_op *op, const char *broken)
{
    if (broken != NULL) {
        faults_add(run->faults, "Invalid %s", broken);
        return MAP_BROKEN;
    }
    if (op->required) {
        faults_add(run->faults, "Missing %s", name_of(op));
        return MAP_MISSING;
    }
    if (!op->has_default)
        return MAP_LEFT_OUT;
    if (op->default_is_text)
        write_text(run, op, expand(run, &op->default_text));
    else
        write_json(run, op, op->default_json);
    return MAP_DEFAULT;
}

static void map_field(struct run *run, const struct map_op *op)
{
    struct map_trace *trace = trace_of(run, op);
    trace->end = MAP_WRITTEN;
    if (op->type == MAP_TEXT) {
        write_text(run, op, expand(run, &op->text));
        return;
    }
    const struct json *sent = find(run, op, trace);
    if (sent == NULL)
        trace->end = end_absent(run, op, trace->broken);
    else
        mappers[op->type](run, op, sent);
}

static struct span json_of(const struct run *run, size_t op)
{
    if (op == run->mapping->count || run->values[op].len == 0)
        return (struct span){NULL, 0};
    return (struct span){run->out->at + run->values[op].at, run->values[op].len};
}

enum err mapping_run(const struct mapping *mapping, const struct map_input *input, struct arena *arena,
                     struct mapped *mapped, struct faults *faults)
{
    *mapped = (struct mapped){.detail = {.arena = arena}};
    struct run run = {mapping, input, arena, &mapped->detail, NULL, NULL, faults, false};
    if (json_kind(input->data.row) != JSON_OBJ) {
        faults_add(faults, "Not a JSON object");
        return ERR_BAD_WEBHOOK;
    }
    run.values = arena_alloc(arena, mapping->count * sizeof *run.values);
    mapped->traces = run.traces = arena_alloc(arena, mapping->count * sizeof *run.traces);
    json_open(run.out, '{');
    for (size_t i = 0; i < mapping->count; i++) {
        const struct map_op *op = &mapping->ops[i];
        if (op->act == MAP_FIELD) {
            map_field(&run, op);
        } else if (op->act == MAP_OPEN) {
            json_put_raw(run.out, op->key);
            json_open(run.out, '{');
        } else {
            json_close(run.out, '}');
        }
    }
    json_close(run.out, '}');
    mapped->pickup_id = json_of(&run, mapping->pickup_id);
    mapped->external_id = json_of(&run, mapping->external_id);
    mapped->window_start = json_of(&run, mapping->window_start);
    if (mapping->request_time < mapping->count)
        mapped->received_at = run.values[mapping->request_time].at + 1; /* behind the quote */
    return faults->count > 0 ? ERR_BAD_WEBHOOK : ERR_OK;
}

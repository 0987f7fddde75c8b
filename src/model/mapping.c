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
    struct faults *faults;
};

static const char *name_of(const struct map_op *op)
{
    return op->paths[0].names[op->paths[0].depth - 1];
}

static void invalid(struct run *run, const struct map_op *op)
{
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
    json_key(run->out, op->key);
    value->at = run->out->len;
    value->text = text;
    json_put_str(run->out, text);
    value->len = run->out->len - value->at;
}

static void write_json(struct run *run, const struct map_op *op, struct span json)
{
    struct value *value = &run->values[op - run->mapping->ops];
    json_key(run->out, op->key);
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

static void map_whole(struct run *run, const struct map_op *op, const struct json *sent)
{
    int64_t number = json_int(sent);
    if (json_kind(sent) != JSON_INT || number < op->min || number > op->max) {
        invalid(run, op);
        return;
    }
    struct buf text = {.arena = run->arena};
    buf_add_int(&text, number);
    write_json(run, op, buf_span(&text));
}

static void map_time(struct run *run, const struct map_op *op, const struct json *sent)
{
    int64_t time;
    if (!time_parse(json_str(sent), run->input->zone, &time)) {
        invalid(run, op);
        return;
    }
    char *text = arena_alloc(run->arena, TIME_TEXT);
    time_write(text, time + op->offset);
    write_text(run, op, (struct span){text, TIME_TEXT - 1});
}

static bool row_matches(const struct map_op *op, const struct map_row *row, const struct json *sent)
{
    if (json_kind(sent) != row->kind)
        return false;
    if (row->kind == JSON_INT)
        return json_int(sent) == row->number;
    return op->ignore_case ? span_is_nocase(json_str(sent), row->text) : span_is(json_str(sent), row->text);
}

static void map_table(struct run *run, const struct map_op *op, const struct json *sent)
{
    for (size_t i = 0; i < op->row_count; i++) {
        if (row_matches(op, &op->rows[i], sent)) {
            write_json(run, op, op->rows[i].gives);
            return;
        }
    }
    invalid(run, op);
}

static void map_scalar(struct run *run, const struct map_op *op, const struct json *sent)
{
    struct buf text = {.arena = run->arena};
    if (json_kind(sent) == JSON_OBJ || json_kind(sent) == JSON_ARR) {
        invalid(run, op);
        return;
    }
    json_put(&text, sent);
    write_json(run, op, buf_span(&text));
}

typedef void map_one(struct run *, const struct map_op *, const struct json *);

static map_one *const mappers[] = {
    [MAP_STRING] = map_string, [MAP_ID] = map_id,       [MAP_WHOLE] = map_whole,
    [MAP_TIME] = map_time,     [MAP_TABLE] = map_table, [MAP_SCALAR] = map_scalar,
};

/* False if there is nothing to step into: a name leads into an object, a number into a list as well. */
static bool step_into(const struct json **at, struct span step)
{
    int64_t index;
    bool is_list = json_kind(*at) == JSON_ARR;
    if (is_list ? !num_parse(step, &index) || index < 0 : json_kind(*at) != JSON_OBJ)
        return false;
    *at = is_list ? json_at(*at, (size_t)index) : json_get(*at, step.at);
    return true;
}

/* The value a path leads to, or NULL; *broken if something on the way can't be stepped into. */
static const struct json *follow(struct run *run, const struct map_path *path, const struct json *payload,
                                 bool *broken)
{
    const struct json *at = payload;
    for (size_t i = 0; i < path->depth && json_kind(at) != JSON_ABSENT; i++) {
        if (step_into(&at, path->steps[i]))
            continue;
        faults_add(run->faults, "Invalid %s", path->names[i - 1]);
        *broken = true;
        return NULL;
    }
    return at;
}

/* null is absent; so is "" where something is needed, and any text the definition lists. */
static bool is_absent(const struct map_op *op, const struct json *sent)
{
    if (json_kind(sent) == JSON_ABSENT)
        return true;
    if (json_kind(sent) != JSON_STR)
        return false;
    struct span text = json_str(sent);
    if (text.len == 0)
        return op->required || op->type == MAP_ID;
    for (size_t i = 0; i < op->null_count; i++)
        if (span_is(text, op->nulls[i]))
            return true;
    return false;
}

static void map_field(struct run *run, const struct map_op *op, const struct json *payload)
{
    bool broken = false;
    if (op->type == MAP_TEXT) {
        write_text(run, op, expand(run, &op->text));
        return;
    }
    const struct json *sent = NULL;
    for (size_t i = 0; i < op->path_count && is_absent(op, sent) && !broken; i++)
        sent = follow(run, &op->paths[i], payload, &broken);
    if (broken)
        return;
    if (!is_absent(op, sent))
        mappers[op->type](run, op, sent);
    else if (op->required)
        faults_add(run->faults, "Missing %s", name_of(op));
    else if (op->has_default && op->default_is_text)
        write_text(run, op, expand(run, &op->default_text));
    else if (op->has_default)
        write_json(run, op, op->default_json);
}

static struct span json_of(const struct run *run, size_t op)
{
    if (op == run->mapping->count || run->values[op].len == 0)
        return (struct span){NULL, 0};
    return (struct span){run->out->at + run->values[op].at, run->values[op].len};
}

enum err mapping_run(const struct mapping *mapping, const struct json *payload, const struct map_input *input,
                     struct arena *arena, struct mapped *mapped, struct faults *faults)
{
    *mapped = (struct mapped){.detail = {.arena = arena}};
    struct run run = {mapping, input, arena, &mapped->detail, NULL, faults};
    if (json_kind(payload) != JSON_OBJ) {
        faults_add(faults, "Not a JSON object");
        return ERR_BAD_WEBHOOK;
    }
    run.values = arena_alloc(arena, mapping->count * sizeof *run.values);
    json_open(run.out, '{');
    for (size_t i = 0; i < mapping->count; i++) {
        const struct map_op *op = &mapping->ops[i];
        if (op->act == MAP_FIELD) {
            map_field(&run, op, payload);
        } else if (op->act == MAP_OPEN) {
            json_key(run.out, op->key);
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

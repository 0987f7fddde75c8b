/* The walk: request, signature, payload, rows, and each field. */
#include "model/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "explain_parts.h"
#include "form.h"
#include "head.h"
#include "model/verdict.h"
#include "ops.h"
#include "rules.h"

#define ROWS_SHOWN 20

void tell(struct telling *telling, const char *step, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(telling->out, "%-11s %s\n", step, text);
}

/* The request. */

/* False if the server would not get as far as the signature. */
static bool tell_media_type(struct telling *telling)
{
    struct span type = SPAN("");
    struct span coding;
    size_t types = request_header(telling->request, SPAN("Content-Type"), &type);
    bool takes = types == 0 || (types == 1 && definition_takes(telling->source->definition, type));
    bool coded = request_header(telling->request, SPAN("Content-Encoding"), &coding) > 0;
    tell(telling, "media type", "%.*s%s%s", (int)type.len, type.at, types == 0 ? "none" : "",
         types > 1 ? ", and more than one: refused"
         : takes   ? ": taken"
                   : ": refused");
    if (!takes && types == 1)
        tell(telling, "", "-> see \"media_types\" and \"body\" in the definition's request");
    if (coded)
        tell(telling, "", "-> it has a Content-Encoding: refused");
    return takes && !coded;
}

static bool tell_request(struct telling *telling)
{
    const struct request *request = telling->request;
    tell(telling, "request", "%.*s %.*s, %zu header%s, a body of %zu bytes", (int)request->method.len,
         request->method.at, (int)request->path.len, request->path.at, request->header_count,
         request->header_count == 1 ? "" : "s", request->body.len);
    return tell_media_type(telling);
}

/* What is in a payload. */

static void describe(const struct telling *telling, const struct json *value, struct buf *out)
{
    static const char *const kinds[] = {
        [JSON_ABSENT] = "nothing",     [JSON_OBJ] = "an object", [JSON_ARR] = "a list",
        [JSON_STR] = "a text",         [JSON_INT] = "a number",  [JSON_NUM] = "a number",
        [JSON_BOOL] = "true or false",
    };
    buf_add(out, span_of(kinds[json_kind(value)]));
    if (json_kind(value) == JSON_STR)
        buf_printf(out, " of %zu bytes", json_str(value).len);
    if (json_kind(value) == JSON_OBJ || json_kind(value) == JSON_ARR)
        buf_printf(out, " of %zu", json_count(value));
    if (!telling->show_values || json_kind(value) == JSON_ABSENT)
        return;
    struct buf text CLEANUP(buf_free) = {0};
    json_put(&text, value);
    buf_printf(out, " %.*s", text.len < 200 ? (int)text.len : 200, text.at);
}

/* Why a value is no value of its type. */
static const char *asks_for(const struct map_op *op, const struct source *source)
{
    switch (op->type) {
    case MAP_STRING:
        return "must be a text";
    case MAP_ID:
        return "must be a text of 1 to 200 bytes, or a whole number";
    case MAP_WHOLE:
        return "must be a whole number within its bounds";
    case MAP_NUMBER:
        return "must be a number";
    case MAP_BOOL:
        return "must be true or false";
    case MAP_TABLE:
        return "is in no row of its table";
    case MAP_TIME:
        return op->zone == NULL && source->zone == NULL
                   ? "must be a time in its format; one without a zone needs the source's timezone"
                   : "must be a time in its format";
    default:
        return "must be a text, a number, true or false";
    }
}

static bool has_fault(const struct faults *faults, const char *kind, const char *name)
{
    struct buf text CLEANUP(buf_free) = {0};
    buf_printf(&text, "%s %s", kind, name);
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->texts[i], buf_text(&text)) == 0)
            return true;
    return false;
}

static void tell_field(struct telling *telling, const struct map_op *op, const struct data *data,
                       const struct faults *faults)
{
    const char *broken = NULL;
    const struct json *value = NULL;
    const char *path = op->paths[0].name;
    struct buf sees = {.arena = &telling->arena};
    for (size_t i = 0; i < op->path_count && json_kind(value) == JSON_ABSENT; i++) {
        value = path_follow(&op->paths[i], data, &broken);
        path = json_kind(value) != JSON_ABSENT ? op->paths[i].name : path;
    }
    describe(telling, value, &sees);
    buf_printf(telling->out, "  %-26.*s <- %-26s %s", (int)op->target.len, op->target.at, path,
               buf_text(&sees));
    if (broken != NULL && has_fault(faults, "Invalid", broken))
        buf_printf(telling->out, ": FAULT: %s can't be looked into", broken);
    else if (has_fault(faults, "Missing", op->paths[0].name))
        buf_printf(telling->out, ": FAULT: it is required");
    else if (has_fault(faults, "Invalid", op->paths[0].name))
        buf_printf(telling->out, ": FAULT: %s", asks_for(op, telling->source));
    else if (json_kind(value) == JSON_ABSENT)
        buf_printf(telling->out, op->has_default ? ": its default" : ": left out");
    buf_add_char(telling->out, '\n');
}

static void tell_mapping(struct telling *telling, const struct mapping *mapping, const struct data *data,
                         const struct faults *faults)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->ops[i].act == MAP_FIELD && mapping->ops[i].type != MAP_TEXT)
            tell_field(telling, &mapping->ops[i], data, faults);
}

static void tell_key(struct telling *telling, const struct event_rule *rule, const struct data *data)
{
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct key_part *part = &rule->key[i];
        struct buf sees = {.arena = &telling->arena};
        describe(telling, paths_follow(part->paths, part->count, data), &sees);
        buf_printf(telling->out, "  %-26s <- %-26s %s\n", "(key)", part->paths[0].name, buf_text(&sees));
    }
}

static const struct event_rule *tell_choice(struct telling *telling, const struct data *data)
{
    const struct rules *rules = telling->source->definition->rules;
    for (size_t i = 0; i < rules->event_count; i++) {
        const struct event_rule *rule = &rules->events[i];
        struct buf looks = {.arena = &telling->arena};
        bool fits = when_holds(rule->when, data);
        when_describe(rule->when, &looks);
        if (fits && rule->ignore)
            tell(telling, "event", "%zu fits, and says to ignore it", i + 1);
        else if (fits)
            tell(telling, "event", "%zu fits: %.*s", i + 1, (int)rule->type.len, rule->type.at);
        else
            tell(telling, "event", "%zu does not fit: it looks at %s", i + 1, buf_text(&looks));
        if (fits)
            return rule;
    }
    tell(telling, "event", "none fits: FAULT");
    return NULL;
}

static void tell_piece(struct telling *telling, const struct piece *piece)
{
    for (size_t i = 0; i < piece->faults.count; i++)
        tell(telling, "", "-> %s", piece->faults.texts[i]);
}

static void tell_row(struct telling *telling, const struct data *data, const struct piece *piece)
{
    const struct event_rule *rule = tell_choice(telling, data);
    if (rule == NULL || rule->ignore)
        return;
    tell_key(telling, rule, data);
    tell_mapping(telling, rule->mapping, data, &piece->faults);
    tell_piece(telling, piece);
}

static void tell_rows(struct telling *telling, struct data *data, const struct verdict *verdict)
{
    const struct rules *rules = telling->source->definition->rules;
    const struct json *rows =
        rules->each_count > 0 ? paths_follow(rules->each, rules->each_count, data) : data->payload;
    size_t piece = 0;
    if (rules->each_count > 0)
        tell(telling, "rows", "%zu", verdict->is_batch ? json_count(rows) : 1);
    for (size_t i = 0; i < (verdict->is_batch ? json_count(rows) : 1); i++) {
        data->row = verdict->is_batch ? json_at(rows, i) : rows;
        if (i == ROWS_SHOWN) {
            tell(telling, "", "(the other rows are not shown)");
            return;
        }
        if (verdict->is_batch)
            tell(telling, "row", "%zu", i);
        const struct event_rule *rule = rule_find(rules, data);
        bool kept = rule == NULL || !rule->ignore;
        tell_row(telling, data, kept ? &verdict->pieces[piece] : NULL);
        piece += kept;
    }
}

static void tell_payload(struct telling *telling, struct span body, struct span head,
                         const struct verdict *verdict)
{
    const struct definition *definition = telling->source->definition;
    struct json_fault fault;
    struct faults faults = {.arena = &telling->arena};
    struct json *request = head.len > 0 ? json_parse(head, &fault) : NULL;
    if (body.len == 0 && definition->rules->allows_empty)
        body = SPAN("{}");
    struct json *payload =
        definition->form ? form_json(body, &telling->arena, &faults) : json_parse(body, &fault);
    struct data data = {payload, payload, request, definition->form};
    struct buf sees = {.arena = &telling->arena};
    describe(telling, payload, &sees);
    tell(telling, "payload", "%s", payload != NULL ? buf_text(&sees) : "can't be read: FAULT");
    if (payload != NULL &&
        (verdict->is_batch || definition->rules->each_count == 0 ||
         paths_follow(definition->rules->each, definition->rules->each_count, &data) != NULL))
        tell_rows(telling, &data, verdict);
    else if (verdict->count > 0)
        tell_piece(telling, &verdict->pieces[0]);
    json_free(payload);
    json_free(request);
}

/* The end. */

static size_t count_faulty(const struct verdict *verdict)
{
    size_t faulty = 0;
    for (size_t i = 0; i < verdict->count; i++)
        faulty += verdict->pieces[i].faults.count > 0;
    return faulty;
}

static bool tell_end(struct telling *telling, const struct verdict *verdict)
{
    char id[EVENT_ID_TEXT];
    size_t faulty = count_faulty(verdict);
    if (verdict->kind == VERDICT_IGNORED) {
        tell(telling, "verdict", "ignored: answered 200, and kept nowhere");
    } else if (verdict->is_batch) {
        tell(telling, "verdict", "%zu rows kept as events, %zu in quarantine, %zu ignored",
             verdict->count - faulty, faulty, verdict->ignored);
    } else {
        event_id_write(id, &verdict->pieces[0].event.id);
        tell(telling, "verdict",
             faulty > 0 ? "authentic, but not mappable: kept in quarantine as %s"
                        : "good: kept as the event %s",
             id);
    }
    return faulty == 0;
}

static bool tell_authentic(struct telling *telling, const struct verdict *verdict)
{
    const struct request *request = telling->request;
    struct buf head = {.arena = &telling->arena};
    tell(telling, "signature", "good: made with the secret %s", verdict->proof.secret->name);
    if (verdict->kind == VERDICT_ANSWER) {
        tell(telling, "verdict", "a handshake: answered %d with %zu bytes of %.*s", verdict->answer.status,
             verdict->answer.body.len, (int)verdict->answer.type.len, verdict->answer.type.at);
        return true;
    }
    head_write(telling->source->definition->scheme, request, &telling->arena, &head);
    tell_payload(telling, request->body, buf_span(&head), verdict);
    return tell_end(telling, verdict);
}

bool explain_request(const struct sources *sources, const struct source *source,
                     const struct request *request, bool show_values, struct buf *out)
{
    struct telling telling = {
        .out = out, .sources = sources, .source = source, .request = request, .show_values = show_values};
    struct verdict verdict;
    bool good = false;
    bool taken = tell_request(&telling);
    verdict_reach(source, request, &telling.arena, &verdict);
    if (verdict.kind != VERDICT_REFUSED) {
        good = tell_authentic(&telling, &verdict);
    } else {
        tell_refusal(&telling, &verdict.proof);
        tell(&telling, "verdict", "refused: answered 401");
    }
    if (!taken)
        tell(&telling, "", "-> but it is answered 415 before its signature is looked at");
    arena_free(&telling.arena);
    return good && taken;
}

bool explain_kept(const struct source *source, struct span body, struct span head, int64_t received,
                  bool show_values, struct buf *out)
{
    struct telling telling = {.out = out, .source = source, .show_values = show_values};
    struct verdict verdict;
    tell(&telling, "request", "a body of %zu bytes that was proven authentic before", body.len);
    verdict_again(source, body, head, received, &telling.arena, &verdict);
    tell_payload(&telling, body, head, &verdict);
    bool good = tell_end(&telling, &verdict);
    arena_free(&telling.arena);
    return good;
}

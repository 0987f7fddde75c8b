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

static void tell_method(struct telling *telling)
{
    const struct request *request = telling->request;
    bool takes_get = telling->source->definition->takes_get;
    if (span_is(request->method, SPAN("POST")) || (takes_get && span_is(request->method, SPAN("GET"))))
        return;
    tell(telling, "method", "refused: this source takes %s", takes_get ? "POST and GET" : "POST alone");
    telling->barred = 405;
}

static void tell_media_type(struct telling *telling)
{
    struct span type = SPAN("");
    struct span coding;
    const struct definition *definition = telling->source->definition;
    size_t types = request_header(telling->request, SPAN("Content-Type"), &type);
    bool takes = types == 0 || (types == 1 && definition_takes(definition, type));
    bool coded = request_header(telling->request, SPAN("Content-Encoding"), &coding) > 0;
    tell(telling, "media type", "%.*s%s%s", (int)type.len, type.at, types == 0 ? "none" : "",
         types > 1 ? ", and more than one: refused"
         : takes   ? ": taken"
                   : ": refused");
    if (!takes && types == 1)
        tell(telling, "", "-> the definition reads %s: see \"media_types\" and \"body\" in its \"request\"",
             definition->form ? "forms" : "JSON");
    if (coded)
        tell(telling, "", "-> it has a Content-Encoding: refused, also if it says identity");
    if ((!takes || coded) && telling->barred == 0)
        telling->barred = 415;
}

static void tell_request(struct telling *telling)
{
    const struct request *request = telling->request;
    tell(telling, "request", "%.*s %.*s, %zu header%s, a body of %zu bytes", (int)request->method.len,
         request->method.at, (int)request->path.len, request->path.at, request->header_count,
         request->header_count == 1 ? "" : "s", request->body.len);
    tell_method(telling);
    tell_media_type(telling);
    if (telling->source->allow_from.count > 0)
        tell(telling, "client", "not looked at here, but the source has an allow_from");
}

/* What is in a payload. */

static void describe(const struct telling *telling, const struct json *value, struct buf *out)
{
    static const char *const kinds[] = {
        [JSON_ABSENT] = "nothing",     [JSON_OBJ] = "an object",
        [JSON_ARR] = "a list",         [JSON_STR] = "a text",
        [JSON_INT] = "a whole number", [JSON_NUM] = "a number with a point or an exponent",
        [JSON_BOOL] = "true or false",
    };
    enum json_type kind = json_kind(value);
    buf_add(out, span_of(kinds[kind]));
    if (kind == JSON_STR)
        buf_printf(out, " of %zu byte%s", json_str(value).len, json_str(value).len == 1 ? "" : "s");
    if (kind == JSON_OBJ || kind == JSON_ARR)
        buf_printf(out, " of %zu", json_count(value));
    if (!telling->show_values || kind == JSON_ABSENT)
        return;
    struct buf text CLEANUP(buf_free) = {0};
    json_put(&text, value);
    buf_printf(out, " %.*s", text.len < 200 ? (int)text.len : 200, text.at);
}

static void ask_for_whole(const struct map_op *op, struct buf *out)
{
    buf_add(out, SPAN("must be a whole number"));
    if (op->min > INT64_MIN)
        buf_printf(out, ", at least %lld", (long long)op->min);
    if (op->max < INT64_MAX)
        buf_printf(out, ", at most %lld", (long long)op->max);
}

static void ask_for_time(const struct map_op *op, const struct source *source, struct buf *out)
{
    bool clock = op->format == MAP_ISO8601 || op->format == MAP_PATTERN;
    if (op->format == MAP_PATTERN)
        buf_printf(out, "must be a time that is written as %.*s", (int)op->pattern.len, op->pattern.at);
    else
        buf_add(out, op->format == MAP_UNIX      ? SPAN("must be a number of seconds since 1970")
                     : op->format == MAP_UNIX_MS ? SPAN("must be a number of milliseconds since 1970")
                                                 : SPAN("must be a time such as 2026-01-31T14:00:00Z"));
    if (clock && op->zone == NULL && source->zone == NULL)
        buf_add(out, SPAN("; one without a zone needs the source's timezone"));
}

/* Why a value is no value of its type. */
static void ask_for(const struct map_op *op, const struct source *source, struct buf *out)
{
    switch (op->type) {
    case MAP_STRING:
        buf_add(out, SPAN("must be a text"));
        break;
    case MAP_ID:
        buf_printf(out, "must be a text of 1 to %d bytes, or a whole number", MAP_ID_MAX);
        break;
    case MAP_WHOLE:
        ask_for_whole(op, out);
        break;
    case MAP_NUMBER:
        buf_add(out, SPAN("must be a number"));
        break;
    case MAP_BOOL:
        buf_add(out, SPAN("must be true or false"));
        break;
    case MAP_TABLE:
        buf_printf(out, "is in no row of its table%s",
                   op->ignore_case ? "" : " (texts in the same case, and numbers as numbers)");
        break;
    case MAP_TIME:
        ask_for_time(op, source, out);
        break;
    default:
        buf_add(out, SPAN("must be a text, a number, true or false"));
    }
}

static void tell_field(struct telling *telling, const struct map_op *op, const struct map_trace *trace,
                       const struct data *data)
{
    const struct path *path = &op->paths[trace->path];
    struct buf line = {.arena = &telling->arena};
    describe(telling, path_follow(path, data, NULL), &line);
    switch (trace->end) {
    case MAP_BROKEN:
        buf_printf(&line, ": FAULT: %s can't be looked into", trace->broken);
        break;
    case MAP_MISSING:
        buf_add(&line, SPAN(": FAULT: it is required"));
        break;
    case MAP_INVALID:
        buf_add(&line, SPAN(": FAULT: "));
        ask_for(op, telling->source, &line);
        break;
    case MAP_DEFAULT:
        buf_add(&line, SPAN(": its default"));
        break;
    case MAP_LEFT_OUT:
        buf_add(&line, SPAN(": left out"));
        break;
    case MAP_WRITTEN:
        break;
    }
    buf_printf(telling->out, "  %-26.*s <- %-26s %s", (int)op->target.len, op->target.at, path->name,
               buf_text(&line));
    buf_add_char(telling->out, '\n');
}

static void tell_mapping(struct telling *telling, const struct mapping *mapping, const struct data *data,
                         const struct mapped *mapped)
{
    for (size_t i = 0; mapped->traces != NULL && i < mapping->count; i++)
        if (mapping->ops[i].act == MAP_FIELD && mapping->ops[i].type != MAP_TEXT)
            tell_field(telling, &mapping->ops[i], &mapped->traces[i], data);
}

static void tell_key(struct telling *telling, const struct event_rule *rule, const struct data *data)
{
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct key_part *part = &rule->key[i];
        const struct json *value = paths_follow(part->paths, part->count, data);
        bool good = json_kind(value) == JSON_INT || json_str(value).len > 0;
        struct buf sees = {.arena = &telling->arena};
        describe(telling, value, &sees);
        buf_printf(telling->out, "  %-26s <- %-26s %s%s\n", "(key)", part->paths[0].name, buf_text(&sees),
                   good ? "" : ": FAULT: must be a text that is not empty, or a whole number");
    }
}

static const struct event_rule *tell_choice(struct telling *telling, const struct data *data)
{
    const struct rules *rules = telling->source->definition->rules;
    for (size_t i = 0; i < rules->event_count; i++) {
        const struct event_rule *rule = &rules->events[i];
        struct buf looks = {.arena = &telling->arena};
        bool fits = when_holds(rule->when, data);
        when_describe(rule->when, data, &looks);
        if (fits && rule->ignore)
            tell(telling, "event", "%zu fits, and says to ignore it", i + 1);
        else if (fits)
            tell(telling, "event", "%zu fits: %.*s", i + 1, (int)rule->type.len, rule->type.at);
        else
            tell(telling, "event", "%zu does not fit: %s", i + 1, buf_text(&looks));
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
    if (rule != NULL && !rule->ignore) {
        tell_key(telling, rule, data);
        tell_mapping(telling, rule->mapping, data, &piece->mapped);
    }
    if (piece != NULL)
        tell_piece(telling, piece);
}

/* Of a long batch the first rows are shown, and then what is wrong. */
static void tell_batch(struct telling *telling, struct data *data, const struct json *rows,
                       const struct verdict *verdict)
{
    const struct rules *rules = telling->source->definition->rules;
    size_t shown = 0;
    size_t next = 0;
    tell(telling, "rows", "%zu", json_count(rows));
    for (size_t i = 0; i < json_count(rows); i++) {
        data->row = json_at(rows, i);
        const struct event_rule *rule = rule_find(rules, data);
        bool kept = rule == NULL || !rule->ignore;
        const struct piece *piece = kept ? &verdict->pieces[next++] : NULL;
        bool faulty = piece != NULL && piece->faults.count > 0;
        if (shown >= (faulty ? 2 * ROWS_SHOWN : ROWS_SHOWN))
            continue;
        tell(telling, "row", "%zu", i);
        tell_row(telling, data, piece);
        shown++;
    }
    if (shown < json_count(rows))
        tell(telling, "", "(%zu more rows are not shown)", json_count(rows) - shown);
}

static void tell_rows(struct telling *telling, const struct json *payload, struct data *data,
                      const struct verdict *verdict)
{
    const struct rules *rules = telling->source->definition->rules;
    const struct json *rows =
        rules->each_count > 0 ? paths_follow(rules->each, rules->each_count, data) : payload;
    const struct piece *piece = verdict->count > 0 ? &verdict->pieces[0] : NULL;
    if (verdict->is_batch) {
        tell_batch(telling, data, rows, verdict);
        return;
    }
    if (rules->each_count > 0 && rows == NULL) {
        tell(telling, "rows", "nothing at %s, where the definition's \"each\" looks: FAULT",
             rules->each[0].name);
        tell_piece(telling, piece);
    } else if (rules->each_count > 0 && json_kind(rows) == JSON_ARR) {
        tell(telling, "rows", "%zu: FAULT", json_count(rows));
        tell_piece(telling, piece);
    } else {
        data->row = rows;
        tell_row(telling, data, piece);
    }
}

static void tell_payload(struct telling *telling, struct span body, struct span head,
                         const struct verdict *verdict)
{
    const struct definition *definition = telling->source->definition;
    struct json_fault fault;
    struct faults faults = {.arena = &telling->arena};
    struct json *request = head.len > 0 ? json_parse(head, &fault) : NULL;
    bool is_empty = body.len == 0;
    if (is_empty && definition->rules->allows_empty && !definition->form)
        body = SPAN("{}");
    struct json *payload =
        definition->form ? form_json(body, &telling->arena, &faults) : json_parse(body, &fault);
    struct data data = {payload, payload, request, definition->form};
    struct buf sees = {.arena = &telling->arena};
    describe(telling, payload, &sees);
    if (payload != NULL) {
        tell(telling, "payload", "%s", buf_text(&sees));
        tell_rows(telling, payload, &data, verdict);
    } else {
        tell(telling, "payload", "%s: FAULT",
             is_empty           ? "the body is empty"
             : definition->form ? "is no form"
                                : "is no JSON");
        tell_piece(telling, &verdict->pieces[0]);
    }
    json_free(payload);
    json_free(request);
}

/* The end. */

/* Says what the server answers; whether that is a yes. */
static bool end(struct telling *telling, int status, const char *what)
{
    if (telling->barred != 0)
        tell(telling, "verdict", "refused; answered %d (but for that: %s; answered %d)", telling->barred,
             what, status);
    else
        tell(telling, "verdict", "%s; answered %d", what, status);
    return telling->barred == 0 && status >= 200 && status <= 299;
}

static int status_of(const struct reply *reply, int otherwise)
{
    return reply->status != 0 ? reply->status : otherwise;
}

static size_t count_faulty(const struct verdict *verdict)
{
    size_t faulty = 0;
    for (size_t i = 0; i < verdict->count; i++)
        faulty += verdict->pieces[i].faults.count > 0;
    return faulty;
}

static bool end_kept(struct telling *telling, const struct verdict *verdict)
{
    const struct definition *definition = telling->source->definition;
    struct buf what = {.arena = &telling->arena};
    char id[EVENT_ID_TEXT];
    size_t faulty = count_faulty(verdict);
    if (verdict->is_batch) {
        buf_printf(&what, "a batch: %zu kept as events, %zu kept in quarantine, %zu ignored",
                   verdict->count - faulty, faulty, verdict->ignored);
        return end(telling, status_of(&definition->accepted, 200), buf_text(&what));
    }
    if (verdict->kind == VERDICT_IGNORED)
        return end(telling, status_of(&definition->ignored, 200), "good: ignored, and kept nowhere");
    event_id_write(id, &verdict->pieces[0].event.id);
    if (faulty == 0) {
        buf_printf(&what, "good: kept as the event %s", id);
        return end(telling, status_of(&definition->accepted, 200), buf_text(&what));
    }
    buf_printf(&what, "authentic, but not mappable: kept in quarantine as %s", id);
    return end(telling, status_of(&definition->quarantined, 400), buf_text(&what));
}

/* What a handshake asks for that is not so. */
static void tell_handshake(struct telling *telling, size_t index)
{
    const struct handshake *handshake = &telling->source->definition->rules->handshakes[index];
    struct buf looks = {.arena = &telling->arena};
    when_describe(handshake->when, NULL, &looks);
    tell(telling, "handshake",
         "%zu is none: it takes a %.*s, where %s, and a text for each word of its answer", index + 1,
         (int)handshake->method.len, handshake->method.at, buf_text(&looks));
}

static bool tell_authentic(struct telling *telling, const struct verdict *verdict)
{
    const struct request *request = telling->request;
    struct buf head = {.arena = &telling->arena};
    struct buf what = {.arena = &telling->arena};
    tell(telling, "signature", "good: made with the secret %s", verdict->proof.secret->name);
    if (verdict->kind == VERDICT_ANSWER) {
        buf_printf(&what, "good: a handshake, for which there are %zu bytes of %.*s",
                   verdict->answer.body.len, (int)verdict->answer.type.len, verdict->answer.type.at);
        return end(telling, verdict->answer.status, buf_text(&what));
    }
    for (size_t i = 0; i < telling->source->definition->rules->handshake_count; i++)
        tell_handshake(telling, i);
    head_write(telling->source->definition, request, &telling->arena, &head);
    tell_payload(telling, request->body, buf_span(&head), verdict);
    return end_kept(telling, verdict);
}

/* Only a POST is a webhook; anything else has to be one of the challenges that the definition knows. */
static bool tell_no_handshake(struct telling *telling, const struct verdict *verdict)
{
    const struct rules *rules = telling->source->definition->rules;
    tell(telling, "signature", "good: made with the secret %s", verdict->proof.secret->name);
    for (size_t i = 0; i < rules->handshake_count; i++)
        tell_handshake(telling, i);
    return end(telling, 401, "refused: no webhook, because it is no POST, and no handshake that is known");
}

bool explain_request(const struct explain_case *asked, struct buf *out)
{
    struct telling telling = {.out = out,
                              .asked = asked,
                              .source = asked->source,
                              .request = asked->request,
                              .show_values = asked->show_values};
    struct verdict verdict;
    bool good;
    tell_request(&telling);
    verdict_reach(asked->source, asked->request, &telling.arena, &verdict);
    if (verdict.kind != VERDICT_REFUSED) {
        good = tell_authentic(&telling, &verdict);
    } else if (verdict.proof.secret != NULL) {
        good = tell_no_handshake(&telling, &verdict);
    } else {
        tell_refusal(&telling, &verdict.proof);
        good = end(&telling, 401, "refused");
    }
    arena_free(&telling.arena);
    return good;
}

bool explain_kept(const struct source *source, struct span body, struct span head, int64_t received,
                  bool show_values, struct buf *out)
{
    struct telling telling = {.out = out, .source = source, .show_values = show_values};
    struct verdict verdict;
    tell(&telling, "request", "a body of %zu bytes that was proven authentic before", body.len);
    verdict_again(source, NULL, body, head, received, &telling.arena, &verdict);
    tell_payload(&telling, body, head, &verdict);
    bool good = count_faulty(&verdict) == 0;
    tell(&telling, "verdict",
         !good ? "still faulty: it stays in quarantine"
         : verdict.kind == VERDICT_IGNORED
             ? "good: it is ignored now"
             : "good, once the server has reloaded (SIGHUP): pickupd quarantine retry takes it");
    arena_free(&telling.arena);
    return good;
}

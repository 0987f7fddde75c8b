/* Loading and running examples. */
#include "model/example.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "load.h"
#include "model/verdict.h"

enum expect_kind { EXPECT_REFUSED, EXPECT_IGNORED, EXPECT_ANSWER, EXPECT_EVENTS };

struct example {
    int line;
    struct span name;
    struct span secret;
    struct source source; /* its settings; the secret comes later */
    struct request request;
    enum expect_kind expect;
    struct span answer;
    struct expected {
        struct span source, type; /* source: empty if it is not said */
        struct span detail;       /* JSON */
    } * events;
    size_t event_count;
    struct span *errors;
    size_t error_count;
};

/* A text as it is, anything else as JSON. */
static struct span text_or_json(struct node node)
{
    struct span text = json_str(node.json);
    if (node.json == NULL)
        return SPAN("");
    if (json_kind(node.json) == JSON_STR)
        return (struct span){arena_copy(node.load->arena, text), text.len};
    return node_json(node);
}

static char *setting(struct node settings, const char *key, const char *otherwise)
{
    struct node node = node_get(settings, key);
    struct span text = node.json != NULL ? node_text(node) : span_of(otherwise);
    return arena_copy(node.load->arena, text);
}

static void source_load(struct node node, struct span vendor, struct source *source)
{
    static const char *const known[] = {"timezone", "lab", "public_url", "id_prefix", "clinic_prefix", NULL};
    struct node zone = node_get(node, "timezone");
    if (node.json != NULL && node_is_object(node))
        node_only(node, known);
    *source = (struct source){
        .name = arena_copy(node.load->arena, vendor),
        .org = arena_copy(node.load->arena, SPAN("default")),
        .lab = setting(node, "lab", "LAB001"),
        .public_url = setting(node, "public_url", ""),
        .id_prefix = setting(node, "id_prefix", arena_copy(node.load->arena, vendor)),
        .clinic_prefix = setting(node, "clinic_prefix", ""),
    };
    if (zone.json != NULL && (source->zone = zone_find(node_text(zone))) == NULL)
        node_fault(zone, "is no time zone");
}

static size_t header_values(const struct json *value)
{
    return json_kind(value) == JSON_ARR ? json_count(value) : 1;
}

/* {"name": "value", "twice": ["a", "b"]} */
static void headers_load(struct node node, struct request *request)
{
    void *at = NULL;
    const char *name;
    const struct json *value;
    size_t room = 0;
    if (node.json == NULL || !node_is_object(node))
        return;
    while (json_next(node.json, &at, &name, &value))
        room += header_values(value);
    struct header *headers = arena_alloc(node.load->arena, (room + 1) * sizeof *headers);
    at = NULL;
    while (json_next(node.json, &at, &name, &value)) {
        struct node member = node_get(node, name);
        struct span copy = {arena_copy(node.load->arena, span_of(name)), strlen(name)};
        for (size_t i = 0; i < header_values(value); i++)
            headers[request->header_count++] =
                (struct header){copy, node_text(json_kind(value) == JSON_ARR ? node_at(member, i) : member)};
    }
    request->headers = headers;
}

static void request_load(struct node node, struct example *example)
{
    struct request *request = &example->request;
    struct buf path = {.arena = node.load->arena};
    struct node method = node_get(node, "method");
    struct node query = node_get(node, "query");
    buf_printf(&path, "/webhooks/ehr/%s", example->source.name);
    request->method = method.json != NULL ? node_text(method) : SPAN("POST");
    request->path = buf_span(&path);
    request->query = query.json != NULL ? node_text(query) : SPAN("");
    request->body = text_or_json(node_get(node, "body"));
    headers_load(node_get(node, "headers"), request);
    if (!time_parse(node_text(node_get(node, "at")), NULL, &request->received))
        node_fault(node_get(node, "at"), "must be a time such as 2026-01-31T00:00:00Z");
}

static void event_load(struct node node, struct expected *expected)
{
    static const char *const known[] = {"source", "type", "detail", NULL};
    struct node source = node_get(node, "source");
    if (!node_is_object(node))
        return;
    node_only(node, known);
    expected->source = source.json != NULL ? node_text(source) : SPAN("");
    expected->type = node_text(node_get(node, "type"));
    if (node_is_object(node_get(node, "detail")))
        expected->detail = node_json(node_get(node, "detail"));
}

static void expect_load(struct node node, struct example *example)
{
    static const char *const known[] = {"refused", "ignored", "answer", "events", "errors", NULL};
    struct node events = node_get(node, "events");
    if (!node_is_object(node))
        return;
    node_only(node, known);
    example->event_count = node_list(events);
    example->events = arena_alloc(node.load->arena, (example->event_count + 1) * sizeof *example->events);
    for (size_t i = 0; i < example->event_count; i++)
        event_load(node_at(events, i), &example->events[i]);
    example->error_count = node_texts(node_get(node, "errors"), &example->errors);
    example->answer = text_or_json(node_get(node, "answer"));
    bool refused = node_bool(node_get(node, "refused"), false);
    bool ignored = node_bool(node_get(node, "ignored"), false);
    bool answered = node_get(node, "answer").json != NULL;
    bool kept = example->event_count + example->error_count > 0;
    example->expect = refused    ? EXPECT_REFUSED
                      : ignored  ? EXPECT_IGNORED
                      : answered ? EXPECT_ANSWER
                                 : EXPECT_EVENTS;
    if (refused + ignored + answered + kept != 1)
        node_fault(node, "must be one of refused, ignored, answer, and events with errors");
}

/* It is printed, and a terminal may act on control characters. */
static struct span name_load(struct node node)
{
    struct span name = node_text(node);
    struct buf quoted = {.arena = node.load->arena};
    json_put_str(&quoted, name);
    if (name.len > 0 && memchr(buf_span(&quoted).at, '\\', quoted.len) != NULL)
        node_fault(node, "must have no control characters, quotes or backslashes");
    return name;
}

static void example_load(struct node node, struct span vendor, struct example *example)
{
    static const char *const known[] = {"name",  "at",      "secret", "source", "method",
                                        "query", "headers", "body",   "expect", NULL};
    if (!node_is_object(node))
        return;
    node_only(node, known);
    example->line = json_line(node.load->text, node.path);
    example->name = name_load(node_get(node, "name"));
    example->secret = node_text(node_get(node, "secret"));
    source_load(node_get(node, "source"), vendor, &example->source);
    request_load(node, example);
    expect_load(node_get(node, "expect"), example);
}

size_t examples_load(struct node node, struct span vendor, struct example **examples)
{
    size_t count = node_list(node);
    *examples = arena_alloc(node.load->arena, (count + 1) * sizeof **examples);
    for (size_t i = 0; i < count; i++)
        example_load(node_at(node, i), vendor, &(*examples)[i]);
    return count;
}

/* Running. */

struct running {
    const struct definition *definition;
    const struct example *example;
    struct faults *faults;
    struct verdict verdict;
};

static void fail(struct running *running, const char *what, struct span value)
{
    const struct example *example = running->example;
    faults_add(running->faults, "%s:%d: example \"%.*s\": %s%.*s", running->definition->file, example->line,
               (int)example->name.len, example->name.at, what, (int)value.len, value.at);
}

static bool same_json(struct span a, struct span b)
{
    struct json_fault fault;
    struct json *x = json_parse(a, &fault);
    struct json *y = json_parse(b, &fault);
    bool same = x != NULL && y != NULL && json_same(x, y);
    json_free(x);
    json_free(y);
    return same;
}

static void check_event(struct running *running, const struct expected *expected, const struct event *event)
{
    struct span detail = {event->detail, event->detail_len};
    if (!span_is(expected->type, event->type))
        fail(running, "became a ", event->type);
    else if (expected->source.len > 0 && !span_is(expected->source, event->source))
        fail(running, "has the source ", event->source);
    else if (!same_json(expected->detail, detail))
        fail(running, "became ", detail);
}

static void check_errors(struct running *running, size_t *errors, const struct faults *faults)
{
    const struct example *example = running->example;
    for (size_t i = 0; i < faults->count; i++) {
        struct span text = span_of(faults->texts[i]);
        if (*errors >= example->error_count || !span_is(example->errors[*errors], text))
            fail(running, "has the fault ", text);
        ++*errors;
    }
}

static void check_pieces(struct running *running)
{
    const struct verdict *verdict = &running->verdict;
    const struct example *example = running->example;
    size_t events = 0;
    size_t errors = 0;
    for (size_t i = 0; i < verdict->count; i++) {
        const struct piece *piece = &verdict->pieces[i];
        if (piece->faults.count > 0)
            check_errors(running, &errors, &piece->faults);
        else if (events++ < example->event_count)
            check_event(running, &example->events[events - 1], &piece->event);
    }
    if (events != example->event_count)
        fail(running, "became another number of events", SPAN(""));
    if (errors < example->error_count)
        fail(running, "lacks the fault ", example->errors[errors]);
}

static const char *const kinds[] = {
    [VERDICT_REFUSED] = "was refused: ",
    [VERDICT_ANSWER] = "was taken for a handshake",
    [VERDICT_IGNORED] = "was ignored",
    [VERDICT_KEEP] = "was kept",
};

static void fail_kind(struct running *running)
{
    const struct proof *proof = &running->verdict.proof;
    struct buf why CLEANUP(buf_free) = {0};
    if (running->verdict.kind == VERDICT_REFUSED)
        buf_printf(&why, "%.*s%s%s", (int)proof->where.len, proof->where.at, proof->where.len > 0 ? ": " : "",
                   proof->reason);
    fail(running, kinds[running->verdict.kind], buf_span(&why));
}

static void check(struct running *running)
{
    static const enum verdict_kind wanted[] = {
        [EXPECT_REFUSED] = VERDICT_REFUSED,
        [EXPECT_IGNORED] = VERDICT_IGNORED,
        [EXPECT_ANSWER] = VERDICT_ANSWER,
        [EXPECT_EVENTS] = VERDICT_KEEP,
    };
    const struct verdict *verdict = &running->verdict;
    const struct example *example = running->example;
    if (verdict->kind != wanted[example->expect])
        fail_kind(running);
    else if (verdict->kind == VERDICT_KEEP)
        check_pieces(running);
    else if (verdict->kind == VERDICT_ANSWER && !span_is(verdict->answer.body, example->answer) &&
             !same_json(verdict->answer.body, example->answer))
        fail(running, "was answered ", verdict->answer.body);
}

/* What the server refuses before it looks at the signature. */
static bool gets_through(struct running *running)
{
    const struct definition *definition = running->definition;
    const struct request *request = &running->example->request;
    struct span type = SPAN("");
    size_t types = request_header(request, SPAN("Content-Type"), &type);
    if (types > 1 || (types == 1 && !definition_takes(definition, type)))
        fail(running, "would be answered 415 for its Content-Type", SPAN(""));
    else if (definition->max_body > 0 && request->body.len > (size_t)definition->max_body)
        fail(running, "would be answered 413: it is longer than max_body", SPAN(""));
    else if (!span_is(request->method, SPAN("POST")) &&
             !(definition->takes_get && span_is(request->method, SPAN("GET"))))
        fail(running, "would be answered 405 for its method ", request->method);
    else
        return true;
    return false;
}

static void run(struct running *running)
{
    const struct example *example = running->example;
    if (!gets_through(running))
        return;
    struct arena arena CLEANUP(arena_free) = {0};
    struct secret secret = {.name = example->source.name, .not_before = INT64_MIN, .not_after = INT64_MAX};
    struct source source = example->source;
    const char *why;
    secret.key = scheme_key_new(running->definition->scheme, example->secret, &why);
    if (secret.key == NULL) {
        fail(running, "its secret ", span_of(why));
        return;
    }
    source.definition = running->definition;
    source.secrets = &secret;
    source.secret_count = 1;
    verdict_reach(&source, &example->request, &arena, &running->verdict);
    check(running);
    scheme_key_free(secret.key);
}

void examples_run(const struct definition *definition, struct faults *faults)
{
    for (size_t i = 0; i < definition->example_count; i++) {
        struct running running = {definition, &definition->examples[i], faults, {0}};
        run(&running);
    }
}

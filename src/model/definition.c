/* Loading a definition. */
#include "model/definition.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "load.h"
#include "rules.h"

/* What loading one part needs to know of the others. */
struct building {
    struct definition *definition;
    struct rules *rules;
};

static void max_body_load(struct node node, struct definition *definition)
{
    if (node.json == NULL)
        return;
    if (!num_parse_size(node_text(node), &definition->max_body) || definition->max_body < 1 ||
        definition->max_body > DEFINITION_BODY_MAX)
        node_fault(node, "must be a size of at most 16MiB");
}

static void media_types_load(struct node node, struct definition *definition)
{
    size_t count = node_list(node);
    definition->media_types = arena_alloc(node.load->arena, (count + 1) * sizeof *definition->media_types);
    for (size_t i = 0; i < count; i++) {
        struct span type = node_media_type(node_at(node, i));
        if (type.len > 0 && memchr(type.at, ';', type.len) != NULL)
            node_fault(node_at(node, i), "must have no parameters");
        definition->media_types[definition->media_type_count++] = type;
    }
}

static void request_load(struct node node, struct building *building)
{
    static const char *const known[] = {"body", "empty", "media_types", "max_body", NULL};
    static const char *const bodies[] = {"json", "form", NULL};
    struct definition *definition = building->definition;
    struct node body = node_get(node, "body");
    if (node.json == NULL || !node_is_object(node))
        return;
    node_only(node, known);
    definition->form = body.json != NULL && node_choice(body, bodies) == 1;
    building->rules->allows_empty = node_bool(node_get(node, "empty"), false);
    media_types_load(node_get(node, "media_types"), definition);
    max_body_load(node_get(node, "max_body"), definition);
}

/* One that could not be read has its fault already. */
static void check_key_path(struct node node, struct building *building, const struct path *path)
{
    struct span name = span_of(path->name);
    if (span_is(name, SPAN(".")) || span_is(name, SPAN("$")))
        node_fault(node, "leads to no text or number");
    else if (path->depth > 0 &&
             !scheme_covers(building->definition->scheme, path, building->rules->each_count > 0))
        node_fault(node, "is not signed: whoever has seen a webhook could send it again as another");
}

static void key_part_load(struct node node, struct building *building, struct key_part *part)
{
    part->count = paths_load(node, &part->paths);
    for (size_t i = 0; i < part->count; i++) {
        check_key_path(node, building, &part->paths[i]);
        part->as_text |= scheme_signs_as_text(building->definition->scheme, &part->paths[i],
                                              building->rules->each_count > 0);
    }
}

static void key_load(struct node node, struct building *building, struct event_rule *event)
{
    if (node.json == NULL) {
        if (building->rules->allows_empty)
            node_fault(node, "is missing: empty bodies are all alike");
        return;
    }
    if (json_kind(node.json) != JSON_ARR) {
        node_fault(node, "must be a list of paths");
        return;
    }
    event->key_count = node_list(node);
    event->key = arena_alloc(node.load->arena, (event->key_count + 1) * sizeof *event->key);
    for (size_t i = 0; i < event->key_count; i++)
        key_part_load(node_at(node, i), building, &event->key[i]);
}

static void event_load(struct node node, struct building *building, struct event_rule *event)
{
    static const char *const known[] = {"when", "ignore", "source", "type", "detail", "key", NULL};
    static const char *const known_ignored[] = {"when", "ignore", NULL};
    event->when = when_load(node_get(node, "when"));
    if (!node_is_object(node))
        return;
    event->ignore = node_bool(node_get(node, "ignore"), false);
    node_only(node, event->ignore ? known_ignored : known);
    if (event->ignore)
        return;
    event->source = node_text(node_get(node, "source"));
    event->type = node_text(node_get(node, "type"));
    event->mapping = mapping_load(node_get(node, "detail"));
    key_load(node_get(node, "key"), building, event);
    if (span_is(event->type, SPAN("PickupRequested")))
        mapping_require_pickup(node_get(node, "detail"), event->mapping);
}

/*
 * Whoever has seen a webhook can send it again under another header. That must not make a second event of it,
 * so where events are chosen by what is not signed, only the bytes may name it.
 */
static void check_choice(struct node node, struct building *building, const struct event_rule *event)
{
    const struct rules *rules = building->rules;
    bool covered = true;
    for (size_t i = 0; i < rules->event_count; i++)
        covered &=
            when_is_covered(rules->events[i].when, building->definition->scheme, rules->each_count > 0);
    if (!covered && event->key_count > 0)
        node_fault(node_get(node, "key"), "does not go with events that are chosen by what is not signed");
}

static void check_events(struct node list, struct building *building)
{
    const struct rules *rules = building->rules;
    for (size_t i = 0; i < rules->event_count; i++) {
        struct node node = json_kind(list.json) == JSON_ARR ? node_at(list, i) : list;
        check_choice(node, building, &rules->events[i]);
        if (i > 0 && json_kind(node.json) == JSON_OBJ && when_is_always(rules->events[i - 1].when))
            node_fault(node, "is never reached: the one before it always fits");
    }
}

static void events_load(struct node root, struct building *building)
{
    struct node one = node_get(root, "event");
    struct node several = node_get(root, "events");
    struct rules *rules = building->rules;
    if (one.json != NULL && several.json != NULL)
        node_fault(several, "event or events, not both");
    if (several.json == NULL) {
        rules->events = arena_alloc(root.load->arena, sizeof *rules->events);
        rules->event_count = 1;
        event_load(one, building, &rules->events[0]);
        check_events(one, building);
        return;
    }
    size_t count = node_list(several);
    rules->events = arena_alloc(root.load->arena, (count + 1) * sizeof *rules->events);
    for (size_t i = 0; i < count; i++)
        event_load(node_at(several, i), building, &rules->events[rules->event_count++]);
    check_events(several, building);
}

static void handshake_load(struct node node, struct building *building, struct handshake *handshake)
{
    static const char *const known[] = {"method", "when", "secret", "answer", NULL};
    static const char *const methods[] = {"POST", "GET", NULL};
    const struct scheme *scheme = building->definition->scheme;
    struct node method = node_get(node, "method");
    struct node secret = node_get(node, "secret");
    handshake->when = when_load(node_get(node, "when"));
    if (!node_is_object(node))
        return;
    node_only(node, known);
    bool is_get = method.json != NULL && node_choice(method, methods) == 1;
    building->definition->takes_get |= is_get;
    handshake->method = is_get ? SPAN("GET") : SPAN("POST");
    handshake->scheme = secret.json != NULL ? scheme_elsewhere(secret, scheme) : scheme;
    handshake->answer = reply_rule_load(node_get(node, "answer"), scheme);
    if (node_get(node, "when").json == NULL)
        node_fault(node_get(node, "when"), "is missing: a handshake without it would take every webhook");
}

static void handshakes_load(struct node node, struct building *building)
{
    size_t count = node_list(node);
    struct rules *rules = building->rules;
    rules->handshakes = arena_alloc(node.load->arena, (count + 1) * sizeof *rules->handshakes);
    for (size_t i = 0; i < count; i++)
        handshake_load(node_at(node, i), building, &rules->handshakes[rules->handshake_count++]);
}

static void answers_load(struct node node, struct definition *definition)
{
    static const char *const known[] = {"accepted", "ignored", "quarantined", NULL};
    if (node.json == NULL || !node_is_object(node))
        return;
    node_only(node, known);
    definition->accepted = reply_load(node_get(node, "accepted"), false);
    definition->ignored = reply_load(node_get(node, "ignored"), false);
    definition->quarantined = reply_load(node_get(node, "quarantined"), true);
}

static void each_load(struct node node, struct building *building)
{
    struct rules *rules = building->rules;
    if (node.json == NULL)
        return;
    rules->each_count = paths_load(node, &rules->each);
    for (size_t i = 0; i < rules->each_count; i++)
        if (rules->each[i].root == PATH_REQUEST)
            node_fault(node, "must lead into the payload");
    if (building->definition->form)
        node_fault(node, "a form has no lists");
}

/* It is part of a path, and said in metrics and logs. */
static struct span vendor_load(struct node node)
{
    struct span vendor = node_text(node);
    for (size_t i = 0; i < vendor.len; i++) {
        char c = vendor.at[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_' || c == '.';
        if (good)
            continue;
        node_fault(node, "must be letters, digits, '-', '_' and '.'");
        break;
    }
    return vendor;
}

/* So that whoever looks for a vendor's file finds it; a built-in definition has none. */
static void check_name(struct node node, struct span vendor)
{
    struct span name = span_of(node.load->file);
    struct span rest = name;
    while (rest.len > 0) {
        name = rest;
        span_cut(&rest, '/');
    }
    if (vendor.len == 0 || !span_ends_nocase(name, SPAN(".json")))
        return;
    name.len -= 5;
    if (!span_is(name, vendor))
        node_fault(node, "must be the file's name without .json");
}

static void root_load(struct node root, struct definition *definition)
{
    static const char *const keys[] = {"vendor",       "scheme",     "request", "each",     "event", "events",
                                       "confirmation", "handshakes", "answers", "examples", NULL};
    struct building building = {definition, arena_alloc(&definition->arena, sizeof(struct rules))};
    struct node confirmation = node_get(root, "confirmation");
    if (!node_is_object(root))
        return;
    node_only(root, keys);
    definition->vendor = vendor_load(node_get(root, "vendor"));
    check_name(node_get(root, "vendor"), definition->vendor);
    request_load(node_get(root, "request"), &building);
    definition->scheme = scheme_load(node_get(root, "scheme"), definition->form);
    each_load(node_get(root, "each"), &building);
    events_load(root, &building);
    if (confirmation.json != NULL)
        definition->confirmation = confirmation_load(confirmation);
    handshakes_load(node_get(root, "handshakes"), &building);
    answers_load(node_get(root, "answers"), definition);
    definition->example_count =
        examples_load(node_get(root, "examples"), definition->vendor, &definition->examples);
    building.rules->reads_head = root.load->reads_head;
    definition->rules = building.rules;
}

struct definition *definition_load(struct span text, const char *file, struct faults *faults)
{
    struct json_fault fault;
    struct faults own CLEANUP(faults_free) = {0}; /* of this file, whatever was noted before */
    struct json *json = json_parse(text, &fault);
    if (json == NULL) {
        faults_add(faults, "%s:%d: %s", file, fault.line, fault.what);
        return NULL;
    }
    struct definition *definition = mem_alloc(sizeof *definition);
    definition->file = arena_copy(&definition->arena, span_of(file));
    struct load load = {.arena = &definition->arena, .faults = &own, .file = file, .text = text};
    root_load((struct node){&load, json, SPAN("")}, definition);
    json_free(json);
    for (size_t i = 0; i < own.count; i++)
        faults_add(faults, "%s", own.texts[i]);
    if (own.count == 0)
        return definition;
    definition_free(definition);
    return NULL;
}

void definition_free(struct definition *definition)
{
    if (definition == NULL)
        return;
    arena_free(&definition->arena);
    free(definition);
}

static bool is_usual(const struct definition *definition, struct span type)
{
    if (definition->form)
        return span_is_nocase(type, SPAN("application/x-www-form-urlencoded"));
    return span_is_nocase(type, SPAN("application/json")) ||
           (span_starts_nocase(type, SPAN("application/")) && span_ends_nocase(type, SPAN("+json")));
}

bool definition_takes(const struct definition *definition, struct span media_type)
{
    struct span type = span_trim(span_cut(&media_type, ';'));
    for (size_t i = 0; i < definition->media_type_count; i++)
        if (span_is_nocase(type, definition->media_types[i]))
            return true;
    return is_usual(definition, type);
}

const char *definition_zoneless(const struct definition *definition)
{
    const struct rules *rules = definition->rules;
    for (size_t i = 0; i < rules->event_count; i++) {
        const char *path = rules->events[i].ignore ? NULL : mapping_zoneless(rules->events[i].mapping);
        if (path != NULL)
            return path;
    }
    return NULL;
}

/* Loading a definition. */
#include "model/definition.h"

#include <stdlib.h>

#include "load.h"

static void event_load(struct node event, struct definition *definition)
{
    static const char *const keys[] = {"source", "type", "detail", NULL};
    if (!node_is_object(event))
        return;
    node_only(event, keys);
    definition->source = node_text(node_get(event, "source"));
    definition->type = node_text(node_get(event, "type"));
    definition->mapping = mapping_load(node_get(event, "detail"));
    if (span_is(definition->type, SPAN("PickupRequested")))
        mapping_require_pickup(node_get(event, "detail"), definition->mapping);
}

static void root_load(struct node root, struct definition *definition)
{
    static const char *const keys[] = {"vendor", "about", "scheme", "event", "confirmation", NULL};
    if (!node_is_object(root))
        return;
    node_only(root, keys);
    definition->vendor = node_text(node_get(root, "vendor"));
    definition->scheme = scheme_load(node_get(root, "scheme"));
    event_load(node_get(root, "event"), definition);
    definition->confirmation = confirmation_load(node_get(root, "confirmation"));
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
    struct load load = {&definition->arena, &own, file};
    root_load((struct node){&load, json, ""}, definition);
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

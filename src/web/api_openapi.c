/* GET /v1/openapi.json, made of the tables that the API itself runs on; and GET /v1/whoami. */
#include "api.h"

#include <stdio.h>
#include <string.h>

#include "model/cloudevent.h"
#include "model/sse.h"

/* A row of include/tbl/media.h. */
static const struct {
    const char *operation, *type, *schema;
} media[] = {
#define MEDIA(operation, type, schema) {#operation, type, schema},
#include "tbl/media.h"
};

void api_whoami(struct ask *ask)
{
    struct buf out = {.arena = ask_arena(ask)};
    json_open(&out, '{');
    json_add_str(&out, "name", span_of(ask->token->name));
    json_add_str(&out, "role", span_of(token_role_text(ask->token->role)));
    json_add_str(&out, "org", ask_org(ask));
    json_close(&out, '}');
    ask_answer(ask, 200, buf_span(&out));
}

static void put_parameter(struct buf *out, const char *in, struct span name, const struct shape_field *field)
{
    bool in_path = strcmp(in, "path") == 0;
    json_open(out, '{');
    json_add_str(out, "name", name);
    json_add_str(out, "in", span_of(in));
    json_add_raw(out, "required", in_path ? SPAN("true") : SPAN("false"));
    json_add_str(out, "description", span_of(field->help));
    json_key(out, SPAN("schema"));
    struct shape_field bare = *field;
    bare.help = NULL;
    bare.required = true; /* it is never null */
    shape_field_schema(&bare, out);
    json_close(out, '}');
}

static const struct shape_field last_event = {
    "Last-Event-ID", .type = SHAPE_WHOLE, .least = 0, .most = INT64_MAX,
    .help = "The id of the last event that was seen; the stream goes on behind it."};

static void put_parameters(struct buf *out, const struct api *api)
{
    static const struct shape_field name = {"name", SHAPE_TEXT,   true,
                                            1,      API_NAME_MAX, .help = "A name or an id."};
    struct span rest = span_of(api->path);
    json_key(out, SPAN("parameters"));
    json_open(out, '[');
    while (rest.len > 0) {
        struct span part = span_cut(&rest, '/');
        if (span_starts(part, SPAN("{")))
            put_parameter(out, "path", (struct span){part.at + 1, part.len - 2}, &name);
    }
    for (size_t i = 0; i < api_param_count; i++)
        if (strcmp(api_params[i].operation, api->name) == 0)
            put_parameter(out, "query", span_of(api_params[i].field.name), &api_params[i].field);
    if (strcmp(api->name, "stream") == 0)
        put_parameter(out, "header", span_of(last_event.name), &last_event);
    json_close(out, ']');
}

static void put_form(struct buf *out, const char *type, struct span schema)
{
    json_key(out, span_of(type));
    json_open(out, '{');
    json_add_raw(out, "schema", schema);
    json_close(out, '}');
}

/* In the form of the shape, unless that is none, and in all further forms of the operation, unless it is
 * NULL. */
static void put_content(struct buf *out, const char *type, const struct shape *shape, const char *operation)
{
    struct buf schema CLEANUP(buf_free) = {0};
    buf_printf(&schema, "{\"$ref\":\"#/components/schemas/%s\"}", shape->name);
    json_key(out, SPAN("content"));
    json_open(out, '{');
    if (shape != &shape_none)
        put_form(out, type, buf_span(&schema));
    for (size_t i = 0; operation != NULL && i < sizeof media / sizeof media[0]; i++)
        if (strcmp(media[i].operation, operation) == 0)
            put_form(out, media[i].type, span_of(media[i].schema));
    json_close(out, '}');
}

static bool has_media(const char *operation)
{
    for (size_t i = 0; operation != NULL && i < sizeof media / sizeof media[0]; i++)
        if (strcmp(media[i].operation, operation) == 0)
            return true;
    return false;
}

static void put_answer(struct buf *out, struct span status, const struct shape *shape, const char *type,
                       const char *operation)
{
    json_key(out, status);
    json_open(out, '{');
    json_add_str(out, "description", span_of(shape->help));
    if (shape != &shape_none || has_media(operation))
        put_content(out, type, shape, operation);
    json_close(out, '}');
}

static void put_problem(struct buf *out, struct span status)
{
    put_answer(out, status, &shape_problem, "application/problem+json", NULL);
}

/* The statuses above 299 of a row are problems; the others look like its own. */
static void put_others(struct buf *out, const struct api *api)
{
    struct span rest = span_of(api->others);
    while (rest.len > 0) {
        struct span status = span_cut(&rest, ' ');
        if (*status.at == '2')
            put_answer(out, status, api->out, api->type, api->name);
        else
            put_problem(out, status);
    }
}

static void put_answers(struct buf *out, const struct api *api)
{
    char status[8];
    snprintf(status, sizeof status, "%d", api->status);
    json_key(out, SPAN("responses"));
    json_open(out, '{');
    put_answer(out, span_of(status), api->out, api->type, api->name);
    put_others(out, api);
    put_problem(out, SPAN("400"));
    put_problem(out, SPAN("401"));
    put_problem(out, SPAN("403"));
    put_problem(out, SPAN("413"));
    if (api->in != &shape_none)
        put_problem(out, SPAN("415"));
    put_problem(out, SPAN("500"));
    put_problem(out, SPAN("503"));
    json_close(out, '}');
}

static void put_operation(struct buf *out, const struct api *api)
{
    struct buf method CLEANUP(buf_free) = {0};
    for (const char *at = api->method; *at != '\0'; at++)
        buf_add_char(&method, (char)(*at | 0x20));
    json_key(out, buf_span(&method));
    json_open(out, '{');
    json_add_str(out, "operationId", span_of(api->name));
    json_add_str(out, "summary", span_of(api->summary));
    put_parameters(out, api);
    if (api->in != &shape_none) {
        json_key(out, SPAN("requestBody"));
        json_open(out, '{');
        put_content(out, "application/json", api->in, NULL);
        json_close(out, '}');
    }
    put_answers(out, api);
    json_close(out, '}');
}

/* All operations of a path under one key, at its first row. */
static void put_paths(struct buf *out)
{
    for (size_t i = 0; i < api_count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i; k++)
            is_first = is_first && strcmp(apis[k].path, apis[i].path) != 0;
        if (!is_first)
            continue;
        json_key(out, span_of(apis[i].path));
        json_open(out, '{');
        for (size_t k = i; k < api_count; k++)
            if (strcmp(apis[k].path, apis[i].path) == 0)
                put_operation(out, &apis[k]);
        json_close(out, '}');
    }
}

/* The probes need no token, and are described by hand. */
#define PROBE_ANSWER                                                                                         \
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Probe\"}}}"
static const struct span probes = SPAN(
    "\"/healthz\":{\"get\":{\"operationId\":\"healthz\",\"summary\":\"Whether the process answers.\","
    "\"security\":[],\"responses\":{\"200\":{\"description\":\"It does.\"," PROBE_ANSWER "}}}},"
    "\"/readyz\":{\"get\":{\"operationId\":\"readyz\",\"summary\":\"Whether a row can be written and "
    "synced.\","
    "\"security\":[],\"responses\":{\"200\":{\"description\":\"It can.\"," PROBE_ANSWER
    "},\"503\":{\"description\":\"Not "
    "now.\","
    "\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}}},"
    "\"/metrics\":{\"get\":{\"operationId\":\"metrics\",\"summary\":\"Counters, in Prometheus' text "
    "format.\","
    "\"security\":[],\"responses\":{\"200\":{\"description\":\"Them.\",\"content\":{\"text/plain\":"
    "{\"schema\":{\"type\":\"string\"}}}}}}}");

void api_openapi(struct ask *ask)
{
    struct buf out = {.arena = ask_arena(ask)};
    json_open(&out, '{');
    json_add_str(&out, "openapi", SPAN("3.1.0"));
    json_add_raw(&out, "info", SPAN("{\"title\":\"pickupd\",\"version\":\"" PICKUPD_VERSION "\"}"));
    json_add_raw(&out, "security", SPAN("[{\"token\":[]}]"));
    json_key(&out, SPAN("paths"));
    json_open(&out, '{');
    json_put_raw(&out, probes);
    put_paths(&out);
    json_close(&out, '}');
    json_key(&out, SPAN("components"));
    json_open(&out, '{');
    json_add_raw(&out, "securitySchemes", SPAN("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    json_key(&out, SPAN("schemas"));
    json_open(&out, '{');
    for (size_t i = 0; i < shape_count; i++) {
        if (shapes[i] == &shape_none)
            continue;
        json_key(&out, span_of(shapes[i]->name));
        shape_schema(shapes[i], &out);
    }
    json_close(&out, '}');
    json_close(&out, '}');
    json_close(&out, '}');
    ask_answer(ask, 200, buf_span(&out));
}

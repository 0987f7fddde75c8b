/* From a request to its operation: path, method, token, role, query, body, in this order. */
#include "api.h"

#include <string.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/time.h"

#define READERS (TOKEN_READ | TOKEN_WORK | TOKEN_ADMIN)
#define WORKERS (TOKEN_WORK | TOKEN_ADMIN)
#define ADMINS  TOKEN_ADMIN
#define PUBLISH (TOKEN_PUBLISH | TOKEN_ADMIN)
#define ANYBODY (READERS | TOKEN_PUBLISH)

const struct api apis[] = {
#define API(name, method, path, role, audit, in, status, out, others, summary)                               \
    {#name,  #method,      path,   role,    AUDIT_##audit, &shape_##in,                                      \
     status, &shape_##out, others, summary, api_##name,    "application/json"},
#include "tbl/api.h"
};

const size_t api_count = sizeof apis / sizeof apis[0];

const struct api_param api_params[] = {
#define PARAM(operation, name, type, least, most, words, help)                                               \
    {#operation, {#name, SHAPE_##type, false, least, most, words, NULL, NULL, help}},
#include "tbl/param.h"
};

const size_t api_param_count = sizeof api_params / sizeof api_params[0];

/* Path and query. */

/* Turns %XX into bytes; false for what is malformed, too long, empty, or no text. */
static bool decode(struct arena *arena, struct span text, struct span *out)
{
    struct buf buf = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        if (byte == '%') {
            if (text.len - i < 3 || !hex_read((struct span){text.at + i + 1, 2}, &byte, 1) || byte == 0)
                return false;
            i += 2;
        }
        buf_add_char(&buf, (char)byte);
    }
    *out = buf_span(&buf);
    return out->len > 0 && out->len <= API_NAME_MAX && json_is_utf8(*out);
}

/* Whether a path is of a template, part by part; the parts in braces go to `names` as they were sent. */
static bool matches(const struct api *api, struct span path, struct span names[API_NAMES])
{
    struct span want = span_of(api->path), got = path;
    size_t count = 0;
    while (want.len > 0 && got.len > 0) {
        struct span part = span_cut(&want, '/'), other = span_cut(&got, '/');
        if (span_starts(part, SPAN("{")) && other.len > 0)
            names[count++] = other;
        else if (!span_is(part, other))
            return false;
    }
    return path.at[path.len - 1] != '/' && want.len == 0 && got.len == 0;
}

/* A plain part goes before one in braces, as dead/retry does before dead/{id}. */
static const struct api *find(struct ask *ask, struct span path, struct span method, struct buf *allowed)
{
    const struct api *found = NULL;
    bool is_head = span_is(method, SPAN("HEAD"));
    for (size_t i = 0; i < api_count; i++) {
        struct span names[API_NAMES] = {0};
        if (!matches(&apis[i], path, names))
            continue;
        buf_printf(allowed, "%s%s%s", allowed->len > 0 ? ", " : "", apis[i].method,
                   strcmp(apis[i].method, "GET") == 0 ? ", HEAD" : "");
        if (found != NULL || !span_is(is_head ? SPAN("GET") : method, span_of(apis[i].method)))
            continue;
        found = &apis[i];
        memcpy(ask->names, names, sizeof names);
    }
    return found;
}

static bool decode_names(struct ask *ask)
{
    for (size_t i = 0; i < API_NAMES; i++)
        if (ask->names[i].at != NULL && !decode(ask_arena(ask), ask->names[i], &ask->names[i]))
            return false;
    return true;
}

/* Which parameter of the operation bears that name: its place among those of the operation. */
static const struct shape_field *find_param(const struct api *api, struct span name, size_t *place)
{
    *place = 0;
    for (size_t i = 0; i < api_param_count; i++) {
        if (strcmp(api_params[i].operation, api->name) != 0)
            continue;
        if (span_is(span_of(api_params[i].field.name), name))
            return &api_params[i].field;
        ++*place;
    }
    return NULL;
}

static void read_param(struct ask *ask, struct span pair, struct faults *faults)
{
    size_t place;
    struct span value = pair;
    struct span name = span_cut(&value, '=');
    const struct shape_field *field = find_param(ask->api, name, &place);
    if (field == NULL)
        faults_add(faults, "Unknown parameter");
    else if (ask->params[place].at != NULL)
        faults_add(faults, "Repeated %s", field->name);
    else if (!decode(ask_arena(ask), value, &ask->params[place]) ||
             !shape_check_text(field, ask->params[place]))
        faults_add(faults, "Invalid %s", field->name);
}

static void read_params(struct ask *ask, struct faults *faults)
{
    struct span rest = ask->exchange.call->request.query;
    while (rest.len > 0)
        read_param(ask, span_cut(&rest, '&'), faults);
}

/* Body. */

static bool is_json(struct span type)
{
    struct span media = span_trim(span_cut(&type, ';'));
    return span_is_nocase(media, SPAN("application/json")) || span_ends_nocase(media, SPAN("+json"));
}

static enum err check_type(const struct request *request)
{
    struct span value = SPAN("");
    size_t types = request_header(request, SPAN("Content-Type"), &value);
    if (types > 1 || (types == 1 && !is_json(value)))
        return ERR_MEDIA_TYPE;
    return request_header(request, SPAN("Content-Encoding"), &value) == 0 ? ERR_OK : ERR_MEDIA_TYPE;
}

/* A body may be left out where none of its fields is needed. */
static void read_body(struct ask *ask, struct faults *faults)
{
    struct json_fault fault;
    struct span body = ask->exchange.call->request.body;
    const struct shape *shape = ask->api->in;
    if (shape == &shape_none) {
        if (body.len > 0)
            faults_add(faults, "Takes no body");
        return;
    }
    ask->body = json_parse(body.len > 0 ? body : SPAN("{}"), &fault);
    if (ask->body == NULL)
        faults_add(faults, "%s", fault.what);
    else if (shape != &shape_any && shape->schema == NULL)
        shape_check(shape, ask->body, faults);
}

/* Who asks. */

/* The configuration may be loaded anew before the request is answered. */
static const struct token *keep_token(struct arena *arena, const struct token *token)
{
    struct token *copy = arena_alloc(arena, sizeof *copy);
    *copy = *token;
    copy->name = arena_copy(arena, span_of(token->name));
    copy->org = arena_copy(arena, span_of(token->org));
    copy->sources = arena_copy(arena, span_of(token->sources));
    return copy;
}

static const struct token *find_token(struct ask *ask)
{
    struct span authorization;
    const struct tokens *tokens = &ask->exchange.face->sources->tokens;
    if (request_header(&ask->exchange.call->request, SPAN("Authorization"), &authorization) != 1)
        return NULL;
    const struct token *token = tokens_find(tokens, authorization);
    return token != NULL ? keep_token(ask_arena(ask), token) : NULL;
}

static void refuse_token(struct ask *ask)
{
    struct header challenge = {SPAN("WWW-Authenticate"), SPAN("Bearer")};
    bool has_any = ask->exchange.face->sources->tokens.count > 0;
    web_refuse_with(&ask->exchange, ERR_NO_TOKEN,
                    has_any ? "The request needs a known token: Authorization: Bearer TOKEN"
                            : "No token is configured: set api_token_env, api_token_file or [token NAME]",
                    NULL, &challenge);
}

static enum err check(struct ask *ask, struct faults *faults)
{
    const struct request *request = &ask->exchange.call->request;
    if (http_stopping(ask->exchange.call))
        return ERR_BUSY;
    if (request->body.len > API_BODY_MAX)
        return ERR_TOO_LARGE;
    if (ask->api->in != &shape_none)
        TRY(check_type(request));
    if (!decode_names(ask))
        faults_add(faults, "Invalid path");
    read_params(ask, faults);
    read_body(ask, faults);
    return faults->count == 0 ? ERR_OK : ERR_BAD_REQUEST;
}

static void run(struct ask *ask)
{
    struct faults faults = {.arena = ask_arena(ask)};
    enum err err = check(ask, &faults);
    if (err == ERR_OK)
        ask->api->handle(ask);
    else if (faults.count > 0)
        ask_refuse_faults(ask, err, &faults);
    else
        ask_refuse(ask, err,
                   err == ERR_MEDIA_TYPE ? "Content-Type must be application/json, without any coding"
                                         : NULL);
}

static void refuse_role(struct ask *ask, enum err err)
{
    bool is_audited = err == ERR_OK;
    ask_refuse(ask, is_audited ? ERR_ROLE : err, is_audited ? "The token's role does not allow this" : NULL);
}

/* Of who tries what he may not, the path and the rest are anything. */
static void run_as_told(struct ask *ask)
{
    note_who(ask);
    if ((ask->api->roles & ask->token->role) != 0) {
        run(ask);
        return;
    }
    ask->entry.status = err_status(ERR_ROLE);
    ask_audit(ask, refuse_role);
}

void api_handle(const struct exchange *exchange)
{
    struct arena *arena = &exchange->call->arena;
    struct ask *ask = arena_alloc(arena, sizeof *ask);
    struct buf allowed = {.arena = arena};
    ask->exchange = *exchange;
    ask->api = find(ask, exchange->call->request.path, exchange->call->request.method, &allowed);
    ask->token = find_token(ask);
    if (ask->token != NULL)
        http_trust(exchange->call);
    if (ask->api != NULL)
        exchange->call->subject.operation = ask->api->name;
    if (allowed.len == 0)
        ask_refuse(ask, ERR_NOT_FOUND, NULL);
    else if (ask->api == NULL)
        web_refuse_method(&ask->exchange, buf_text(&allowed));
    else if (ask->token == NULL)
        refuse_token(ask);
    else
        run_as_told(ask);
}

bool ask_is_known(struct ask *ask)
{
    const struct token *token = find_token(ask);
    return token != NULL && (token->role & ask->api->roles) != 0 &&
           span_is(ask_org(ask), span_of(token->org));
}

void ask_refuse_token(struct ask *ask)
{
    json_free(ask->body);
    refuse_token(ask);
}

/* For the operations. */

struct span ask_param(const struct ask *ask, const char *name)
{
    size_t place;
    return find_param(ask->api, span_of(name), &place) != NULL ? ask->params[place] : (struct span){0};
}

struct span ask_text(const struct ask *ask, const char *name)
{
    struct span text = ask_param(ask, name);
    return text.at != NULL ? text : SPAN("");
}

int64_t ask_param_int(const struct ask *ask, const char *name, int64_t otherwise)
{
    int64_t number;
    return num_parse(ask_param(ask, name), &number) ? number : otherwise;
}

int64_t ask_int(const struct ask *ask, const char *name, int64_t otherwise)
{
    const struct json *value = json_get(ask->body, name);
    return json_kind(value) == JSON_INT ? json_int(value) : otherwise;
}

struct ask *ask_of(struct store_job *job)
{
    return (struct ask *)((char *)job - offsetof(struct ask, write));
}

static void on_written(struct store_job *job)
{
    struct ask *ask = ask_of(job);
    ask->finish(ask, job->err);
}

static void put_job(struct ask *ask, const struct store_job *job, void (*finish)(struct ask *, enum err))
{
    struct writer *writer = ask->exchange.face->writer;
    ask->finish = finish;
    ask->write = *job;
    ask->write.loop = ask->exchange.call->loop;
    ask->write.done = on_written;
    enum err err = job->webhook ? writer_admits(writer, job->bytes) : ERR_OK;
    if (err == ERR_OK)
        err = writer_put(writer, &ask->write);
    if (err != ERR_OK)
        finish(ask, err);
}

/* What it changes and what is told of it are kept together, or neither. */
static enum err call_noted(struct store *store, struct store_job *job)
{
    struct ask *ask = ask_of(job);
    note_begin(ask);
    TRY(ask->call(store, job));
    note_end(ask);
    return ERR_OK;
}

static void put_write(struct ask *ask, store_call *call, void (*finish)(struct ask *ask, enum err err),
                      bool grows)
{
    struct store_job job = {.kind = STORE_CALL,
                            .call = call_noted,
                            .webhook = grows,
                            .bytes = grows ? ask->exchange.call->request.body.len : 0,
                            .audit = ask->api->audit != AUDIT_NEITHER ? &ask->entry : NULL};
    ask->call = call;
    put_job(ask, &job, finish);
}

void ask_audit(struct ask *ask, void (*finish)(struct ask *ask, enum err err))
{
    put_job(ask, &(struct store_job){.kind = STORE_FENCE, .webhook = true, .audit = &ask->entry}, finish);
}

void ask_write(struct ask *ask, store_call *call, void (*finish)(struct ask *ask, enum err err))
{
    put_write(ask, call, finish, false);
}

void ask_grow(struct ask *ask, store_call *call, void (*finish)(struct ask *ask, enum err err))
{
    put_write(ask, call, finish, true);
}

static struct ask *ask_of_read(struct reader_job *job)
{
    return (struct ask *)((char *)job - offsetof(struct ask, read));
}

static void run_read(struct view *view, struct reader_job *job)
{
    struct ask *ask = ask_of_read(job);
    note_begin(ask);
    ask->err = ask->run(view, ask);
    note_end(ask);
}

static void on_read(struct reader_job *job)
{
    struct ask *ask = ask_of_read(job);
    enum err err = job->skipped ? ERR_BUSY : ask->err;
    if (err == ERR_OK && ask->api->audit != AUDIT_NEITHER)
        ask_audit(ask, ask->finish);
    else
        ask->finish(ask, err);
}

void ask_read(struct ask *ask, enum err (*read)(struct view *view, struct ask *ask),
              void (*finish)(struct ask *ask, enum err err))
{
    ask->run = read;
    ask->finish = finish;
    ask->read = (struct reader_job){.run = run_read, .done = on_read, .loop = ask->exchange.call->loop};
    enum err err = reader_put(ask->exchange.face->reader, &ask->read);
    if (err != ERR_OK)
        ask_refuse(ask, err, NULL);
}

void ask_answer(struct ask *ask, int status, struct span json)
{
    ask_answer_as(ask, status, "application/json", json);
}

void ask_answer_as(struct ask *ask, int status, const char *type, struct span body)
{
    struct header header = {SPAN("Content-Type"), span_of(type)};
    json_free(ask->body);
    http_answer(ask->exchange.call, status, &header, status == 204 ? 0 : 1, body);
}

void ask_refuse(struct ask *ask, enum err err, const char *detail)
{
    json_free(ask->body);
    web_refuse_with(&ask->exchange, err, detail, NULL, NULL);
}

void ask_refuse_faults(struct ask *ask, enum err err, const struct faults *faults)
{
    json_free(ask->body);
    web_refuse_with(&ask->exchange, err, NULL, faults, NULL);
}

bool ask_is_good(struct ask *ask, enum err err)
{
    if (err != ERR_OK)
        ask_refuse(ask, err, err == ERR_NOT_FOUND ? "Nothing of that name is there" : NULL);
    return err == ERR_OK;
}

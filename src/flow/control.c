/* Both ends of the control socket. */
#include "flow/control.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "control_parts.h"
#include "flow/caller.h"
#include "flow/clinics.h"
#include "flow/reseal.h"
#include "model/clinic.h"
#include "model/config.h"

static void say_row(void *arg, const char *id, const char *result, const struct faults *faults)
{
    struct buf line CLEANUP(buf_free) = {0};
    json_open(&line, '{');
    json_add_str(&line, "id", span_of(id));
    json_add_str(&line, "result", span_of(result));
    json_key(&line, SPAN("errors"));
    json_open(&line, '[');
    for (size_t i = 0; faults != NULL && i < faults->count; i++)
        json_put_str(&line, span_of(faults->texts[i]));
    json_close(&line, ']');
    json_close(&line, '}');
    line_say(arg, buf_span(&line));
}

static void say_failed(void *arg, size_t failed)
{
    struct buf line CLEANUP(buf_free) = {0};
    json_open(&line, '{');
    json_add_int(&line, "failed", (int64_t)failed);
    json_close(&line, '}');
    line_say(arg, buf_span(&line));
    line_end(arg);
}

static bool read_scope(const struct json *request, struct retry_scope *scope)
{
    scope->all = json_bool(json_get(request, "all"));
    scope->source = json_str(json_get(request, "source"));
    return scope->all || event_id_read(json_str(json_get(request, "id")), &scope->id);
}

/* A clinic on its way to the disk. */
struct putting {
    struct clinic_putting clinic; /* first */
    struct caller caller;
    struct arena arena;
    struct line_call *call;
    struct flows *flows;
};

static void on_put(struct store_job *job)
{
    struct putting *putting = (struct putting *)job;
    char *id CLEANUP(mem_drop) = mem_copy(putting->clinic.row.id);
    say_row(putting->call, id, clinic_putting_result(&putting->clinic), NULL);
    say_failed(putting->call, job->err != ERR_OK);
    if (putting->clinic.revived > 0 && putting->flows != NULL)
        flows_wake(putting->flows);
    arena_free(&putting->arena);
    free(putting);
}

/* Whatever command asks, of this version or another, nothing is kept that this one would not take. */
static bool may_keep(struct line_call *call, struct span org, const struct json *json, struct span document)
{
    struct clinic clinic;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!config_is_org(org))
        faults_add(&faults, "Invalid org");
    else if (clinic_check(json, document, &clinic, &faults))
        return true;
    say_row(call, json_str(json_get(json, "clinicId")).at, "rejected", &faults);
    say_failed(call, 1);
    return false;
}

static void put_clinic(struct control *control, struct line_call *call, const struct json *request)
{
    struct putting *putting = mem_alloc(sizeof *putting);
    struct buf document = {.arena = &putting->arena};
    const struct json *clinic = json_get(request, "clinic");
    struct span org = json_str(json_get(request, "org")), id = json_str(json_get(clinic, "clinicId"));
    json_put(&document, clinic);
    if (!may_keep(call, org, clinic, buf_span(&document))) {
        arena_free(&putting->arena);
        free(putting);
        return;
    }
    clinic_putting_begin(&putting->clinic, &(struct clinic_row){{arena_copy(&putting->arena, org), org.len},
                                                                {arena_copy(&putting->arena, id), id.len},
                                                                buf_span(&document),
                                                                time_now()});
    caller_of(&putting->caller, call, "clinics import");
    putting->caller.entry.org = putting->clinic.row.org;
    putting->caller.entry.what = caller_id(&putting->arena, putting->clinic.row.id);
    putting->clinic.job.audit = &putting->caller.entry;
    putting->clinic.job.loop = control->loop;
    putting->clinic.job.done = on_put;
    putting->call = call;
    putting->flows = control->flows;
    enum err err = writer_put(control->writer, &putting->clinic.job);
    if (err == ERR_OK)
        return; /* it is the writer's now, and so is what became of it */
    putting->clinic.job.err = err;
    on_put(&putting->clinic.job);
}

static void clear_limits(struct control *control, struct line_call *call, const struct json *request)
{
    (void)request;
    control->clear_limits(control->clear_arg);
    say_failed(call, 0);
}

static void say_error(struct line_call *call, const char *error)
{
    struct buf line CLEANUP(buf_free) = {0};
    json_open(&line, '{');
    json_add_str(&line, "error", span_of(error));
    json_close(&line, '}');
    line_say(call, buf_span(&line));
    line_end(call);
}

void control_say_unknown(struct line_call *call)
{
    say_error(call, "unknown command");
}

/* Whoever has quarantine retried. */
struct retrying {
    struct caller caller;
    struct line_call *call;
};

static void say_retried(void *arg, const char *id, const char *result, const struct faults *faults)
{
    say_row(((struct retrying *)arg)->call, id, result, faults);
}

static void end_retry(void *arg, size_t failed)
{
    struct retrying *retrying = arg;
    say_failed(retrying->call, failed);
    free(retrying);
}

static void retry(struct control *control, struct line_call *call, const struct json *request)
{
    struct retry_scope scope = {0};
    if (!read_scope(request, &scope)) {
        control_say_unknown(call);
        return;
    }
    struct retrying *retrying = mem_alloc(sizeof *retrying);
    caller_of(&retrying->caller, call, "quarantine retry");
    retrying->call = call;
    retry_start(&control->sources, control->view, control->writer, control->loop, &scope,
                &retrying->caller.entry, say_retried, end_retry, retrying);
}

/* A look, which the command takes by itself once this is answered. */
static void end_look(struct control *control, struct line_call *call, const struct json *request)
{
    (void)control, (void)request;
    say_failed(call, 0);
}

/* What the audit calls it: on disk before it is done. NULL: each of its changes is told with the change; "":
 * as the request says. */
static const struct command {
    const char *name;
    void (*handle)(struct control *control, struct line_call *call, const struct json *request);
    const char *action;
} commands[] = {
    {"audit", end_look, ""},
    {"clinic-put", put_clinic, NULL},
    {"consumer", consumers_handle, NULL},
    {"limits-clear", clear_limits, "limits clear"},
    {"quarantine-retry", retry, NULL},
    {"reseal", reseal_handle, "reseal"},
    {"status", control_tell_status, NULL},
};

/* A command that waits for its row of the audit. */
struct telling {
    struct store_job job; /* first: it comes back from the writer */
    struct caller caller;
    struct arena arena;
    struct control *control;
    struct line_call *call;
    const struct command *command;
    struct json *request;
};

static void on_told(struct store_job *job)
{
    struct telling *telling = (struct telling *)job;
    if (job->err == ERR_OK)
        telling->command->handle(telling->control, telling->call, telling->request);
    else
        say_error(telling->call, err_text(job->err));
    json_free(telling->request);
    arena_free(&telling->arena);
    free(telling);
}

/* The commands that look by themselves; NULL for any other. */
static const char *find_look(const struct json *request)
{
    static const char *const looks[] = {"events list", "events show", "quarantine show", "consumers dead",
                                        "explain",     "backup",      "restore"};
    struct span action = json_str(json_get(request, "action"));
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (span_is(action, span_of(looks[i])) && json_kind(json_get(request, "what")) == JSON_OBJ)
            return looks[i];
    return NULL;
}

/* Takes the request over. */
static void tell_first(struct control *control, struct line_call *call, const struct command *command,
                       struct json *request)
{
    bool is_own = *command->action != '\0';
    const char *action = is_own ? command->action : find_look(request);
    if (action == NULL) {
        control_say_unknown(call);
        json_free(request);
        return;
    }
    struct telling *telling = mem_alloc(sizeof *telling);
    struct buf what = {.arena = &telling->arena};
    *telling = (struct telling){.control = control, .call = call, .command = command, .request = request};
    caller_of(&telling->caller, call, action);
    if (!is_own) {
        json_put(&what, json_get(request, "what"));
        telling->caller.entry.org = json_str(json_get(request, "org"));
        telling->caller.entry.what = buf_span(&what);
    }
    telling->job = (struct store_job){.kind = STORE_FENCE,
                                      .webhook = !is_own, /* it goes without, as looks through the API do */
                                      .audit = &telling->caller.entry,
                                      .loop = control->loop,
                                      .done = on_told};
    enum err err = is_own ? ERR_OK : writer_admits(control->writer, 0);
    if (err == ERR_OK)
        err = writer_put(control->writer, &telling->job);
    if (err == ERR_OK)
        return; /* it is the writer's now, and so is what became of it */
    telling->job.err = err;
    on_told(&telling->job);
}

void control_handle(struct line_call *call, struct span request, void *arg)
{
    struct json_fault fault;
    struct json *json = json_parse(request, &fault);
    struct span name = json_str(json_get(json, "command"));
    size_t i = 0;
    while (i < sizeof commands / sizeof commands[0] && !span_is(name, span_of(commands[i].name)))
        i++;
    if (i == sizeof commands / sizeof commands[0]) {
        control_say_unknown(call);
    } else if (commands[i].action != NULL) {
        tell_first(arg, call, &commands[i], json);
        return;
    } else {
        commands[i].handle(arg, call, json);
    }
    json_free(json);
}

/* The client's end. */
struct asking {
    retry_row_fn *row;
    void *arg;
    size_t failed;
    enum err outcome; /* ERR_INTERNAL, unless something was done; ERR_OK at the end */
};

static void on_line(void *arg, struct span line)
{
    struct asking *asking = arg;
    struct json_fault fault;
    struct json *json = json_parse(line, &fault);
    struct faults faults = {0};
    const struct json *errors = json_get(json, "errors");
    if (json_get(json, "failed") != NULL) {
        asking->outcome = ERR_OK;
        asking->failed = (size_t)json_int(json_get(json, "failed"));
    } else if (json_get(json, "id") != NULL) {
        for (size_t i = 0; i < json_count(errors); i++)
            faults_add(&faults, "%s", json_str(json_at(errors, i)).at);
        asking->outcome = ERR_BUSY;
        asking->row(asking->arg, json_str(json_get(json, "id")).at, json_str(json_get(json, "result")).at,
                    &faults);
    }
    faults_free(&faults);
    json_free(json);
}

enum err control_retry(const char *path, const struct retry_scope *scope, retry_row_fn *row, void *arg,
                       size_t *failed)
{
    struct buf request CLEANUP(buf_free) = {0};
    struct asking asking = {row, arg, 0, ERR_INTERNAL};
    char id[EVENT_ID_TEXT];
    event_id_write(id, &scope->id);
    json_open(&request, '{');
    json_add_str(&request, "command", SPAN("quarantine-retry"));
    json_add_raw(&request, "all", scope->all ? SPAN("true") : SPAN("false"));
    json_add_str(&request, "id", span_of(id));
    json_add_str(&request, "source", scope->source);
    json_close(&request, '}');
    TRY(line_ask(path, buf_span(&request), on_line, &asking));
    *failed = asking.failed;
    return asking.outcome;
}

static void ignore_row(void *arg, const char *id, const char *result, const struct faults *faults)
{
    (void)arg, (void)id, (void)result, (void)faults;
}

enum err control_clear_limits(const char *path)
{
    struct asking asking = {.row = ignore_row, .outcome = ERR_INTERNAL};
    TRY(line_ask(path, SPAN("{\"command\":\"limits-clear\"}"), on_line, &asking));
    return asking.outcome;
}

enum err control_put_clinic(const char *path, const struct clinic_row *clinic, retry_row_fn *row, void *arg)
{
    struct buf request CLEANUP(buf_free) = {0};
    struct asking asking = {row, arg, 0, ERR_INTERNAL};
    json_open(&request, '{');
    json_add_str(&request, "command", SPAN("clinic-put"));
    json_add_str(&request, "org", clinic->org);
    json_add_raw(&request, "clinic", clinic->document);
    json_close(&request, '}');
    TRY(line_ask(path, buf_span(&request), on_line, &asking));
    return asking.outcome;
}

enum err control_audit(const char *path, struct span action, struct span org, struct span what)
{
    struct buf request CLEANUP(buf_free) = {0};
    struct asking asking = {.row = ignore_row, .outcome = ERR_INTERNAL};
    json_open(&request, '{');
    json_add_str(&request, "command", SPAN("audit"));
    json_add_str(&request, "action", action);
    json_add_str(&request, "org", org);
    json_add_raw(&request, "what", what);
    json_close(&request, '}');
    TRY(line_ask(path, buf_span(&request), on_line, &asking));
    return asking.outcome;
}

/* Both ends of the control socket. */
#include "flow/control.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "flow/clinics.h"

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
    if (!span_is(json_str(json_get(request, "command")), SPAN("quarantine-retry")))
        return false;
    scope->all = json_bool(json_get(request, "all"));
    scope->source = json_str(json_get(request, "source"));
    return scope->all || event_id_read(json_str(json_get(request, "id")), &scope->id);
}

/* A clinic on its way to the disk. */
struct putting {
    struct clinic_putting clinic; /* first */
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

static void put_clinic(struct control *control, struct line_call *call, const struct json *request)
{
    struct putting *putting = mem_alloc(sizeof *putting);
    struct buf document = {.arena = &putting->arena};
    const struct json *clinic = json_get(request, "clinic");
    struct span org = json_str(json_get(request, "org")), id = json_str(json_get(clinic, "clinicId"));
    json_put(&document, clinic);
    clinic_putting_begin(&putting->clinic, &(struct clinic_row){{arena_copy(&putting->arena, org), org.len},
                                                                {arena_copy(&putting->arena, id), id.len},
                                                                buf_span(&document),
                                                                time_now()});
    putting->clinic.job.loop = control->loop;
    putting->clinic.job.done = on_put;
    putting->call = call;
    putting->flows = control->flows;
    putting->clinic.job.err = writer_put(control->writer, &putting->clinic.job);
    if (putting->clinic.job.err != ERR_OK)
        on_put(&putting->clinic.job);
}

void control_handle(struct line_call *call, struct span request, void *arg)
{
    struct control *control = arg;
    struct json_fault fault;
    struct retry_scope scope = {0};
    struct json *json = json_parse(request, &fault);
    if (span_is(json_str(json_get(json, "command")), SPAN("limits-clear"))) {
        control->clear_limits(control->clear_arg);
        say_failed(call, 0);
    } else if (span_is(json_str(json_get(json, "command")), SPAN("clinic-put"))) {
        put_clinic(control, call, json);
    } else if (read_scope(json, &scope)) {
        retry_start(&control->sources, control->view, control->writer, control->loop, &scope, say_row,
                    say_failed, call);
    } else {
        line_say(call, SPAN("{\"error\":\"unknown command\"}"));
        line_end(call);
    }
    json_free(json);
}

/* The client's end. */
struct asking {
    retry_row_fn *row;
    void *arg;
    size_t failed;
    bool ended;
};

static void on_line(void *arg, struct span line)
{
    struct asking *asking = arg;
    struct json_fault fault;
    struct json *json = json_parse(line, &fault);
    struct faults faults = {0};
    const struct json *errors = json_get(json, "errors");
    if (json_get(json, "failed") != NULL) {
        asking->ended = true;
        asking->failed = (size_t)json_int(json_get(json, "failed"));
    } else if (json_get(json, "id") != NULL) {
        for (size_t i = 0; i < json_count(errors); i++)
            faults_add(&faults, "%s", json_str(json_at(errors, i)).at);
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
    struct asking asking = {row, arg, 0, false};
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
    return asking.ended ? ERR_OK : ERR_INTERNAL;
}

static void ignore_row(void *arg, const char *id, const char *result, const struct faults *faults)
{
    (void)arg, (void)id, (void)result, (void)faults;
}

enum err control_clear_limits(const char *path)
{
    struct asking asking = {.row = ignore_row};
    TRY(line_ask(path, SPAN("{\"command\":\"limits-clear\"}"), on_line, &asking));
    return asking.ended ? ERR_OK : ERR_INTERNAL;
}

enum err control_put_clinic(const char *path, const struct clinic_row *clinic, retry_row_fn *row, void *arg)
{
    struct buf request CLEANUP(buf_free) = {0};
    struct asking asking = {row, arg, 0, false};
    json_open(&request, '{');
    json_add_str(&request, "command", SPAN("clinic-put"));
    json_add_str(&request, "org", clinic->org);
    json_add_raw(&request, "clinic", clinic->document);
    json_close(&request, '}');
    TRY(line_ask(path, buf_span(&request), on_line, &asking));
    return asking.ended ? ERR_OK : ERR_INTERNAL;
}

/* One step with the writer at a time. */
#include "flow/reseal.h"

#include <stdlib.h>

#include "base/log.h"

struct reseal {
    struct store_job job; /* first: it comes back from the writer */
    struct writer *writer;
    reseal_done_fn *done;
    void *arg;
    struct arena arena, next_arena; /* of the two places */
    struct reseal_place place, next;
    enum err written_anew;
};

bool reseal_is_good(const struct reseal_report *report)
{
    return report->err == ERR_OK && report->damaged == 0 &&
           (!report->was_remnants || report->written_anew == ERR_OK);
}

static void end(struct reseal *reseal, enum err err)
{
    struct reseal_report report = {.err = err,
                                   .key = span_of(reseal->place.key),
                                   .sealed = reseal->place.sealed,
                                   .clear = reseal->place.clear,
                                   .damaged = reseal->place.damaged,
                                   .was_remnants = reseal->place.remnants,
                                   .written_anew = reseal->written_anew};
    if (err != ERR_NOT_FOUND)
        log_event(reseal_is_good(&report) ? LOG_INFO : LOG_ERROR, "resealed",
                  LOG_STR("key", reseal->place.key), LOG_NUM("values", report.sealed),
                  LOG_NUM("clear", report.clear), LOG_NUM("damaged", report.damaged),
                  LOG_STR("reason", err_text(err)));
    reseal->done(reseal->arg, &report);
    arena_free(&reseal->arena);
    arena_free(&reseal->next_arena);
    free(reseal);
}

static void put(struct reseal *reseal)
{
    enum err err = writer_put(reseal->writer, &reseal->job);
    if (err != ERR_OK)
        end(reseal, err);
}

/* May be run again, and then begins where it did before. */
static enum err call_step(struct store *store, struct store_job *job)
{
    struct reseal *reseal = (struct reseal *)job;
    arena_free(&reseal->next_arena);
    TRY(reseal_step(store, &reseal->next_arena, &reseal->place, &reseal->next));
    if (reseal->next.done && reseal->next.remnants)
        store_compact(store);
    return ERR_OK;
}

/* The store has been tended since. */
static enum err call_end(struct store *store, struct store_job *job)
{
    struct reseal *reseal = (struct reseal *)job;
    reseal->written_anew = store_compacted(store);
    return reseal->written_anew == ERR_OK ? reseal_end(store) : ERR_OK;
}

static void on_ended(struct store_job *job)
{
    end((struct reseal *)job, job->err);
}

static void on_stepped(struct store_job *job)
{
    struct reseal *reseal = (struct reseal *)job;
    if (job->err != ERR_OK) {
        end(reseal, job->err);
        return;
    }
    struct arena before = reseal->arena;
    reseal->arena = reseal->next_arena;
    reseal->next_arena = before;
    reseal->place = reseal->next;
    if (reseal->place.done && !reseal->place.remnants) {
        end(reseal, ERR_OK);
        return;
    }
    if (reseal->place.done) {
        job->call = call_end;
        job->done = on_ended;
    }
    put(reseal);
}

void reseal_start(struct writer *writer, struct loop *loop, reseal_done_fn *done, void *arg)
{
    struct reseal *reseal = mem_alloc(sizeof *reseal);
    *reseal = (struct reseal){
        .job = {.kind = STORE_CALL, .call = call_step, .loop = loop, .done = on_stepped},
        .writer = writer,
        .done = done,
        .arg = arg,
    };
    put(reseal);
}

/* Through the control socket. */

static void say_report(void *arg, const struct reseal_report *report)
{
    struct buf line CLEANUP(buf_free) = {0};
    json_open(&line, '{');
    json_add_int(&line, "err", (int64_t)report->err);
    json_add_str(&line, "key", report->key);
    json_add_int(&line, "sealed", report->sealed);
    json_add_int(&line, "clear", report->clear);
    json_add_int(&line, "damaged", report->damaged);
    json_add_raw(&line, "remnants", report->was_remnants ? SPAN("true") : SPAN("false"));
    json_add_int(&line, "writtenAnew", (int64_t)report->written_anew);
    json_close(&line, '}');
    line_say(arg, buf_span(&line));
    line_end(arg);
}

void reseal_handle(struct control *control, struct line_call *call, const struct json *request)
{
    (void)request;
    reseal_start(control->writer, control->loop, say_report, call);
}

struct asking {
    reseal_done_fn *done;
    void *arg;
    bool ended;
};

static void on_line(void *arg, struct span line)
{
    struct asking *asking = arg;
    struct json_fault fault;
    struct json *json = json_parse(line, &fault);
    struct reseal_report report = {
        .err = (enum err)json_int(json_get(json, "err")),
        .key = json_str(json_get(json, "key")),
        .sealed = json_int(json_get(json, "sealed")),
        .clear = json_int(json_get(json, "clear")),
        .damaged = json_int(json_get(json, "damaged")),
        .was_remnants = json_bool(json_get(json, "remnants")),
        .written_anew = (enum err)json_int(json_get(json, "writtenAnew")),
    };
    if (json_get(json, "sealed") != NULL && !asking->ended) {
        asking->ended = true;
        asking->done(asking->arg, &report);
    }
    json_free(json);
}

enum err control_reseal(const char *path, reseal_done_fn *done, void *arg)
{
    struct asking asking = {done, arg, false};
    TRY(line_ask(path, SPAN("{\"command\":\"reseal\"}"), on_line, &asking));
    return asking.ended ? ERR_OK : ERR_INTERNAL;
}

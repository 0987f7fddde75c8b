/* GET /v1/stream: where it begins, what it lets through, and what is told of it. */
#include <stdlib.h>

#include "api.h"
#include "base/log.h"
#include "base/num.h"
#include "filter.h"
#include "model/sse.h"
#include "web/streams.h"

/* A reader that was cut off says what it saw last; an id that is no seq was never ours. */
static bool find_position(const struct ask *ask, int64_t *position)
{
    struct span last;
    *position = ask_param_int(ask, "after", SSE_NOW);
    size_t count = request_header(&ask->exchange.call->request, SPAN("Last-Event-ID"), &last);
    return count == 0 || (count == 1 && num_parse(last, position) && *position >= 0);
}

/* The end of a stream, on its way to the audit: what it is told of is gone by then. */
struct parting {
    struct store_job job; /* first: it comes back from the writer */
    struct audit_entry entry;
    const char *request; /* its id */
    struct arena arena;
};

static void on_told(struct store_job *job)
{
    struct parting *parting = (struct parting *)job;
    if (job->err != ERR_OK)
        log_event_limited(LOG_ERROR, "what a stream has given could not be audited",
                          LOG_STR("request", parting->request), LOG_STR("reason", err_text(job->err)));
    arena_free(&parting->arena);
    free(parting);
}

static struct span keep(struct arena *arena, struct span text)
{
    return (struct span){arena_copy(arena, text), text.len};
}

static struct span what_of(struct arena *arena, const struct stream_given *given)
{
    struct buf what = {.arena = arena};
    json_open(&what, '{');
    json_add_int(&what, "count", given->count);
    json_add_int(&what, "first", given->first);
    json_add_int(&what, "last", given->last);
    json_close(&what, '}');
    return buf_span(&what);
}

static void tell(const struct ask *ask, const struct stream_given *given)
{
    struct parting *parting = mem_alloc(sizeof *parting);
    struct arena *arena = &parting->arena;
    parting->entry = (struct audit_entry){.who = keep(arena, ask->entry.who),
                                          .org = keep(arena, ask->entry.org),
                                          .via = keep(arena, ask->entry.via),
                                          .action = SPAN("stream_end"),
                                          .what = what_of(arena, given),
                                          .status = ask->entry.status};
    parting->request = arena_copy(arena, span_of(ask->exchange.call->request.id));
    parting->job = (struct store_job){
        .kind = STORE_FENCE, .audit = &parting->entry, .loop = ask->exchange.call->loop, .done = on_told};
    enum err err = writer_put(ask->exchange.face->writer, &parting->job);
    if (err == ERR_OK)
        return; /* it is the writer's now, and so is what became of it */
    parting->job.err = err;
    on_told(&parting->job);
}

static void on_ended(void *arg, const struct stream_given *given, enum err err)
{
    struct ask *ask = arg;
    if (given->count > 0)
        tell(ask, given);
    if (err != ERR_OK)
        ask_refuse(ask, err, NULL);
}

/* The token may have gone while its row was on the way to the disk. */
static void begin(struct ask *ask, enum err err)
{
    int64_t position;
    struct http_call *call = ask->exchange.call;
    bool is_found = find_position(ask, &position);
    if (!ask_is_good(ask, err))
        return;
    if (!ask_is_known(ask))
        ask_refuse_token(ask);
    else if (span_is(call->request.method, SPAN("HEAD")))
        ask_answer_as(ask, 200, SSE_TYPE, SPAN(""));
    else if (!is_found || streams_add(ask->exchange.face->streams, call, filter_of(ask, ask_arena(ask)),
                                      position, on_ended, ask) != ERR_OK)
        ask_refuse(ask, ERR_BUSY, "There are too many streams");
}

void api_stream(struct ask *ask)
{
    int64_t position;
    struct faults faults = {.arena = ask_arena(ask)};
    if (find_position(ask, &position)) {
        note_begin(ask);
        note_end(ask);
        ask_audit(ask, begin);
        return;
    }
    faults_add(&faults, "Invalid Last-Event-ID");
    ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
}

/* GET /v1/stream: where it begins, and what it lets through. */
#include "api.h"
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

void api_stream(struct ask *ask)
{
    int64_t position;
    struct http_call *call = ask->exchange.call;
    struct faults faults = {.arena = ask_arena(ask)};
    if (!find_position(ask, &position)) {
        faults_add(&faults, "Invalid Last-Event-ID");
        ask_refuse_faults(ask, ERR_BAD_REQUEST, &faults);
    } else if (span_is(call->request.method, SPAN("HEAD"))) {
        ask_answer_as(ask, 200, SSE_TYPE, SPAN(""));
    } else if (streams_add(ask->exchange.face->streams, call, filter_of(ask, ask_arena(ask)), position) !=
               ERR_OK) {
        ask_refuse(ask, ERR_BUSY, "There are too many streams");
    }
}

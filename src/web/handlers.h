/* The handlers of the routes, and how all of them answer. */
#ifndef PICKUPD_WEB_HANDLERS_H
#define PICKUPD_WEB_HANDLERS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/faults.h"
#include "model/definition.h"
#include "web/face.h"

#define RETRY_AFTER 5 /* seconds; most of what answers 503 is over by then */

struct exchange {
    struct http_call *call;
    const struct face *face;
    struct span name;            /* what the path goes on with */
    const struct source *source; /* of a webhook's path */
    int64_t retry_after;         /* seconds; 0: the usual */
    enum err because;            /* what the log says instead of the refusal's own text */
    int64_t since; /* us of time_monotonic when a webhook was whole; 0: its time is not counted */
};

#define ROUTE(face, path, methods, handler) void web_##handler(struct exchange *exchange);
#include "tbl/route.h"

/* Answers with JSON. */
void web_answer(struct exchange *exchange, int status, struct span json);

/* Answers in the words of a definition. */
void web_reply(struct exchange *exchange, const struct reply *reply);

/* Answers with the text of an error, and what its status asks for beside it. */
void web_refuse(struct exchange *exchange, enum err err);

/* The same with a text, with faults, and with a header; each may be NULL. */
void web_refuse_with(struct exchange *exchange, enum err err, const char *detail, const struct faults *faults,
                     const struct header *further);

/* The same for a method the route does not have. */
void web_refuse_method(struct exchange *exchange, const char *allowed);

#endif

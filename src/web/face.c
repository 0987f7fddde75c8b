/* From a request's path and method to its handler. */
#include "web/face.h"

#include "api.h"
#include "model/definition.h"
#include "model/tally.h"

_Static_assert(RETRY_AFTER == 5, "as below");

#define NO_ROOM(type, length, body)                                                                          \
    SPAN("HTTP/1.1 503 Service Unavailable\r\n"                                                              \
         "Content-Type: application/" type "\r\n"                                                            \
         "Retry-After: 5\r\n"                                                                                \
         "Connection: close\r\n"                                                                             \
         "Content-Length: " length "\r\n"                                                                    \
         "\r\n" body)

struct span face_no_room(enum face_kind face)
{
    static const struct span answers[] = {
        [FACE_PUBLIC] = NO_ROOM("json", "31", "{\"error\":\"Service unavailable\"}"),
        [FACE_PRIVATE] =
            NO_ROOM("problem+json", "65",
                    "{\"type\":\"about:blank\",\"title\":\"Service unavailable\",\"status\":503}"),
    };
    return answers[face];
}

struct route {
    enum face_kind face;
    struct span path;
    const char *methods, *name;
    void (*handle)(struct exchange *exchange);
};

static const struct route routes[] = {
#define ROUTE(face, path, methods, handler)                                                                  \
    {FACE_##face, {"" path, sizeof(path) - 1}, methods, #handler, web_##handler},
#include "tbl/route.h"
};

static bool goes_on(const struct route *route)
{
    return route->path.at[route->path.len - 1] == '/';
}

static const struct route *find(enum face_kind face, struct span path, struct span *name)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct route *route = &routes[i];
        if (route->face != face)
            continue;
        *name = (struct span){path.at + route->path.len, path.len - route->path.len};
        if (goes_on(route) ? span_starts(path, route->path) : span_is(path, route->path))
            return route;
    }
    return NULL;
}

/* A source takes GET only where its definition has a handshake for it. */
static const char *methods_of(const struct route *route, const struct source *source)
{
    return source != NULL && !source->definition->takes_get ? "POST" : route->methods;
}

static bool allows(const char *methods, struct span method)
{
    struct span rest = span_of(methods);
    while (rest.len > 0)
        if (span_is(span_trim(span_cut(&rest, ',')), method))
            return true;
    return false;
}

static void count(const struct exchange *exchange, enum refusal refusal)
{
    if (exchange->source != NULL)
        tally_refuse(exchange->source, refusal);
}

void face_handle(struct http_call *call, void *arg)
{
    struct exchange exchange = {.call = call, .face = arg};
    if (exchange.face->kind == FACE_PRIVATE && !call->malformed &&
        span_starts(call->request.path, SPAN("/v1/"))) {
        api_handle(&exchange);
        return;
    }
    const struct route *route = find(exchange.face->kind, call->request.path, &exchange.name);
    const char *methods = NULL;
    if (route != NULL && goes_on(route))
        exchange.source = sources_find(exchange.face->sources, exchange.name);
    if (exchange.source != NULL)
        call->subject.source = exchange.source->name;
    if (route != NULL)
        call->subject.operation = route->name;
    if (route != NULL)
        methods = methods_of(route, exchange.source);
    if (call->malformed) {
        count(&exchange, REFUSAL_FRAMING);
        web_refuse(&exchange, ERR_BAD_REQUEST);
    } else if (route == NULL)
        web_refuse(&exchange, ERR_NOT_FOUND);
    else if (goes_on(route) && exchange.source == NULL) {
        watch_unknown(exchange.face->watch);
        web_refuse(&exchange, ERR_UNKNOWN_SOURCE);
    } else if (!allows(methods, call->request.method)) {
        count(&exchange, REFUSAL_METHOD);
        web_refuse_method(&exchange, methods);
    } else
        route->handle(&exchange);
}

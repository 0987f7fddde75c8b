/* A line with trusted networks, a line with the peer's address, and the headers in which proxies name it. */
#include "web/client.h"

#include "fuzz.h"

static bool is_same(struct network_host a, struct network_host b)
{
    return a.kind == b.kind && memcmp(a.ip, b.ip, sizeof a.ip) == 0;
}

/* What a stranger writes in front of what our proxies wrote must not change who the client is. */
static void check_forged(const struct request *request, const struct networks *trusted, struct arena *arena,
                         struct network_host client)
{
    static const char *const inventions[] = {"203.0.113.9, ", "\"junk, ", "for=\"203.0.113.9, ", "\\, "};
    struct header headers[FUZZ_HEADERS_MAX + 1];
    struct request forged = *request;
    memcpy(headers + 1, request->headers, request->header_count * sizeof *headers);
    for (size_t i = 0; i < sizeof inventions / sizeof inventions[0]; i++) {
        struct buf value = {.arena = arena};
        buf_add(&value, span_of(inventions[i]));
        headers[0] = (struct header){headers[1].name, buf_span(&value)}; /* in a header of its own */
        forged.headers = headers;
        forged.header_count = request->header_count + 1;
        HOLDS(is_same(client_find(&forged, trusted), client));
        buf_add(&value, request->headers[0].value);
        headers[1].value = buf_span(&value); /* in the first one */
        forged.headers = headers + 1;
        forged.header_count = request->header_count;
        HOLDS(is_same(client_find(&forged, trusted), client));
        headers[1] = request->headers[0];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct span text = fuzz_span(data, size);
    struct span list = span_cut(&text, '\n');
    struct span peer = span_cut(&text, '\n');
    struct header headers[FUZZ_HEADERS_MAX];
    struct request request = fuzz_request(text, headers);
    struct networks trusted, nobody = {0};
    HOLDS(networks_parse(&arena, list, &trusted) || trusted.count == 0);
    HOLDS(network_host_parse(peer, &request.peer) || request.peer.kind == NETWORK_NONE);
    if (span_is(peer, SPAN("unix")))
        request.peer.kind = NETWORK_UNIX;
    HOLDS(!networks_hold(&nobody, &request.peer));
    HOLDS(is_same(client_find(&request, &nobody), request.peer));
    struct network_host client = client_find(&request, &trusted);
    if (!networks_hold(&trusted, &request.peer))
        HOLDS(is_same(client, request.peer));
    else if (client.kind != NETWORK_NONE && !networks_hold(&trusted, &client))
        check_forged(&request, &trusted, &arena, client);
    return 0;
}

/*
 * The headers of proxies are read from the right, where our own proxy has written, and no further than to the
 * first address that nobody vouches for. They are cut at commas and semicolons without regard to quotes: an
 * open quote on the left, where strangers write, must not change what stands on the right. A quoted text that
 * holds such a character is therefore refused, as is all else that is not well formed.
 */
#include "web/client.h"

#include <string.h>

#include "base/num.h"

#define PORT_DIGITS 5

static bool is_port(struct span text)
{
    int64_t port;
    return text.len <= PORT_DIGITS && !span_starts(text, SPAN("-")) && num_parse(text, &port) &&
           port <= 65535;
}

/* A.B.C.D or [V6], and a port behind it if need be. */
static bool read_node(struct span text, struct network_host *host)
{
    bool bracketed = span_starts(text, SPAN("["));
    struct span rest = text;
    struct span ip = span_cut(&rest, bracketed ? ']' : ':');
    bool has_port = ip.len < text.len;
    if (bracketed) {
        if (ip.len == text.len || memchr(ip.at, ':', ip.len) == NULL)
            return false;
        span_skip(&ip, 1);
        has_port = rest.len > 0;
        if (has_port && *rest.at != ':')
            return false;
        span_skip(&rest, has_port);
    }
    return network_host_parse(ip, host) && (!has_port || is_port(rest));
}

/* An element of X-Forwarded-For; an IPv6 address needs no brackets there. */
static bool read_plain(struct span element, struct network_host *host)
{
    return network_host_parse(element, host) || read_node(element, host);
}

/* Takes the quotes away, if there are any; there is nothing to unescape in an address. */
static bool read_value(struct span *value)
{
    if (!span_starts(*value, SPAN("\"")))
        return request_is_name(*value); /* HTTP's tokens are made of the same characters */
    if (value->len < 2 || value->at[value->len - 1] != '"')
        return false;
    *value = (struct span){value->at + 1, value->len - 2};
    return value->len == 0 ||
           (memchr(value->at, '"', value->len) == NULL && memchr(value->at, '\\', value->len) == NULL);
}

/* An element of Forwarded (RFC 7239): pairs of a name and a value, of which one is for=. */
static bool read_forwarded(struct span element, struct network_host *host)
{
    size_t found = 0;
    while (element.len > 0) {
        struct span value = span_trim(span_cut(&element, ';'));
        struct span name = span_cut(&value, '=');
        if (!request_is_name(name) || !read_value(&value))
            return false;
        if (span_is_nocase(name, SPAN("for")) && (found++ > 0 || !read_node(value, host)))
            return false;
    }
    return found == 1;
}

/* The part behind the last comma, which it takes away; *more tells whether there was one. */
static struct span cut_last(struct span *rest, bool *more)
{
    size_t start = rest->len;
    while (start > 0 && rest->at[start - 1] != ',')
        start--;
    struct span last = {rest->at + start, rest->len - start};
    *more = start > 0;
    rest->len = *more ? start - 1 : 0;
    return span_trim(last);
}

/* Goes from the last element of the last of these headers towards the first. */
static struct network_host walk(const struct request *request, const struct networks *trusted,
                                struct span name,
                                bool (*read)(struct span element, struct network_host *host))
{
    struct network_host client = {0};
    for (size_t i = request->header_count; i-- > 0;) {
        struct span rest = request->headers[i].value;
        bool more = span_is_nocase(request->headers[i].name, name);
        while (more) {
            if (!read(cut_last(&rest, &more), &client))
                return (struct network_host){0};
            if (!networks_hold(trusted, &client))
                return client;
        }
    }
    return client;
}

struct network_host client_find(const struct request *request, const struct networks *trusted)
{
    struct span value;
    struct span plain = SPAN("X-Forwarded-For");
    if (!networks_hold(trusted, &request->peer))
        return request->peer;
    if (request_header(request, plain, &value) > 0)
        return walk(request, trusted, plain, read_plain);
    return walk(request, trusted, SPAN("Forwarded"), read_forwarded);
}

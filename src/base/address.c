/* Reading addresses. */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/num.h"

static bool copy(char *to, size_t room, struct span from)
{
    if (from.len == 0 || from.len >= room)
        return false;
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
    return true;
}

static bool parse_port(struct span text, int *port)
{
    int64_t number;
    if (!num_parse(text, &number) || number < 0 || number > 65535)
        return false;
    *port = (int)number;
    return true;
}

static bool parse_host(struct span host, struct address *address)
{
    struct in6_addr any; /* room for either family */
    bool bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    address->kind = bracketed ? ADDRESS_V6 : ADDRESS_V4;
    if (bracketed)
        host = (struct span){host.at + 1, host.len - 2};
    if (span_is(host, SPAN("localhost")))
        host = SPAN("127.0.0.1");
    return copy(address->host, sizeof address->host, host) &&
           inet_pton(bracketed ? AF_INET6 : AF_INET, address->host, &any) == 1;
}

bool address_parse(struct span text, struct address *address)
{
    *address = (struct address){0};
    if (span_starts(text, SPAN("unix:"))) {
        address->kind = ADDRESS_UNIX;
        return text.len > 5 && text.at[5] == '/' &&
               copy(address->path, sizeof address->path, (struct span){text.at + 5, text.len - 5});
    }
    size_t colon = text.len;
    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    return parse_port((struct span){text.at + colon, text.len - colon}, &address->port) &&
           parse_host((struct span){text.at, colon - 1}, address);
}

/* Addresses, and whether a network holds them. */
#include "base/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define IP_BITS 128
#define V4_BITS 96 /* that stand before an IPv4 address */

static const uint8_t v4_start[V4_BITS / 8] = {[10] = 0xff, [11] = 0xff};

struct network_host network_host_of(const void *ip, size_t bytes)
{
    struct network_host host = {.kind = NETWORK_IP};
    if (bytes == 4)
        memcpy(host.ip, v4_start, sizeof v4_start);
    memcpy(host.ip + sizeof host.ip - bytes, ip, bytes);
    return host;
}

bool network_host_parse(struct span text, struct network_host *host)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    *host = (struct network_host){0};
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        *host = network_host_of(&v4, sizeof v4);
    else if (inet_pton(AF_INET6, copy, &v6) == 1)
        *host = network_host_of(&v6, sizeof v6);
    return host->kind == NETWORK_IP;
}

static bool is_v4(const struct network_host *host)
{
    return memcmp(host->ip, v4_start, sizeof v4_start) == 0;
}

void network_host_write(char text[NETWORK_HOST_TEXT], const struct network_host *host)
{
    static const char *const others[] = {[NETWORK_NONE] = "unknown", [NETWORK_UNIX] = "unix"};
    bool v4 = is_v4(host);
    if (host->kind != NETWORK_IP)
        memcpy(text, others[host->kind], strlen(others[host->kind]) + 1);
    else if (inet_ntop(v4 ? AF_INET : AF_INET6, host->ip + (v4 ? sizeof v4_start : 0), text,
                       NETWORK_HOST_TEXT) == NULL)
        abort();
}

/* Murmur's finalizer, of which every step can be undone: every bit counts, and no two numbers become one. */
static uint64_t mix(uint64_t number)
{
    number = (number ^ number >> 33) * UINT64_C(0xff51afd7ed558ccd);
    number = (number ^ number >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return number ^ number >> 33;
}

/* The bytes before an IPv4 address that count keep it apart from every network of IPv6 that hands out any. */
uint64_t network_client(const struct network_host *host, uint64_t seed)
{
    uint64_t number = 0;
    bool v4 = is_v4(host);
    for (size_t i = v4 ? 10 : 0; i < (v4 ? 16 : 8); i++)
        number = number << 8 | host->ip[i];
    return mix(number ^ seed);
}

/* The bits of a byte that lie within the prefix. */
static uint8_t mask_of(const struct network *network, size_t byte)
{
    int bits = network->bits - 8 * (int)byte;
    int kept = bits <= 0 ? 0 : bits >= 8 ? 8 : bits;
    return (uint8_t)(0xff00 >> kept);
}

static bool has_bits_behind(const struct network *network)
{
    for (size_t i = 0; i < sizeof network->host.ip; i++)
        if ((network->host.ip[i] & ~mask_of(network, i)) != 0)
            return true;
    return false;
}

/* Plain digits: "08" and "-0" are most likely mistakes. */
static bool parse_bits(struct span text, int start, int *bits)
{
    int64_t number;
    if (text.len == 0 || text.at[0] == '-' || (text.at[0] == '0' && text.len > 1))
        return false;
    if (!num_parse(text, &number) || number > IP_BITS - start)
        return false;
    *bits = start + (int)number;
    return true;
}

static bool parse_network(struct span text, struct network *network)
{
    struct span bits = text;
    struct span ip = span_cut(&bits, '/');
    bool is_one = ip.len == text.len;
    *network = (struct network){.bits = IP_BITS};
    if (span_is(text, SPAN("unix"))) {
        network->host.kind = NETWORK_UNIX;
        return true;
    }
    if (!network_host_parse(ip, &network->host))
        return false;
    int start = memchr(ip.at, ':', ip.len) == NULL ? V4_BITS : 0;
    return is_one || (parse_bits(bits, start, &network->bits) && !has_bits_behind(network));
}

bool networks_parse(struct arena *arena, struct span text, struct networks *networks)
{
    size_t count = 0;
    bool more = span_trim(text).len > 0;
    *networks = (struct networks){0};
    struct network *all = more ? arena_alloc(arena, NETWORKS_MAX * sizeof *all) : NULL;
    while (more) {
        size_t len = text.len;
        struct span entry = span_cut(&text, ',');
        more = entry.len < len; /* a comma at the end has an entry behind it, which is empty */
        if (count == NETWORKS_MAX || !parse_network(span_trim(entry), &all[count++]))
            return false;
    }
    *networks = (struct networks){all, count};
    return true;
}

static bool holds(const struct network *network, const struct network_host *host)
{
    if (network->host.kind != host->kind)
        return false;
    if (host->kind == NETWORK_UNIX)
        return true;
    for (size_t i = 0; i < sizeof host->ip; i++)
        if (((host->ip[i] ^ network->host.ip[i]) & mask_of(network, i)) != 0)
            return false;
    return is_v4(host) == is_v4(&network->host);
}

bool networks_hold(const struct networks *networks, const struct network_host *host)
{
    for (size_t i = 0; i < networks->count; i++)
        if (holds(&networks->all[i], host))
            return true;
    return false;
}

/* Who sent a request, through proxies that are trusted and past those that are not. */
#include "web/client.h"

#include "unit.h"

#define TRUSTED "127.0.0.1, 10.0.0.0/8, 2001:db8:a::/48, unix"
#define LINES   4

/* A header is written "XFF" or "FWD" and a blank; lines stand behind one another with '|' between them. */
static struct header header_of(struct span line)
{
    struct span name = span_cut(&line, ' ');
    if (span_is(name, SPAN("XFF")))
        name = SPAN("x-FORWARDED-for");
    else if (span_is(name, SPAN("FWD")))
        name = SPAN("forwarded");
    return (struct header){name, line};
}

static struct network_host peer_of(const char *text)
{
    struct network_host peer = {.kind = NETWORK_UNIX};
    if (strcmp(text, "unix") != 0)
        CHECK(text, network_host_parse(span_of(text), &peer) || strcmp(text, "none") == 0);
    return peer;
}

static void check_client(const char *peer, const char *lines, const char *client)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct networks trusted;
    struct header headers[LINES];
    struct request request = {.headers = headers, .peer = peer_of(peer)};
    struct span rest = span_of(lines);
    while (rest.len > 0)
        headers[request.header_count++] = header_of(span_cut(&rest, '|'));
    assert_true(networks_parse(&arena, SPAN(TRUSTED), &trusted));
    struct network_host want = peer_of(client);
    struct network_host got = client_find(&request, &trusted);
    if (memcmp(&got, &want, sizeof got) != 0)
        fail_msg("%s | %s: got kind %d ending in %d.%d, want %s", peer, lines, (int)got.kind, got.ip[14],
                 got.ip[15], client);
}

static void whom_nobody_trusts_speaks_for_himself(void **state)
{
    (void)state;
    static const char *const lies[] = {"", "XFF 10.0.0.1", "FWD for=10.0.0.1",
                                       "XFF 192.0.2.7|FWD for=192.0.2.7", "XFF junk"};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        check_client("198.51.100.9", lies[i], "198.51.100.9");
        check_client("2001:db8:b::1", lies[i], "2001:db8:b::1");
        check_client("none", lies[i], "none");
    }
}

static const struct {
    const char *lines, *client;
} rows[] = {
    /* The last that is not trusted. */
    {"XFF 192.0.2.7", "192.0.2.7"},
    {"XFF  192.0.2.7\t", "192.0.2.7"},
    {"XFF 10.9.9.9, 192.0.2.7", "192.0.2.7"},
    {"XFF 192.0.2.7, 10.0.0.1", "192.0.2.7"},
    {"XFF 192.0.2.7,10.0.0.1,2001:db8:a::5, 127.0.0.1", "192.0.2.7"},
    {"XFF 198.51.100.1, 192.0.2.7, 10.0.0.1", "192.0.2.7"},
    {"XFF 2001:db8:b::7, ::ffff:10.0.0.1", "2001:db8:b::7"},
    /* Several lines are one list. */
    {"XFF 198.51.100.1|XFF 192.0.2.7", "192.0.2.7"},
    {"XFF 192.0.2.7|XFF 10.0.0.1", "192.0.2.7"},
    {"XFF 192.0.2.7|X-Forwarded-For-2 198.51.100.1|X-Forwarded 198.51.100.1", "192.0.2.7"},
    {"XFF 198.51.100.1, 192.0.2.7|Host x|XFF 10.0.0.2, 10.0.0.1", "192.0.2.7"},
    /* If all are trusted, the first. */
    {"XFF 10.0.0.3", "10.0.0.3"},
    {"XFF 10.0.0.3, 10.0.0.2|XFF 10.0.0.1", "10.0.0.3"},
    /* Ports and brackets. */
    {"XFF 192.0.2.7:5000", "192.0.2.7"},
    {"XFF [2001:db8:b::7]", "2001:db8:b::7"},
    {"XFF [2001:db8:b::7]:65535", "2001:db8:b::7"},
    /* What can't be read on the way makes the client unknown; what stands before the client does not count.
     */
    {"XFF junk, 192.0.2.7", "192.0.2.7"},
    {"XFF \", 192.0.2.7", "192.0.2.7"},
    {"XFF junk|XFF 192.0.2.7, 10.0.0.1", "192.0.2.7"},
    {"XFF 192.0.2.7, junk", "none"},
    {"XFF 192.0.2.7, unknown, 10.0.0.1", "none"},
    {"XFF 192.0.2.7, junk|XFF 10.0.0.1", "none"},
    {"XFF 192.0.2.7|XFF ", "none"},
    {"XFF 192.0.2.7,", "none"},
    {"XFF 192.0.2.7, , 10.0.0.1", "none"},
    {"XFF , 10.0.0.1", "none"},
    {"XFF ", "none"},
    {"XFF unix", "none"},
    {"XFF unix:", "none"},
    {"XFF 192.0.2.7 10.0.0.1", "none"},
    {"XFF 192.0.2.7/32", "none"},
    {"XFF 192.0.2.7:", "none"},
    {"XFF 192.0.2.7:65536", "none"},
    {"XFF 192.0.2.7:-0", "none"},
    {"XFF 192.0.2.7:000080", "none"},
    {"XFF 192.0.2.7:http", "none"},
    {"XFF [192.0.2.7]", "none"},
    {"XFF [2001:db8:b::7", "none"},
    {"XFF [2001:db8:b::7]5000", "none"},
    {"XFF [2001:db8:b::7]:", "none"},
    {"XFF []", "none"},
    {"XFF [", "none"},
    {"XFF \"192.0.2.7\"", "none"},
    {"XFF for=192.0.2.7", "none"},
    /* Forwarded is looked at only without the other one. */
    {"XFF 192.0.2.7|FWD for=198.51.100.1", "192.0.2.7"},
    {"XFF junk|FWD for=192.0.2.7", "none"},
    {"FWD for=192.0.2.7", "192.0.2.7"},
    {"FWD for=198.51.100.1, FOR=192.0.2.7;proto=https;by=10.0.0.1, for=10.0.0.2", "192.0.2.7"},
    {"FWD for=198.51.100.1|FWD for=192.0.2.7|FWD for=10.0.0.1", "192.0.2.7"},
    {"FWD for=10.0.0.2|FWD for=10.0.0.1", "10.0.0.2"},
    {"FWD proto=https; for=\"192.0.2.7\" ;host=\"x:80\"", "192.0.2.7"},
    {"FWD for=\"192.0.2.7:5000\"", "192.0.2.7"},
    {"FWD for=\"[2001:db8:b::7]\"", "2001:db8:b::7"},
    {"FWD for=\"[2001:db8:b::7]:5000\"", "2001:db8:b::7"},
    {"FWD for=192.0.2.7;host=\"\"", "192.0.2.7"},
    {"FWD for=unknown", "none"},
    {"FWD for=_hidden", "none"},
    {"FWD for=198.51.100.1, for=unknown, for=10.0.0.1", "none"},
    {"FWD for=198.51.100.1, proto=https", "none"},
    {"FWD for=192.0.2.7, proto=https, for=10.0.0.1", "none"},
    {"FWD for=192.0.2.7;=x", "none"},
    {"FWD for=192.0.2.7;a b=x", "none"},
    {"FWD for=192.0.2.7;a", "none"},
    {"FWD for=192.0.2.7;host=\"a\\b\"", "none"},
    {"FWD for=192.0.2.7;host=\"a\"b\"", "none"},
    {"FWD for=192.0.2.7;for=192.0.2.7", "none"},
    {"FWD for=192.0.2.7;for=10.0.0.1", "none"},
    {"FWD for=[2001:db8:b::7]", "none"},
    {"FWD for=2001:db8:b::7", "none"},
    {"FWD for=\"2001:db8:b::7\"", "none"},
    {"FWD for=192.0.2.7:5000", "none"},
    {"FWD for=\"192.0.2.7", "none"},
    {"FWD for=\"192.0.2.7\"x", "none"},
    {"FWD for=\"192.0.2.\\7\"", "none"},
    {"FWD for=\"", "none"},
    {"FWD for=", "none"},
    {"FWD for", "none"},
    {"FWD =192.0.2.7", "none"},
    {"FWD for = 192.0.2.7", "none"},
    {"FWD ", "none"},
    {"FWD 192.0.2.7", "none"},
    /* A quote that a stranger leaves open swallows nothing of what our proxy wrote behind it. */
    {"FWD for=10.0.0.1;x=\", for=192.0.2.7", "192.0.2.7"},
    {"FWD for=10.0.0.1;x=\"|FWD for=192.0.2.7;by=\"y\"", "192.0.2.7"},
    {"FWD for=198.51.100.1;host=\"a,for=192.0.2.7\"", "none"},
    {"FWD for=198.51.100.1;host=\"a,for=192.0.2.7;x=\\\"\"", "none"},
    {"FWD for=198.51.100.1;host=\"a;for=192.0.2.7\"", "none"},
    /* A proxy that does not say for whom it speaks speaks for nobody. */
    {"", "none"},
    {"X-Forwarded-Fo 192.0.2.7|X-Real-IP 192.0.2.7|X_Forwarded_For 192.0.2.7", "none"},
};

static void a_trusted_proxy_names_the_client(void **state)
{
    (void)state;
    static const char *const proxies[] = {"127.0.0.1", "10.1.2.3", "2001:db8:a::1", "unix"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < 4; k++)
            check_client(proxies[k], rows[i].lines, rows[i].client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whom_nobody_trusts_speaks_for_himself),
        cmocka_unit_test(a_trusted_proxy_names_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

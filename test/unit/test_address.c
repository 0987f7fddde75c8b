/* Addresses to listen on. */
#include "base/address.h"

#include "unit.h"

static const struct {
    const char *text;
    enum address_kind kind;
    const char *host;
    int port;
} good[] = {
    {"127.0.0.1:8080", ADDRESS_V4, "127.0.0.1", 8080},
    {"0.0.0.0:0", ADDRESS_V4, "0.0.0.0", 0},
    {"localhost:65535", ADDRESS_V4, "127.0.0.1", 65535},
    {"[::1]:8080", ADDRESS_V6, "::1", 8080},
    {"[::]:1", ADDRESS_V6, "::", 1},
    {"[2001:db8::ffff:192.0.2.1]:443", ADDRESS_V6, "2001:db8::ffff:192.0.2.1", 443},
};

static void reads_hosts_and_ports(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct address address;
        CHECK(good[i].text, address_parse(span_of(good[i].text), &address));
        check_int(good[i].text, address.kind, good[i].kind);
        check_text(good[i].text, span_of(address.host), good[i].host);
        check_int(good[i].text, address.port, good[i].port);
    }
}

static const char *const bad[] = {
    "",
    ":",
    "8080",
    ":8080",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:http",
    "127.0.0.1: 80",
    "127.0.0.1:80 ",
    " 127.0.0.1:80",
    "127.0.0:80",
    "127.0.0.256:80",
    "127.0.0.1.:80",
    "0x7f.0.0.1:80",
    "example.org:80", /* names are looked up by nobody */
    "::1:8080",
    "[::1]",
    "[::1]8080",
    "[]:80",
    "[localhost]:80",
    "[127.0.0.1]:80",
    "[::1%lo]:80",
    "[::1:80",
    "::1]:80",
    "unix:",
    "UNIX:/run/x",
    "http://127.0.0.1:80/",
};

static void refuses_everything_else(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct address address;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(bad[i], !address_parse(span_of(bad[i]), &address));
    struct buf text = {.arena = &arena};
    buf_printf(&text, "%s:80", repeat(&arena, '1', 5000).at);
    assert_false(address_parse(buf_span(&text), &address));
}

/* The kernel would cut a longer one, and the socket would stand somewhere else. */
static void takes_socket_paths_of_107_bytes_and_no_longer(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t len = 1; len <= 108; len++) {
        struct buf text = {.arena = &arena};
        struct address address;
        struct span path = repeat(&arena, '/', len);
        buf_printf(&text, "unix:%s", path.at);
        assert_true(address_parse(buf_span(&text), &address) == (len <= 107));
        if (len <= 107) {
            assert_int_equal(address.kind, ADDRESS_UNIX);
            assert_string_equal(address.path, path.at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_hosts_and_ports),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(takes_socket_paths_of_107_bytes_and_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

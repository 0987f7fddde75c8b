/* Addresses and networks: what is one, and which holds which. */
#include "base/network.h"

#include "unit.h"

static struct network_host host_of(const char *text)
{
    struct network_host host;
    CHECK(text, network_host_parse(span_of(text), &host));
    return host;
}

/* The bytes were written by Python: ipaddress.ip_address(text).packed.hex(). */
static const struct {
    const char *text, *hex;
} good[] = {
    {"0.0.0.0", "00000000000000000000ffff00000000"},
    {"192.0.2.7", "00000000000000000000ffffc0000207"},
    {"255.255.255.255", "00000000000000000000ffffffffffff"},
    {"::ffff:192.0.2.7", "00000000000000000000ffffc0000207"},
    {"::FFFF:c000:207", "00000000000000000000ffffc0000207"},
    {"::", "00000000000000000000000000000000"},
    {"::1", "00000000000000000000000000000001"},
    {"2001:db8::ffff:192.0.2.7", "20010db8000000000000ffffc0000207"},
    {"2001:0db8:0000:0000:0000:0000:0000:0001", "20010db8000000000000000000000001"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffffffffffffffffffffffffffffffff"}, /* the longest */
};

static void reads_numeric_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct network_host host = host_of(good[i].text);
        char hex[33];
        for (size_t k = 0; k < 16; k++)
            snprintf(hex + 2 * k, 3, "%02x", host.ip[k]);
        check_text(good[i].text, span_of(hex), good[i].hex);
        check_int(good[i].text, host.kind, NETWORK_IP);
    }
}

static const char *const bad[] = {
    "",
    " ",
    "unix",
    "localhost",
    "192.0.2",
    "192.0.2.7.1",
    "192.0.2.07",
    "192.0.2.+7",
    "192.0.2.256",
    " 192.0.2.7",
    "192.0.2.7 ",
    "0x7f.0.0.1",
    "127.1",
    "2130706433",
    "192.0.2.7/32",
    "192.0.2.7:1",
    "[::1]",
    "::1%lo",
    ":",
    ":::",
    "1::2::3",
    "::g",
    "::12345",
    "1:2:3:4:5:6:7",
    "::1.2.3",
    "_hidden",
    "1:2:3:4:5:6:7:8:9",
    "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
};

static void refuses_any_other_text(void **state)
{
    (void)state;
    struct network_host host;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        host = host_of("::1");
        CHECK(bad[i], !network_host_parse(span_of(bad[i]), &host));
        check_int(bad[i], host.kind, NETWORK_NONE);
    }
    assert_false(network_host_parse(SPAN("192.0.2.7\0x"), &host));
}

static void bytes_and_texts_agree(void **state)
{
    (void)state;
    static const uint8_t v4[4] = {192, 0, 2, 7}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct network_host a = network_host_of(v4, 4), a_text = host_of("192.0.2.7");
    struct network_host b = network_host_of(v6, 16), b_text = host_of("2001:db8::1");
    assert_memory_equal(&a, &a_text, sizeof a);
    assert_memory_equal(&b, &b_text, sizeof b);
}

/* Hosts that a list holds, and hosts just outside of it. */
static const struct {
    const char *list, *in, *out;
} lists[] = {
    {"192.0.2.7", "192.0.2.7 ::ffff:192.0.2.7", "192.0.2.6 192.0.2.8 0.0.0.0 ::192.0.2.7"},
    {"192.0.2.7/32", "192.0.2.7", "192.0.2.6"},
    {"192.0.2.6/31", "192.0.2.6 192.0.2.7", "192.0.2.5 192.0.2.8"},
    {"10.0.0.0/8", "10.0.0.0 10.255.255.255", "9.255.255.255 11.0.0.0 a00::"},
    {"172.16.0.0/12", "172.16.0.0 172.31.255.255", "172.15.255.255 172.32.0.0"},
    {"128.0.0.0/1", "128.0.0.0 255.255.255.255", "127.255.255.255 8000::"},
    {"0.0.0.0/0", "0.0.0.0 255.255.255.255 ::ffff:1.2.3.4", ":: ::1 2001:db8::1 ::fffe:1.2.3.4 ::1.2.3.4"},
    {"::/0", ":: ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0 1.2.3.4"},
    {"::/80", "::1.2.3.4", "1.2.3.4 0:0:0:0:1::"},
    {"::1/128", "::1", ":: ::2 127.0.0.1"},
    {"::1", "::1", "::2"},
    {"2001:db8::/32", "2001:db8:: 2001:db8:ffff::1", "2001:db7:ffff::1 2001:db9::"},
    {"2001:db8::8000/113", "2001:db8::8000 2001:db8::ffff", "2001:db8::7fff 2001:db8::1:8000"},
    {"::ffff:10.0.0.0/104", "10.0.0.1 ::ffff:10.1.2.3", "11.0.0.1"},
    {"::ffff:0:0/96", "0.0.0.0 255.255.255.255", "::1"},
    {"  10.0.0.0/8 ,2001:db8::/32,\t192.0.2.7,unix ", "10.1.1.1 2001:db8::1 192.0.2.7", "192.0.2.8"},
    {"unix", "", "127.0.0.1 :: 0.0.0.0"},
    {"", "", "127.0.0.1 ::"},
    {" ", "", "127.0.0.1"},
};

static void check_hosts(const char *list, const struct networks *networks, struct span hosts, bool held)
{
    while (hosts.len > 0) {
        struct network_host host;
        struct span text = span_cut(&hosts, ' ');
        CHECK(list, network_host_parse(text, &host));
        if (networks_hold(networks, &host) != held)
            fail_msg("%s: %s%.*s", list, held ? "does not hold " : "holds ", (int)text.len, text.at);
    }
}

static void a_list_holds_what_is_in_its_networks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct networks networks;
        CHECK(lists[i].list, networks_parse(&arena, span_of(lists[i].list), &networks));
        check_hosts(lists[i].list, &networks, span_of(lists[i].in), true);
        check_hosts(lists[i].list, &networks, span_of(lists[i].out), false);
    }
}

static void unix_is_a_word_of_its_own(void **state)
{
    (void)state;
    static const struct network_host local = {.kind = NETWORK_UNIX}, nobody = {0};
    struct arena arena CLEANUP(arena_free) = {0};
    struct networks with, without;
    assert_true(networks_parse(&arena, SPAN("10.0.0.0/8, unix"), &with));
    assert_true(networks_parse(&arena, SPAN("0.0.0.0/0, ::/0"), &without));
    assert_true(networks_hold(&with, &local));
    assert_false(networks_hold(&without, &local));
    assert_false(networks_hold(&with, &nobody));
    assert_false(networks_hold(&without, &nobody));
}

static const char *const no_lists[] = {
    ",",
    "10.0.0.0/8,",
    ",10.0.0.0/8",
    "10.0.0.0/8,,unix",
    "10.0.0.0/8 unix",
    "10.0.0.0/8;unix",
    "10.0.0.1/8",
    "192.0.2.7/31",
    "0.0.0.1/0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "0.0.0.0/-0",
    "::/-0",
    "0.0.0.0/-1",
    "10.0.0.0/+8",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "10.0.0.0 /8",
    "10.0.0.0/ 8",
    "10.0.0.0/8x",
    "10.0.0.0/99999999999999999999",
    "10.0.0.0/255.0.0.0",
    "10/8",
    "/8",
    "::1/127",
    "::/129",
    "2001:db8::1/64",
    "8000::/0",
    "UNIX",
    "unix/0",
    "unix:/run/x",
    "proxy.example",
    "*",
    "any",
    "[::1]",
    "127.0.0.1:80",
};

static void anything_else_is_no_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_lists / sizeof no_lists[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct networks networks;
        CHECK(no_lists[i], !networks_parse(&arena, span_of(no_lists[i]), &networks));
        check_int(no_lists[i], (int64_t)networks.count, 0);
    }
}

static void a_list_has_at_most_64_entries(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf text = {.arena = &arena};
    struct networks networks;
    struct network_host last = host_of("192.0.2.64");
    for (int i = 1; i <= NETWORKS_MAX; i++)
        buf_printf(&text, "%s192.0.2.%d", i > 1 ? "," : "", i);
    assert_true(networks_parse(&arena, buf_span(&text), &networks));
    assert_int_equal(networks.count, 64);
    assert_true(networks_hold(&networks, &last));
    buf_add(&text, SPAN(",unix"));
    assert_false(networks_parse(&arena, buf_span(&text), &networks));
}

/* Each prefix holds the hosts that differ behind it alone. */
static void every_prefix_ends_at_its_bit(void **state)
{
    (void)state;
    for (int bits = 0; bits <= 128; bits++) {
        struct arena arena CLEANUP(arena_free) = {0};
        struct buf text = {.arena = &arena};
        struct networks networks;
        buf_printf(&text, "::/%d", bits);
        CHECK(buf_text(&text), networks_parse(&arena, buf_span(&text), &networks));
        for (int bit = 0; bit < 128; bit++) {
            struct network_host host = {.kind = NETWORK_IP};
            host.ip[bit / 8] = (uint8_t)(0x80 >> bit % 8);
            check_int(text.at, networks_hold(&networks, &host), bit >= bits);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numeric_addresses),
        cmocka_unit_test(refuses_any_other_text),
        cmocka_unit_test(bytes_and_texts_agree),
        cmocka_unit_test(a_list_holds_what_is_in_its_networks),
        cmocka_unit_test(unix_is_a_word_of_its_own),
        cmocka_unit_test(anything_else_is_no_list),
        cmocka_unit_test(a_list_has_at_most_64_entries),
        cmocka_unit_test(every_prefix_ends_at_its_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

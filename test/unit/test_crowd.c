/* How many connections a client may have: who counts as one, and who has no limit. */
#include "sys/crowd.h"

#include "unit.h"

static struct network_host host_of(const char *text)
{
    struct network_host host;
    CHECK(text, network_host_parse(span_of(text), &host));
    return host;
}

static bool enter(struct crowd *crowd, const char *text)
{
    struct network_host host = host_of(text);
    return crowd_enter(crowd, &host);
}

static void leave(struct crowd *crowd, const char *text)
{
    struct network_host host = host_of(text);
    crowd_leave(crowd, &host);
}

static void as_many_as_it_may_and_no_more(void **state)
{
    (void)state;
    struct networks nobody = {0};
    struct crowd *crowd = crowd_new(2, &nobody);
    for (int round = 0; round < 3; round++) {
        assert_true(enter(crowd, "192.0.2.7"));
        assert_true(enter(crowd, "::ffff:192.0.2.7"));
        assert_false(enter(crowd, "192.0.2.7"));
        assert_true(enter(crowd, "192.0.2.8"));
        leave(crowd, "192.0.2.7");
        assert_true(enter(crowd, "192.0.2.7"));
        assert_false(enter(crowd, "192.0.2.7"));
        leave(crowd, "192.0.2.7");
        leave(crowd, "192.0.2.7");
        leave(crowd, "192.0.2.8");
    }
    assert_true(enter(crowd, "192.0.2.7")); /* and is freed with the crowd */
    crowd_free(crowd);
}

static void a_network_of_ipv6_is_one(void **state)
{
    (void)state;
    struct networks nobody = {0};
    struct crowd *crowd = crowd_new(1, &nobody);
    assert_true(enter(crowd, "2001:db8:0:1::1"));
    assert_false(enter(crowd, "2001:db8:0:1:ffff:ffff:ffff:ffff"));
    assert_true(enter(crowd, "2001:db8:0:2::1"));
    crowd_free(crowd);
}

static void many_clients_are_kept_apart(void **state)
{
    (void)state;
    struct networks nobody = {0};
    struct crowd *crowd = crowd_new(1, &nobody);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 20000; i++) {
            struct network_host host = network_host_of(&i, sizeof i);
            assert_int_equal(crowd_enter(crowd, &host), pass == 0);
        }
    }
    for (uint32_t i = 0; i < 20000; i++) {
        struct network_host host = network_host_of(&i, sizeof i);
        crowd_leave(crowd, &host);
        assert_true(crowd_enter(crowd, &host));
    }
    crowd_free(crowd);
}

static void some_have_no_limit(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct networks proxies;
    struct network_host unknown = {0}, local = {.kind = NETWORK_UNIX}, anybody = host_of("192.0.2.7");
    assert_true(networks_parse(&arena, SPAN("10.0.0.0/8"), &proxies));
    struct crowd *crowd = crowd_new(1, &proxies), *unlimited = crowd_new(0, &proxies);
    for (int i = 0; i < 3; i++) {
        assert_true(enter(crowd, "10.1.2.3"));
        assert_true(crowd_enter(crowd, &unknown));
        assert_true(crowd_enter(crowd, &local));
        assert_true(crowd_enter(unlimited, &anybody));
        assert_true(crowd_enter(NULL, &anybody));
    }
    leave(crowd, "10.1.2.3");
    crowd_leave(crowd, &unknown);
    crowd_leave(unlimited, &anybody);
    crowd_leave(NULL, &anybody);
    crowd_free(crowd);
    crowd_free(unlimited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_it_may_and_no_more),
        cmocka_unit_test(a_network_of_ipv6_is_one),
        cmocka_unit_test(many_clients_are_kept_apart),
        cmocka_unit_test(some_have_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

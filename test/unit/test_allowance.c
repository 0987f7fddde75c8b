/* What each client address may send: who counts as one, and who has no limit. */
#include "web/allowance.h"

#include <string.h>

#include "unit.h"

#define NOW INT64_C(1000000)

static bool take(struct allowance *allowance, const char *address)
{
    struct network_host host;
    int64_t seconds = 0;
    CHECK(address, network_host_parse(span_of(address), &host));
    return allowance_take(allowance, &host, NOW, &seconds);
}

static void each_address_has_its_own(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 1, .burst = 2};
    struct allowance *allowance = allowance_new(&rate);
    static const char *const others[] = {"192.0.2.8", "::ffff:192.0.2.9", "2001:db8:0:1::1",
                                         "2001:db8:0:2::1"};
    assert_true(take(allowance, "192.0.2.7"));
    assert_true(take(allowance, "::ffff:192.0.2.7"));
    assert_false(take(allowance, "192.0.2.7"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK(others[i], take(allowance, others[i]));
    allowance_clear(allowance);
    assert_true(take(allowance, "192.0.2.7"));
    allowance_free(allowance);
}

/* Who has a network of IPv6 has all its addresses. */
static void a_network_of_ipv6_is_one(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 1, .burst = 1};
    struct allowance *allowance = allowance_new(&rate);
    assert_true(take(allowance, "2001:db8:0:1::1"));
    assert_false(take(allowance, "2001:db8:0:1:ffff::2"));
    assert_true(take(allowance, "2001:db8:0:2::1"));
    allowance_free(allowance);
}

static void whoever_has_no_address_has_no_limit(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 1, .burst = 1};
    struct allowance *allowance = allowance_new(&rate);
    struct network_host none = {.kind = NETWORK_NONE};
    struct network_host local = {.kind = NETWORK_UNIX};
    int64_t seconds = 0;
    for (int i = 0; i < 10; i++) {
        assert_true(allowance_take(allowance, &none, NOW, &seconds));
        assert_true(allowance_take(allowance, &local, NOW, &seconds));
    }
    allowance_free(allowance);
}

/* More addresses than there is room for: whoever sent most is remembered longest. */
static void strangers_do_not_free_a_known_one(void **state)
{
    (void)state;
    struct rate rate = {.per_second = 1, .burst = 100};
    struct allowance *allowance = allowance_new(&rate);
    struct network_host host = {.kind = NETWORK_IP};
    int64_t seconds = 0;
    for (int i = 0; i < 100; i++)
        assert_true(take(allowance, "192.0.2.7"));
    for (uint32_t i = 0; i < 3 * ALLOWANCE_ADDRESSES; i++) {
        uint8_t ip[16] = {0x20,      1, 0xd, 0xb8, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                          (uint8_t)i};
        host = network_host_of(ip, sizeof ip);
        assert_true(allowance_take(allowance, &host, NOW, &seconds));
    }
    assert_false(take(allowance, "192.0.2.7"));
    allowance_free(allowance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_own),
        cmocka_unit_test(a_network_of_ipv6_is_one),
        cmocka_unit_test(whoever_has_no_address_has_no_limit),
        cmocka_unit_test(strangers_do_not_free_a_known_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

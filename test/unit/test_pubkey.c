/* Public keys: the second test vector of RFC 8032, section 7.1, and keys of another kind. */
#include "base/pubkey.h"

#include "base/hex.h"
#include "unit.h"

#define KEY "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define SIGNATURE                                                                                            \
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"                                       \
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

static struct span unhex(struct arena *arena, const char *text)
{
    size_t count = strlen(text) / 2;
    uint8_t *bytes = arena_alloc(arena, count);
    assert_true(hex_read(span_of(text), bytes, count));
    return (struct span){(const char *)bytes, count};
}

static void verifies_as_rfc_8032_says(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct span signature = unhex(&arena, SIGNATURE);
    struct pubkey *key = pubkey_new(PUBKEY_ED25519, unhex(&arena, KEY));
    assert_non_null(key);
    assert_true(pubkey_verify(key, SPAN("\x72"), signature));
    assert_false(pubkey_verify(key, SPAN("\x73"), signature));
    assert_false(pubkey_verify(key, SPAN(""), signature));
    assert_false(pubkey_verify(key, SPAN("\x72"), (struct span){signature.at, signature.len - 1}));
    assert_false(pubkey_verify(key, SPAN("\x72"), SPAN("")));
    pubkey_free(key);
}

static void refuses_what_is_no_key_of_its_kind(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct span raw = unhex(&arena, KEY);
    assert_null(pubkey_new(PUBKEY_ECDSA_P256, raw));
    assert_null(pubkey_new(PUBKEY_ED25519, (struct span){raw.at, raw.len - 1}));
    assert_null(pubkey_new(PUBKEY_ED25519, SPAN("")));
    assert_null(
        pubkey_new(PUBKEY_ED25519, SPAN("-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifies_as_rfc_8032_says),
        cmocka_unit_test(refuses_what_is_no_key_of_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

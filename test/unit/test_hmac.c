/* HMAC-SHA256 against RFC 4231, and the one comparison. */
#include "base/hmac.h"

#include "base/hex.h"
#include "unit.h"

#define BYTES 32 /* of SHA-256 */

/* A key and a text as the RFC gives them: a text, or (count > 0) one byte so many times over. */
struct piece {
    const char *text;
    int byte;
    size_t count;
};

/* The test cases of RFC 4231, sections 4.2 to 4.8; the fifth gives the first 128 bits only. */
static const struct known {
    const char *name;
    struct piece key, text;
    const char *digest;
} known[] = {
    {"case 1",
     {NULL, 0x0b, 20},
     {"Hi There", 0, 0},
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"case 2",
     {"Jefe", 0, 0},
     {"what do ya want for nothing?", 0, 0},
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"case 3",
     {NULL, 0xaa, 20},
     {NULL, 0xdd, 50},
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"case 4",
     {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
      0, 0},
     {NULL, 0xcd, 50},
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"case 5", {NULL, 0x0c, 20}, {"Test With Truncation", 0, 0}, "a3b6167473100ee06e0c796c2955552b"},
    {"case 6",
     {NULL, 0xaa, 131},
     {"Test Using Larger Than Block-Size Key - Hash Key First", 0, 0},
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"case 7",
     {NULL, 0xaa, 131},
     {"This is a test using a larger than block-size key and a larger than block-size data. "
      "The key needs to be hashed before being used by the HMAC algorithm.",
      0, 0},
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static struct span bytes_of(struct arena *arena, const struct piece *piece)
{
    return piece->count > 0 ? repeat(arena, piece->byte, piece->count) : span_of(piece->text);
}

static void signs_as_rfc_4231_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct arena arena CLEANUP(arena_free) = {0};
        uint8_t digest[HMAC_BYTES_MAX], want[HMAC_BYTES_MAX];
        size_t count = strlen(known[i].digest) / 2;
        struct hmac_key *key = hmac_key_new(HMAC_SHA256, bytes_of(&arena, &known[i].key));
        struct span text = bytes_of(&arena, &known[i].text);
        hmac_sign(key, &text, 1, digest);
        hmac_key_free(key);
        CHECK(known[i].name, hex_read(span_of(known[i].digest), want, count));
        CHECK(known[i].name, hmac_equal(digest, want, count));
    }
}

/* A source's key is made once and then signs every webhook: it must not remember the one before. */
static void a_key_signs_again_and_again(void **state)
{
    (void)state;
    uint8_t first[HMAC_BYTES_MAX], other[HMAC_BYTES_MAX], again[HMAC_BYTES_MAX];
    struct hmac_key *key = hmac_key_new(HMAC_SHA256, SPAN("Jefe"));
    hmac_sign(key, &SPAN("what do ya want for nothing?"), 1, first);
    hmac_sign(key, &SPAN("something else"), 1, other);
    hmac_sign(key, &SPAN("what do ya want for nothing?"), 1, again);
    hmac_key_free(key);
    assert_memory_equal(first, again, BYTES);
    assert_memory_not_equal(first, other, BYTES);
}

/* The value is from Python: hmac.new(b"Jefe", b"", "sha256").hexdigest(). */
static void signs_an_empty_text(void **state)
{
    (void)state;
    uint8_t digest[HMAC_BYTES_MAX];
    char text[2 * BYTES + 1];
    struct hmac_key *key = hmac_key_new(HMAC_SHA256, SPAN("Jefe"));
    hmac_sign(key, &(struct span){NULL, 0}, 1, digest);
    hmac_key_free(key);
    hex_write(text, digest, BYTES);
    assert_string_equal(text, "923598ca6d64af2a5dba79dcd021a8a0fe5c5f557519adaaf0ad532d4506dd30");
}

static void equality_looks_at_every_bit(void **state)
{
    (void)state;
    uint8_t a[HMAC_BYTES_MAX], b[HMAC_BYTES_MAX];
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = b[i] = (uint8_t)(37 * i);
    assert_true(hmac_equal(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(hmac_equal(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void equality_ends_at_its_count(void **state)
{
    (void)state;
    const uint8_t a[] = {1, 2, 3, 4};
    const uint8_t b[] = {1, 2, 3, 5};
    assert_true(hmac_equal(a, b, 0));
    assert_true(hmac_equal(a, b, 3));
    assert_false(hmac_equal(a, b, 4));
}

static void wiping_leaves_zeros(void **state)
{
    (void)state;
    char secret[] = "secret";
    hmac_wipe(secret, 3);
    assert_memory_equal(secret, "\0\0\0ret", sizeof secret);
}

static void freeing_no_key_is_fine(void **state)
{
    (void)state;
    hmac_key_free(NULL);
}

/* RFC 2202, test case 2 for SHA-1; RFC 4231, test case 2 for SHA-512; and in parts, wherever they are cut. */
static void other_hashes_are_known_too(void **state)
{
    (void)state;
    static const struct {
        enum hmac_hash hash;
        const char *digest;
    } known_others[] = {
        {HMAC_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {HMAC_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    };
    struct span parts[] = {SPAN("what do ya "), SPAN(""), SPAN("want for nothing?")};
    for (size_t i = 0; i < 2; i++) {
        uint8_t digest[HMAC_BYTES_MAX];
        char text[2 * HMAC_BYTES_MAX + 1];
        struct hmac_key *key = hmac_key_new(known_others[i].hash, SPAN("Jefe"));
        hmac_sign(key, parts, 3, digest);
        hex_write(text, digest, hmac_bytes(known_others[i].hash));
        assert_string_equal(text, known_others[i].digest);
        hmac_key_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_hashes_are_known_too),  cmocka_unit_test(signs_as_rfc_4231_says),
        cmocka_unit_test(a_key_signs_again_and_again), cmocka_unit_test(signs_an_empty_text),
        cmocka_unit_test(equality_looks_at_every_bit), cmocka_unit_test(equality_ends_at_its_count),
        cmocka_unit_test(wiping_leaves_zeros),         cmocka_unit_test(freeing_no_key_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

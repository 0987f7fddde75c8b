/* A value that another implementation has sealed, all that must not open, and the keys' coming and going. */
#include "base/seal.h"

#include "base/hex.h"
#include "unit.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="

static struct seal *ring(const char *text)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct seal *seal = seal_new();
    CHECK(text, seal_read(seal, span_of(text), "keys", &faults));
    return seal;
}

/* Sealed by Python's cryptography: AESGCM(bytes(range(32))), nonce bytes(range(12)), the text "Ärzte" for
 * the place ("events.detail", bytes(16)). */
static const char known[] = "016b310000000000000000000000000000"
                            "000102030405060708090a0b"
                            "8486a461b18021e9388f8b614908a594750e58b7a071";

static void opens_what_another_has_sealed(void **state)
{
    (void)state;
    uint8_t bytes[(sizeof known - 1) / 2];
    enum seal_kind kind;
    struct buf out CLEANUP(buf_free) = {0};
    struct seal *seal = ring("k1 " KEY_A "\n");
    struct seal_key *key = seal_current(seal);
    struct span place[] = {SPAN("events.detail"), {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16}};
    assert_true(hex_read(span_of(known), bytes, sizeof bytes));
    assert_true(seal_open(&out, key, place, 2, (struct span){(const char *)bytes, sizeof bytes}, &kind));
    assert_int_equal(kind, SEAL_TEXT);
    check_text("known", buf_span(&out), "\xc3\x84rzte");
    seal_release(key);
    seal_free(seal);
}

/* Any bit changed, any byte less, another place, another key of the same id: nothing comes out. */
static void opens_nothing_else(void **state)
{
    (void)state;
    enum seal_kind kind;
    struct buf sealed CLEANUP(buf_free) = {0};
    struct buf out CLEANUP(buf_free) = {0};
    struct seal *seal = ring("k1 " KEY_A), *other = ring("k1 " KEY_B);
    struct seal_key *key = seal_current(seal), *wrong = seal_current(other);
    struct span place[] = {SPAN("t.c"), SPAN("ab"), SPAN("c")},
                moved[] = {SPAN("t.c"), SPAN("a"), SPAN("bc")};
    seal_write(&sealed, key, SEAL_BYTES, place, 3, SPAN("a value"));
    assert_int_equal(sealed.len, 7 + SEAL_MORE);
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << bit % 8));
        assert_false(seal_open(&out, key, place, 3, buf_span(&sealed), &kind));
        sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(seal_open(&out, key, place, 3, (struct span){sealed.at, len}, &kind));
    assert_false(seal_open(&out, key, moved, 3, buf_span(&sealed), &kind));
    assert_false(seal_open(&out, key, place, 2, buf_span(&sealed), &kind));
    assert_false(seal_open(&out, wrong, place, 3, buf_span(&sealed), &kind));
    assert_int_equal(out.len, 0);
    assert_true(seal_open(&out, key, place, 3, buf_span(&sealed), &kind));
    check_text("unchanged", buf_span(&out), "a value");
    seal_release(key);
    seal_release(wrong);
    seal_free(seal);
    seal_free(other);
}

static void seals_nothing_twice_alike(void **state)
{
    (void)state;
    enum seal_kind kind;
    struct buf a CLEANUP(buf_free) = {0};
    struct buf b CLEANUP(buf_free) = {0};
    struct buf out CLEANUP(buf_free) = {0};
    struct seal *seal = ring("k1 " KEY_A);
    struct seal_key *key = seal_current(seal);
    struct span place = SPAN("t.c");
    seal_write(&a, key, SEAL_TEXT, &place, 1, SPAN(""));
    seal_write(&b, key, SEAL_TEXT, &place, 1, SPAN(""));
    assert_false(span_is(buf_span(&a), buf_span(&b)));
    assert_true(seal_open(&out, key, &place, 1, buf_span(&a), &kind));
    assert_int_equal(out.len, 0);
    seal_release(key);
    seal_free(seal);
}

static const struct {
    const char *text, *want;
} files[] = {
    {"", "keys: holds no key"},
    {"# only a comment\n\n", "keys: holds no key"},
    {"k1 " KEY_A "\n# old\nk0 " KEY_B "\r\n", ""},
    {"k1 AAAA", "keys:1: a key is 32 bytes in Base64"},
    {"k1 " KEY_A "AAAA", "keys:1: a key is 32 bytes in Base64"},
    {"k1", "keys:1: a key is 32 bytes in Base64"},
    {"k1 " KEY_A "\nk1 " KEY_B, "keys:2: this id is used twice"},
    {"k1 " KEY_A "\nk2 " KEY_A, "keys:2: this key is used twice"},
    {KEY_A, "keys:1: an id is 1 to 16 letters, digits, dots, hyphens or underscores, with the key behind it"},
    {"sixteen-letters1 " KEY_A, ""},
    {"seventeen-letters " KEY_A,
     "keys:1: an id is 1 to 16 letters, digits, dots, hyphens or underscores, with the key behind it"},
    {"k/1 " KEY_A,
     "keys:1: an id is 1 to 16 letters, digits, dots, hyphens or underscores, with the key behind it"},
};

static void reads_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct faults faults CLEANUP(faults_free) = {0};
        struct seal *seal = seal_new();
        CHECK(files[i].text,
              seal_read(seal, span_of(files[i].text), "keys", &faults) == (*files[i].want == '\0'));
        CHECK(files[i].text, faults.count == (*files[i].want != '\0'));
        if (faults.count > 0)
            check_text(files[i].text, span_of(faults.texts[0]), files[i].want);
        seal_free(seal);
    }
}

static bool has(struct seal *seal, const char *id)
{
    struct seal_key *key = seal_find(seal, span_of(id));
    seal_release(key);
    return key != NULL;
}

/* A key that goes stays with who holds it, and with nobody else. */
static void keys_come_and_go(void **state)
{
    (void)state;
    enum seal_kind kind;
    struct buf sealed CLEANUP(buf_free) = {0};
    struct buf out CLEANUP(buf_free) = {0};
    struct span place = SPAN("t.c");
    struct seal *seal = ring("k1 " KEY_A), *both = ring("k2 " KEY_B "\nk1 " KEY_A), *last = ring("k2 " KEY_B);
    struct seal_key *first = seal_current(seal);
    seal_write(&sealed, first, SEAL_TEXT, &place, 1, SPAN("held"));
    seal_adopt(seal, both);
    struct seal_key *current = seal_current(seal);
    check_text("the first of the file", seal_id(current), "k2");
    assert_true(has(seal, "k1"));
    seal_release(current);
    seal_adopt(seal, last);
    seal_adopt(seal, last); /* what has gone does not go twice */
    assert_false(has(seal, "k1"));
    assert_true(seal_open(&out, first, &place, 1, buf_span(&sealed), &kind));
    seal_release(first);
    seal_adopt(seal, both); /* and may come back */
    assert_true(has(seal, "k1"));
    out.len = 0;
    first = seal_find(seal, SPAN("k1"));
    assert_true(seal_open(&out, first, &place, 1, buf_span(&sealed), &kind));
    seal_release(first);
    assert_null(seal_current(NULL));
    assert_null(seal_find(NULL, SPAN("k1")));
    seal_free(seal);
    seal_free(both);
    seal_free(last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_another_has_sealed),
        cmocka_unit_test(opens_nothing_else),
        cmocka_unit_test(seals_nothing_twice_alike),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(keys_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SHA-256, plain and length-prefixed, against Python's hashlib. */
#include "base/hash.h"

#include "base/hex.h"
#include "unit.h"

static void check_digest(const char *row, const struct span *parts, size_t count, const char *want)
{
    uint8_t digest[HASH_BYTES];
    char text[2 * HASH_BYTES + 1];
    hash_parts(parts, count, digest);
    hex_write(text, digest, sizeof digest);
    check_text(row, span_of(text), want);
}

/*
 * The values are from Python:
 * hashlib.sha256(b"".join(len(p).to_bytes(8, "big") + p for p in parts)).hexdigest()
 */
static void agrees_with_hashlib(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct span long_part = repeat(&arena, 'x', 300); /* its length takes two bytes */
    struct span empty = {NULL, 0};
    struct span nul = {"a\0b", 3};
    check_digest("no part", &empty, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_digest("an empty part", &empty, 1,
                 "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc");
    check_digest("300 bytes", &long_part, 1,
                 "ed6e476c63cfa0dd32e5df013e283c03074545cb4b5d82da9afcd49b2a15cb07");
    check_digest("a NUL inside", &nul, 1, "a360553fcb4ddf01f4b43108f585b3e3a55b1bd4d40478488ef112cce31ea2b1");
}

/* The values are from sha256sum. */
static void agrees_with_sha256sum(void **state)
{
    (void)state;
    uint8_t digest[HASH_BYTES];
    char text[2 * HASH_BYTES + 1];
    hash_text(SPAN("abc"), digest);
    hex_write(text, digest, sizeof digest);
    check_text("abc", span_of(text), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_text((struct span){NULL, 0}, digest);
    hex_write(text, digest, sizeof digest);
    check_text("nothing", span_of(text), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Without the lengths, a source could make an id that belongs to another. */
static void parts_do_not_run_together(void **state)
{
    (void)state;
    const struct span early[] = {SPAN("a"), SPAN("bc")};
    const struct span late[] = {SPAN("ab"), SPAN("c")};
    check_digest("a, bc", early, 2, "3fafa1cf2f19a7c1129beb20cf0983f73a489a221fc0dd2f16d1be292d089205");
    check_digest("ab, c", late, 2, "601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_hashlib),
        cmocka_unit_test(agrees_with_sha256sum),
        cmocka_unit_test(parts_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

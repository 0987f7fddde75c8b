/* Hexadecimal digits both ways. */
#include "base/hex.h"

#include "unit.h"

static void every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[2 * sizeof bytes + 1];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    hex_write(text, bytes, sizeof bytes);
    assert_int_equal(strlen(text), 2 * sizeof bytes);
    assert_true(hex_read(span_of(text), back, sizeof back));
    assert_memory_equal(bytes, back, sizeof bytes);
}

static void writes_lowercase_digits(void **state)
{
    (void)state;
    char text[9];
    hex_write(text, (const uint8_t[]){0x00, 0x9f, 0xa0, 0xff}, 4);
    assert_string_equal(text, "009fa0ff");
}

static void reads_either_case(void **state)
{
    (void)state;
    uint8_t bytes[3];
    assert_true(hex_read(SPAN("aBcDeF"), bytes, 3));
    assert_memory_equal(bytes, "\xab\xcd\xef", 3);
}

/* The characters beside 0-9, a-f and A-F are where a hand-written digit test goes wrong. */
static void reads_nothing_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "1",    "12",   "123",  "12345", "123456", "0x12", "12 4", " 123",
        "/000", "0:00", "@000", "0G00", "00`0",  "000g",   "+123", "-123", "12\xc3\xa9",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t bytes[2];
        CHECK(texts[i], !hex_read(span_of(texts[i]), bytes, 2));
    }
    uint8_t none[1];
    assert_false(hex_read((struct span){"1\0002", 3}, none, 1));
    assert_false(hex_read((struct span){"\0001", 2}, none, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(writes_lowercase_digits),
        cmocka_unit_test(reads_either_case),
        cmocka_unit_test(reads_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

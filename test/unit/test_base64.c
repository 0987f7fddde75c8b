/* Base64: the vectors of RFC 4648, section 10, and everything that only looks like it. */
#include "base/base64.h"

#include "unit.h"

static const struct {
    const char *bytes, *text;
} known[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void writes_and_reads_what_the_rfc_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct buf text CLEANUP(buf_free) = {0};
        struct buf bytes CLEANUP(buf_free) = {0};
        base64_write(&text, span_of(known[i].bytes));
        check_text(known[i].bytes, buf_span(&text), known[i].text);
        CHECK(known[i].text, base64_read(&bytes, span_of(known[i].text)));
        check_text(known[i].text, buf_span(&bytes), known[i].bytes);
    }
}

static void refuses_what_only_looks_like_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg",   "Zg=",  "Zg===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n",  "=Zm9",
                                      "Z===", "Zm9_", "Zm9-",  "Z",    "====", "Zm9v=", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf bytes CLEANUP(buf_free) = {0};
        CHECK(bad[i], !base64_read(&bytes, span_of(bad[i])));
    }
}

static void the_alphabet_for_urls_may_lack_padding(void **state)
{
    (void)state;
    static const char *const good[] = {"-_8", "-_8="};
    static const char *const bad[] = {"+/8", "-_8==", "-_9", "-", "-_8=="};
    for (size_t i = 0; i < 2; i++) {
        struct buf bytes CLEANUP(buf_free) = {0};
        CHECK(good[i], base64url_read(&bytes, span_of(good[i])));
        check_text(good[i], buf_span(&bytes), "\xfb\xff");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf bytes CLEANUP(buf_free) = {0};
        CHECK(bad[i], !base64url_read(&bytes, span_of(bad[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_what_the_rfc_says),
        cmocka_unit_test(refuses_what_only_looks_like_it),
        cmocka_unit_test(the_alphabet_for_urls_may_lack_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

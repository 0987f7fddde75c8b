/* Who signed a webhook: what is accepted, what is refused, and why the log says so. */
#include "model/scheme.h"

#include "model/builtin.h"
#include "model/definition.h"
#include "unit.h"

#define BODY "{\"a\":1}"

/* From Python: hmac.new(b"first secret", b'{"a":1}', "sha256").hexdigest(), and with "second secret". */
#define FIRST  "b84b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1d62"
#define SECOND "b21838b5cda447295b8b46842a12955d3c2075ec685d75c1b7cc6d7482eab073"

#define NOW INT64_C(1768435200000)

static struct definition *dentrix; /* loaded once for all tests */

/* A source with up to two secrets, both live at any time until a test narrows that. */
struct desk {
    struct secret secrets[2];
    struct source source;
};

static char no_url[] = "";

static void desk_set_up(struct desk *desk, size_t secret_count)
{
    static const char *const texts[] = {"first secret", "second secret"};
    const char *why;
    *desk = (struct desk){
        .source = {.public_url = no_url, .secrets = desk->secrets, .secret_count = secret_count}};
    for (size_t i = 0; i < secret_count; i++)
        desk->secrets[i] = (struct secret){.key = scheme_key_new(dentrix->scheme, span_of(texts[i]), &why),
                                           .not_before = INT64_MIN,
                                           .not_after = INT64_MAX};
}

static void desk_clear(struct desk *desk)
{
    for (size_t i = 0; i < desk->source.secret_count; i++)
        scheme_key_free(desk->secrets[i].key);
}

/* The reason for which it is refused, or "accepted". */
static const char *verdict(const struct desk *desk, const struct header *headers, size_t count,
                           struct span body)
{
    struct proof proof = {0};
    struct request request = {.body = body, .headers = headers, .header_count = count, .received = NOW};
    struct arena arena CLEANUP(arena_free) = {0};
    enum err err = scheme_verify(dentrix->scheme, &desk->source, &request, &arena, &proof);
    assert_true(err == ERR_OK || err == ERR_BAD_SIGNATURE);
    assert_non_null(proof.reason);
    assert_true((proof.secret != NULL) == (err == ERR_OK));
    return err == ERR_OK ? "accepted" : proof.reason;
}

static bool sign(const struct desk *desk, struct span body, struct buf *headers)
{
    const char *why;
    struct request request = {.body = body, .received = NOW};
    return scheme_sign(dentrix->scheme, &desk->source, &request, headers, &why);
}

static const char *verdict_on(const struct desk *desk, const char *signature)
{
    struct header header = {SPAN("X-Dentrix-Signature"), span_of(signature)};
    return verdict(desk, &header, 1, SPAN(BODY));
}

static const struct {
    const char *signature, *verdict;
} rows[] = {
    {FIRST, "accepted"},
    {"B84B168B1B65EAC71E39D5A3F57209482CC7C6B9F0F3BAA08772519B8E7E1D62", "accepted"},
    {"B84b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1D62", "accepted"},
    {"", "missing"},
    {"b8", "malformed"},
    {"b84b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1d6", "malformed"},
    {FIRST "0", "malformed"},
    {FIRST "00", "malformed"},
    {FIRST FIRST, "malformed"},
    {" " FIRST, "malformed"},
    {"sha256=" FIRST, "malformed"},
    {FIRST "," FIRST, "malformed"},
    {"g84b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1d62", "malformed"},
    {"b84b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1d6\xc3", "malformed"},
    {"uEsWixtl6sceOdWj9XIJSCzHxrnw87qgh3JRm45+HWI=", "malformed"}, /* the same bytes in Base64 */
    {"b84b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1d63", "wrong"}, /* the last bit */
    {"384b168b1b65eac71e39d5a3f57209482cc7c6b9f0f3baa08772519b8e7e1d62", "wrong"}, /* the first */
    {"0000000000000000000000000000000000000000000000000000000000000000", "wrong"},
    {SECOND, "wrong"},
};

static void only_the_right_signature_is_accepted(void **state)
{
    (void)state;
    struct desk desk;
    desk_set_up(&desk, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_text(rows[i].signature, span_of(verdict_on(&desk, rows[i].signature)), rows[i].verdict);
    desk_clear(&desk);
}

static void the_header_stands_there_once(void **state)
{
    (void)state;
    struct desk desk;
    struct header headers[] = {
        {SPAN("Content-Type"), SPAN("application/json")},
        {SPAN("x-dentrix-SIGNATURE"), SPAN(FIRST)},
        {SPAN("X-Dentrix-Signature"), SPAN(FIRST)},
        {SPAN("X-Dentrix-Signature2"), SPAN(FIRST)},
    };
    desk_set_up(&desk, 1);
    assert_string_equal(verdict(&desk, headers, 0, SPAN(BODY)), "missing");
    assert_string_equal(verdict(&desk, headers, 1, SPAN(BODY)), "missing");
    assert_string_equal(verdict(&desk, headers, 2, SPAN(BODY)), "accepted"); /* in any case */
    assert_string_equal(verdict(&desk, headers, 3, SPAN(BODY)), "repeated");
    assert_string_equal(verdict(&desk, headers + 3, 1, SPAN(BODY)), "missing");
    desk_clear(&desk);
}

/* The raw bytes are signed: what is the same JSON is not the same webhook. */
static void another_body_is_refused(void **state)
{
    (void)state;
    struct desk desk;
    struct header header = {SPAN("X-Dentrix-Signature"), SPAN(FIRST)};
    desk_set_up(&desk, 1);
    assert_string_equal(verdict(&desk, &header, 1, SPAN(BODY)), "accepted");
    assert_string_equal(verdict(&desk, &header, 1, SPAN("{\"a\": 1}")), "wrong");
    assert_string_equal(verdict(&desk, &header, 1, SPAN("{\"a\":1}\n")), "wrong");
    assert_string_equal(verdict(&desk, &header, 1, SPAN("{\"a\":1}\0")), "wrong");
    assert_string_equal(verdict(&desk, &header, 1, SPAN("")), "wrong");
    desk_clear(&desk);
}

static void any_live_secret_will_do(void **state)
{
    (void)state;
    struct desk desk;
    desk_set_up(&desk, 2);
    assert_string_equal(verdict_on(&desk, FIRST), "accepted");
    assert_string_equal(verdict_on(&desk, SECOND), "accepted");
    desk.secrets[0].not_after = NOW;
    assert_string_equal(verdict_on(&desk, FIRST), "wrong");
    assert_string_equal(verdict_on(&desk, SECOND), "accepted");
    desk_clear(&desk);
}

static void a_secret_lives_from_and_until(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t not_before, not_after;
        const char *verdict;
    } times[] = {
        {"always", INT64_MIN, INT64_MAX, "accepted"},
        {"from now", NOW, INT64_MAX, "accepted"},
        {"from the next millisecond", NOW + 1, INT64_MAX, "no secret is live now"},
        {"until the next millisecond", INT64_MIN, NOW + 1, "accepted"},
        {"until now", INT64_MIN, NOW, "no secret is live now"},
        {"never", NOW, NOW, "no secret is live now"},
    };
    struct desk desk;
    desk_set_up(&desk, 1);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        desk.secrets[0].not_before = times[i].not_before;
        desk.secrets[0].not_after = times[i].not_after;
        check_text(times[i].name, span_of(verdict_on(&desk, FIRST)), times[i].verdict);
    }
    desk_clear(&desk);
}

static void without_a_secret_nothing_is_accepted(void **state)
{
    (void)state;
    struct desk desk;
    struct buf headers CLEANUP(buf_free) = {0};
    desk_set_up(&desk, 0);
    assert_string_equal(verdict_on(&desk, FIRST), "no secret is live now");
    assert_string_equal(verdict_on(&desk, "00"), "malformed");
    assert_false(sign(&desk, SPAN(BODY), &headers));
    assert_int_equal(headers.len, 0);
}

static void signs_with_the_first_live_secret(void **state)
{
    (void)state;
    struct desk desk;
    struct buf headers CLEANUP(buf_free) = {0};
    desk_set_up(&desk, 2);
    assert_true(sign(&desk, SPAN(BODY), &headers));
    check_text("first", buf_span(&headers), "X-Dentrix-Signature: " FIRST "\n");
    buf_free(&headers);
    desk.secrets[0].not_before = NOW + 1;
    assert_true(sign(&desk, SPAN(BODY), &headers));
    check_text("second", buf_span(&headers), "X-Dentrix-Signature: " SECOND "\n");
    desk_clear(&desk);
}

static void what_is_signed_is_accepted(void **state)
{
    (void)state;
    static const struct span bodies[] = {SPAN(""), SPAN(BODY), SPAN("\0\xff binary")};
    struct desk desk;
    desk_set_up(&desk, 1);
    for (size_t i = 0; i < 3; i++) {
        struct buf headers CLEANUP(buf_free) = {0};
        assert_true(sign(&desk, bodies[i], &headers));
        struct span value = span_trim(buf_span(&headers));
        struct span name = span_cut(&value, ':');
        struct header header = {name, span_trim(value)};
        assert_string_equal(verdict(&desk, &header, 1, bodies[i]), "accepted");
    }
    desk_clear(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_signature_is_accepted),
        cmocka_unit_test(the_header_stands_there_once),
        cmocka_unit_test(another_body_is_refused),
        cmocka_unit_test(any_live_secret_will_do),
        cmocka_unit_test(a_secret_lives_from_and_until),
        cmocka_unit_test(without_a_secret_nothing_is_accepted),
        cmocka_unit_test(signs_with_the_first_live_secret),
        cmocka_unit_test(what_is_signed_is_accepted),
    };
    struct faults faults CLEANUP(faults_free) = {0};
    dentrix = definition_load(builtin_at(0).text, "dentrix", &faults);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    definition_free(dentrix);
    return failed;
}

/* Ids of events, and the time of a first arrival. */
#include "model/event.h"

#include "unit.h"

/*
 * The ids are from Python, with the parts b"pickupd1", origin, b"body" and the body:
 * hashlib.sha256(b"".join(len(p).to_bytes(8, "big") + p for p in parts)).hexdigest()[:32]
 */
static void ids_agree_with_hashlib(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *body, *id;
    } rows[] = {
        {"dentrix", "{\"externalId\":\"DX-54321\"}", "8bdc8394c5b58a78910c710913814d00"},
        {"dentrix2", "{\"externalId\":\"DX-54321\"}", "4f48d27779854dfaeb3d203f87cc4837"},
        {"opendental", "", "071cd975a1b1d6dbd4878711849a22cc"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[EVENT_ID_TEXT];
        struct event_id id = event_id(span_of(rows[i].origin), SPAN("body"), span_of(rows[i].body));
        event_id_write(text, &id);
        check_text(rows[i].origin, span_of(text), rows[i].id);
    }
}

static void an_id_survives_its_text(void **state)
{
    (void)state;
    struct event_id id = event_id(SPAN("dentrix"), SPAN("body"), SPAN("{}"));
    struct event_id read = {{0}};
    char text[EVENT_ID_TEXT];
    event_id_write(text, &id);
    assert_int_equal(strlen(text), 32);
    assert_true(event_id_read(span_of(text), &read));
    assert_memory_equal(id.bytes, read.bytes, EVENT_ID_BYTES);
}

static void other_texts_are_no_id(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "8bdc8394c5b58a78910c710913814d0",
        "8bdc8394c5b58a78910c710913814d000",
        "8bdc8394c5b58a78910c710913814d0g",
        " 8bdc8394c5b58a78910c710913814d0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct event_id id;
        CHECK(texts[i], !event_id_read(span_of(texts[i]), &id));
    }
}

/* 1768435200 is 2026-01-15T00:00:00Z. */
static void the_time_is_set_in_the_detail_too(void **state)
{
    (void)state;
    char detail[] = "{\"requestTime\":\"2026-11-20T16:00:00Z\",\"notes\":\"\"}";
    struct event event = {.detail = detail, .detail_len = strlen(detail), .received_at = 16};
    event_set_time(&event, INT64_C(1768435200999));
    assert_true(event.time == INT64_C(1768435200999));
    assert_string_equal(detail, "{\"requestTime\":\"2026-01-15T00:00:00Z\",\"notes\":\"\"}");
}

static void a_detail_without_the_time_is_left_alone(void **state)
{
    (void)state;
    char detail[] = "{\"requestTime\":\"2026-11-20T16:00:00Z\"}";
    struct event event = {.detail = detail, .detail_len = strlen(detail)};
    event_set_time(&event, INT64_C(1768435200000));
    assert_true(event.time == INT64_C(1768435200000));
    assert_string_equal(detail, "{\"requestTime\":\"2026-11-20T16:00:00Z\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_agree_with_hashlib),
        cmocka_unit_test(an_id_survives_its_text),
        cmocka_unit_test(other_texts_are_no_id),
        cmocka_unit_test(the_time_is_set_in_the_detail_too),
        cmocka_unit_test(a_detail_without_the_time_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

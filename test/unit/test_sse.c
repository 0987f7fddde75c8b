/* The event log as Server-Sent Events: what is sent, what is missing, and where a reader goes on. */
#include "model/sse.h"

#include "unit.h"

/* Newlines are written as '|'. */
static void check_sent(const char *row, struct buf *out, const char *want)
{
    for (size_t i = 0; i < out->len; i++)
        if (out->at[i] == '\n')
            out->at[i] = '|';
    check_text(row, buf_span(out), want);
    out->len = 0;
}

static const struct {
    const char *row;
    int64_t position, first, last, from;
    const char *gap;
} resumes[] = {
    {"from now on", SSE_NOW, 1, 9, 9, ""},
    {"from now on, in an empty log", SSE_NOW, 0, 0, 0, ""},
    {"from the start", 0, 1, 9, 0, ""},
    {"from the start of an empty log", 0, 0, 0, 0, ""},
    {"from somewhere", 4, 1, 9, 4, ""},
    {"nothing is new", 9, 1, 9, 9, ""},
    {"just before what is kept", 3, 4, 9, 3, ""},
    {"one is gone", 2, 4, 9, 3, "id: 3|event: gap|data: {\"after\":2,\"next\":4}||"},
    {"the start is gone", 0, 4, 9, 3, "id: 3|event: gap|data: {\"after\":0,\"next\":4}||"},
    {"all is gone", 2, 0, 9, 9, "id: 9|event: gap|data: {\"after\":2,\"next\":10}||"},
    {"all is gone, and was seen", 9, 0, 9, 9, ""},
    {"of another log", 10, 1, 9, 9, "id: 9|event: gap|data: {\"after\":10,\"next\":10}||"},
    {"of another log, far off", INT64_MAX, 1, 9, 9,
     "id: 9|event: gap|data: {\"after\":9223372036854775807,\"next\":10}||"},
};

static void test_resume(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof resumes / sizeof resumes[0]; i++) {
        struct buf out CLEANUP(buf_free) = {0};
        struct sse sse = {.out = &out};
        check_int(resumes[i].row, sse_resume(&sse, resumes[i].position, resumes[i].first, resumes[i].last),
                  resumes[i].from);
        sse_pause(&sse);
        check_sent(resumes[i].row, &out, resumes[i].gap);
    }
}

static void send(struct sse *sse, int64_t seq, bool is_purged)
{
    static char detail[] = "{\"a\":\"b\\n\"}";
    struct event event = {
        .origin = SPAN("o"), .source = SPAN("s"), .type = SPAN("T"), .detail_len = strlen(detail)};
    event.detail = is_purged ? NULL : detail;
    sse_event(sse, seq, &event);
}

#define SENT(seq)                                                                                            \
    "id: " #seq "|data: {\"id\":\"00000000000000000000000000000000\",\"seq\":" #seq                          \
    ",\"source\":\"s\",\"origin\":\"o\",\"detailType\":\"T\",\"time\":\"1970-01-01T00:00:00Z\","             \
    "\"detail\":{\"a\":\"b\\n\"}}||"

static void test_events_and_gaps(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    struct sse sse = {.out = &out};
    send(&sse, 4, false);
    check_sent("an event", &out, SENT(4));
    send(&sse, 6, true);
    check_sent("a gap that may grow", &out, "");
    send(&sse, 9, true);
    send(&sse, 10, false);
    check_sent("a gap, then an event", &out, "id: 9|event: gap|data: {\"after\":5,\"next\":10}||" SENT(10));
    sse_pause(&sse);
    check_sent("no gap", &out, "");
    send(&sse, 11, true);
    sse_pause(&sse);
    check_sent("a gap at the end", &out, "id: 11|event: gap|data: {\"after\":10,\"next\":12}||");
    sse_pause(&sse);
    check_sent("told once", &out, "");
}

static void test_the_start_and_what_was_purged_are_one_gap(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    struct sse sse = {.out = &out};
    check_int("from", sse_resume(&sse, 2, 4, 9), 3);
    send(&sse, 4, true);
    send(&sse, 5, false);
    check_sent("one gap", &out, "id: 4|event: gap|data: {\"after\":2,\"next\":5}||" SENT(5));
}

static void test_beat(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free) = {0};
    sse_beat(&out, 17);
    check_sent("beat", &out, ":|id: 17||");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_events_and_gaps),
        cmocka_unit_test(test_the_start_and_what_was_purged_are_one_gap),
        cmocka_unit_test(test_beat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Events as CloudEvents 1.0 has them. */
#include "model/cloudevent.h"

#include "unit.h"

static struct event sample = {
    .id = {{0xab, 1, [15] = 2}},
    .origin = SPAN("north-portal"),
    .source = SPAN("crm.portal"),
    .type = SPAN("Thing"),
    .org = SPAN("default"),
    .time = INT64_C(1767225600999),
};

static void check_written(const struct event *event, int64_t seq, const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct buf out = {.arena = &arena};
    cloudevent_write(&out, seq, event);
    check_text("event", buf_span(&out), quoted(&arena, want).at);
}

static void test_every_attribute(void **state)
{
    (void)state;
    char detail[] = "{\"a\":1}";
    struct event event = sample;
    event.detail = detail;
    event.detail_len = strlen(detail);
    check_written(&event, 42,
                  "{'specversion':'1.0','id':'ab010000000000000000000000000002','source':'crm.portal',"
                  "'type':'Thing','time':'2026-01-01T00:00:00Z','sequence':'0000000000000000042',"
                  "'origin':'north-portal','datacontenttype':'application/json','data':{'a':1}}");
}

static void test_purged(void **state)
{
    (void)state;
    check_written(&sample, INT64_MAX,
                  "{'specversion':'1.0','id':'ab010000000000000000000000000002','source':'crm.portal',"
                  "'type':'Thing','time':'2026-01-01T00:00:00Z','sequence':'9223372036854775807',"
                  "'origin':'north-portal'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_attribute),
        cmocka_unit_test(test_purged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

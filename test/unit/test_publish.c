/* Envelopes that programs of the lab publish: what becomes an event, and by what it is known. */
#include "model/publish.h"

#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "unit.h"

#define NOW INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct published {
    struct arena arena;
    struct json *envelope;
    struct event event;
    struct faults faults;
    bool good;
};

static void publish(struct published *it, struct span text, const char *org)
{
    struct json_fault fault;
    it->faults.arena = &it->arena;
    it->envelope = json_parse(text, &fault);
    assert_non_null(it->envelope);
    it->good = publish_read(&it->arena, it->envelope, span_of(org), NOW, &it->event, &it->faults);
    assert_int_equal(it->good, it->faults.count == 0);
}

static void drop(struct published *it)
{
    json_free(it->envelope);
    arena_free(&it->arena);
}

#define PUBLISHED __attribute__((cleanup(drop)))

static void test_becomes_an_event(void **state)
{
    (void)state;
    struct published it PUBLISHED = {0};
    publish(&it,
            quoted(&it.arena,
                   "{'source':'crm.portal','detailType':'Thing','time':'2025-12-31T23:00:00.5-01:00',"
                   "'detail':{ 'b' : 1, 'a' : {} } }"),
            "north");
    assert_true(it.good);
    check_text("source", it.event.source, "crm.portal");
    check_text("origin", it.event.origin, "crm.portal");
    check_text("type", it.event.type, "Thing");
    check_text("org", it.event.org, "north");
    check_int("time", it.event.time, NOW + 500);
    check_text("detail", (struct span){it.event.detail, it.event.detail_len},
               quoted(&it.arena, "{'b':1,'a':{}}").at);
}

static const struct {
    const char *envelope, *faults;
} faulty[] = {
    {"[]", "Invalid event: is no object"},
    {"{}", "Missing source; Missing detailType; Missing detail"},
    {"{'source':null,'detailType':null,'detail':null,'id':null,'time':null}",
     "Missing source; Missing detailType; Missing detail"},
    {"{'source':1,'detailType':[],'detail':'x','id':7,'time':1767225600}",
     "Invalid id; Invalid source; Invalid detailType; Invalid time; Invalid detail"},
    {"{'source':'','detailType':'','detail':[],'id':'','time':''}",
     "Invalid id; Invalid source; Invalid detailType; Invalid time; Invalid detail"},
    {"{'source':'a.b','detailType':'T\\n','detail':{},'id':'\\u007f'}", "Invalid id; Invalid detailType"},
    {"{'source':'a.b','detailType':'T\\u009b31m','detail':{},'id':'a\\u0080'}",
     "Invalid id; Invalid detailType"},
    {"{'source':'a.b','detailType':'T\\u00a0','detail':{},'id':'a\\u00db'}", ""},
    {"{'source':'a.b','detailType':'T','detail':{},'time':'2026-01-01T00:00:00'}", "Invalid time"},
    {"{'source':'a.b','detailType':'T','detail':{},'time':'2026-01-01T00:05:01Z'}",
     "Invalid time: is in the future"},
    {"{'source':'ehr.dentrix','detailType':'T','detail':{}}",
     "Invalid source: nobody but pickupd publishes as that"},
};

static void test_all_faults_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        struct published it PUBLISHED = {0};
        publish(&it, quoted(&it.arena, faulty[i].envelope), "default");
        check_faults(faulty[i].envelope, &it.faults, faulty[i].faults);
    }
}

static void test_a_clock_may_be_a_little_ahead(void **state)
{
    (void)state;
    struct published it PUBLISHED = {0};
    publish(&it,
            quoted(&it.arena, "{'source':'a.b','detailType':'T','detail':{},'time':'2026-01-01T00:05:00Z'}"),
            "default");
    assert_true(it.good);
    check_int("time", it.event.time, NOW + PUBLISH_AHEAD_MS);
}

static const struct {
    const char *text;
    bool is_source, is_ours;
} sources[] = {
    {"crm.portal", true, false},
    {"a.b.c-d_9", true, false},
    {"portal", false, false},
    {"", false, false},
    {".", false, false},
    {".a", false, false},
    {"a.", false, false},
    {"a..b", false, false},
    {"A.b", false, false},
    {"a.b c", false, false},
    {"a.\xc3\xbc", false, false},
    {"ehr.dentrix", true, true},
    {"ehr.anything", true, true},
    {"ehrs.x", true, false},
    {"logistics.pickups", true, true},
    {"logistics.driver", true, false},
    {"logistics.deliveries", true, true},
    {"finance.billing", true, true},
    {"finance.billings", true, false},
    {"pickupd.dispatch", true, true},
    {"pickupds.dispatch", true, false},
};

static void test_sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        CHECK(sources[i].text, publish_is_source(span_of(sources[i].text)) == sources[i].is_source);
        CHECK(sources[i].text, publish_is_ours(span_of(sources[i].text)) == sources[i].is_ours);
    }
}

/* Where `%` stands in the envelope, a text of that many bytes is put. */
static const struct {
    const char *envelope;
    size_t most;
    const char *fault;
} bounds[] = {
    {"{'id':'%','source':'a.b','detailType':'T','detail':{}}", PUBLISH_ID_MAX, "Invalid id"},
    {"{'source':'a.%','detailType':'T','detail':{}}", PUBLISH_SOURCE_MAX - 2, "Invalid source"},
    {"{'source':'a.b','detailType':'%','detail':{}}", PUBLISH_TYPE_MAX, "Invalid detailType"},
    {"{'source':'a.b','detailType':'T','detail':{'x':'%'}}", PUBLISH_DETAIL_MAX - 8,
     "Invalid detail: has more than 1048576 bytes"},
};

static void test_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (size_t over = 0; over < 2; over++) {
            struct published it PUBLISHED = {0};
            struct buf text = {.arena = &it.arena};
            struct span rest = quoted(&it.arena, bounds[i].envelope);
            buf_add(&text, span_cut(&rest, '%'));
            buf_add(&text, repeat(&it.arena, 'a', bounds[i].most + over));
            buf_add(&text, rest);
            publish(&it, buf_span(&text), "default");
            check_faults(bounds[i].envelope, &it.faults, over ? bounds[i].fault : "");
        }
    }
}

/* The id and the digests are Python's hashlib's, of what model/event.h and model/publish.h say. */
static void test_known_by_org_source_and_id(void **state)
{
    (void)state;
    char id[EVENT_ID_TEXT], content[2 * HASH_BYTES + 1];
    struct published it PUBLISHED = {0}, other PUBLISHED = {0};
    const char *text = "{'id':'P-1','source':'crm.portal','detailType':'Thing',"
                       "'detail':{'b':'\xc3\xbc','a':{'y':[true],'x':1.5}}}";
    publish(&it, quoted(&it.arena, text), "default");
    publish(&other, quoted(&other.arena, text), "north");
    event_id_write(id, &it.event.id);
    hex_write(content, it.event.content, HASH_BYTES);
    assert_string_equal(id, "6ab475ee0397bdc2d49e69c92dda44b6");
    assert_string_equal(content, "370d0026feb475e155e0d9fba58cbf2ede0950496fddc89d358c2e59e3ec8402");
    assert_memory_not_equal(&it.event.id, &other.event.id, EVENT_ID_BYTES);
}

/* Pairs of envelopes, and whether they say the same. */
static const struct {
    const char *a, *b;
    bool is_same;
} contents[] = {
    {"'detail':{'a':1,'b':2}", "'detail':{ 'b':2, 'a':1 }", true},
    {"'detail':{'a':1}", "'detail':{'a':1.0}", false},
    {"'detail':{},'time':'2025-12-31T23:00:00Z'", "'time':'2025-12-31T18:00:00.000-0500','detail':{}", true},
    {"'detail':{},'time':'2025-12-31T23:00:00Z'", "'detail':{},'time':'2025-12-31T23:00:01Z'", false},
    {"'detail':{},'time':'2026-01-01T00:00:00Z'", "'detail':{}", false},
};

static void test_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct published a PUBLISHED = {0}, b PUBLISHED = {0};
        struct buf texts[2] = {{.arena = &a.arena}, {.arena = &b.arena}};
        buf_printf(&texts[0], "{'id':'1','source':'a.b','detailType':'T',%s}", contents[i].a);
        buf_printf(&texts[1], "{'id':'1','source':'a.b','detailType':'T',%s}", contents[i].b);
        publish(&a, quoted(&a.arena, buf_text(&texts[0])), "default");
        publish(&b, quoted(&b.arena, buf_text(&texts[1])), "default");
        CHECK(contents[i].a, memcmp(&a.event.id, &b.event.id, EVENT_ID_BYTES) == 0);
        CHECK(contents[i].b, !memcmp(a.event.content, b.event.content, HASH_BYTES) == contents[i].is_same);
    }
}

static void test_without_an_id_each_is_another(void **state)
{
    (void)state;
    struct published a PUBLISHED = {0}, b PUBLISHED = {0};
    const char *text = "{'source':'a.b','detailType':'T','detail':{}}";
    publish(&a, quoted(&a.arena, text), "default");
    publish(&b, quoted(&b.arena, text), "default");
    assert_memory_not_equal(&a.event.id, &b.event.id, EVENT_ID_BYTES);
    assert_null(a.event.content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_becomes_an_event),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_a_clock_may_be_a_little_ahead),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_known_by_org_source_and_id),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_without_an_id_each_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

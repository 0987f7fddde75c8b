/* A form: as a payload, written again and read again, and as the text that a scheme signs. */
#include "fuzz.h"

static struct source source;

static void set_up(void)
{
    struct arena arena CLEANUP(arena_free) = {0};
    source = fuzz_source(
        fuzz_definition(fuzz_quoted(
            &arena,
            "{'vendor':'fuzz','scheme':{'kind':'hmac','hash':'sha1','signature':{'header':'X-Signature',"
            "'encoding':'base64'},'signed':'{url}{form_sorted}'},'request':{'body':'form'},"
            "'event':{'source':'ehr.fuzz','type':'Fuzzed','detail':{'all':{'from':'$','type':'any'},"
            "'whole':{'from':'n','type':'whole','nulls':['']}}}}")),
        NULL);
}

static void put_escaped(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_printf(out, "%%%02X", (unsigned char)text.at[i]);
}

/* The fields of a detail as a form again, all of it escaped. */
static struct span write_form(const struct event *event, struct arena *arena)
{
    struct json_fault fault;
    struct buf out = {.arena = arena};
    struct json *detail = json_parse((struct span){event->detail, event->detail_len}, &fault);
    void *at = NULL;
    const char *name;
    const struct json *value;
    while (json_next(json_get(detail, "all"), &at, &name, &value)) {
        if (out.len > 0)
            buf_add_char(&out, '&');
        put_escaped(&out, span_of(name));
        buf_add_char(&out, '=');
        put_escaped(&out, json_str(value));
    }
    json_free(detail);
    return buf_span(&out);
}

static void check_again(const struct event *event, struct arena *arena)
{
    struct verdict again;
    verdict_again(&source, &event->id, write_form(event, arena), SPAN(""), FUZZ_NOW, arena, &again);
    HOLDS(again.count == 1 && again.pieces[0].event.detail != NULL);
    HOLDS(span_is((struct span){event->detail, event->detail_len},
                  (struct span){again.pieces[0].event.detail, again.pieces[0].event.detail_len}));
    HOLDS(memcmp(event->id.bytes, again.pieces[0].event.id.bytes, EVENT_ID_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct verdict verdict;
    struct span body = fuzz_span(data, size);
    if (source.definition == NULL)
        set_up();
    verdict_again(&source, NULL, body, SPAN(""), FUZZ_NOW, &arena, &verdict);
    fuzz_check_verdict(&verdict);
    HOLDS(verdict.count == 1);
    if (verdict.pieces[0].faults.count > 0)
        return 0;
    check_again(&verdict.pieces[0].event, &arena);
    return 0;
}

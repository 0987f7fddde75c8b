/* A line with a request's head, and a body, for a definition that uses every type and most of the rest. */
#include "fuzz.h"

static const char text[] =
    "{'vendor':'fuzz','scheme':{'kind':'static','signature':{'header':'X-Token'}},"
    "'each':['rows','batch.items','$'],'events':["
    "{'when':{'kind':['noise','hum',0,false]},'ignore':true},"
    "{'when':{'kind':'pickup','header:X-Kind':['fetch','pickup'],'gone':null},'source':'ehr.fuzz',"
    "'type':'PickupRequested','key':['id',['$.batch.id','query:batch']],'detail':{"
    "'pickupId':{'from':'id','type':'id','prefix':'{id_prefix}-','required':true},"
    "'name':{'from':['name','people.0.name','people.role=owner.name'],'type':'string','default':'of "
    "{pickupId}'},"
    "'at':{'from':'at','type':'time','offset':'-1h','required':true},"
    "'day':{'from':'day','type':'time','format':'%-m/%-d/%Y %I:%M %p','zone':'America/New_York'},"
    "'unix':{'from':'unix','type':'time','format':'unix'},'ms':{'from':'ms','type':'time','format':'unix_ms'}"
    ","
    "'requestTime':{'text':'{received}'},'windowStart':{'text':'{at}'},"
    "'inner':{'fields':{'whole':{'from':'n.whole','type':'whole','min':-5,'max':500},"
    "'number':{'from':'n.number','type':'number'},'deep':{'fields':{"
    "'bool':{'from':'n.bool','type':'bool','default':false}}}}}}},"
    "{'when':{'kind':'*'},'source':'ehr.fuzz','type':'Fuzzed','key':['key'],'detail':{"
    "'table':{'from':'t','type':'table','table':[['a',1],['b','two'],[3,null],[true,{'x':[]}]],'ignore_case':"
    "true,"
    "'otherwise':'none'},'strict':{'from':'strict','type':'table','table':[[0,false],[1,true]]},"
    "'scalar':{'from':'scalar','type':'scalar','nulls':['',0,'none']},'any':{'from':'any','type':'any'},"
    "'head':{'from':'header:X-Whole','type':'whole'},'query':{'from':'query:flag','type':'bool'}}},"
    "{'when':{'free':'*'},'source':'ehr.fuzz','type':'Free','detail':{'row':{'from':'.','type':'any'}}}]}";

static struct span definition_text;
static struct source source;

/* A fault names a path of the definition, from its start, and never what stands there. */
static bool is_discreet(const char *fault)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct span name = span_of(fault);
    struct span word = span_cut(&name, ' ');
    struct buf quoted = {.arena = &arena};
    buf_add_char(&quoted, '"');
    buf_add(&quoted, name);
    if (span_is(word, SPAN("Missing")) || span_is(word, SPAN("Invalid")))
        return fuzz_has(definition_text, buf_span(&quoted));
    return span_starts(span_of(fault), SPAN("Malformed JSON at byte ")) ||
           span_starts(span_of(fault), SPAN("Duplicate key at byte ")) ||
           span_starts(span_of(fault), SPAN("Number out of range at byte ")) ||
           span_is(span_of(fault), SPAN("No event fits")) ||
           span_is(span_of(fault), SPAN("Not a JSON object")) ||
           span_is(span_of(fault), SPAN("More than 1000 rows")) ||
           span_is(span_of(fault), SPAN("Rows too large"));
}

static void check_alike(const struct piece *a, const struct piece *b)
{
    HOLDS(memcmp(a->event.id.bytes, b->event.id.bytes, EVENT_ID_BYTES) == 0);
    HOLDS(span_is((struct span){a->event.detail, a->event.detail_len},
                  (struct span){b->event.detail, b->event.detail_len}));
    HOLDS(a->faults.count == b->faults.count);
    for (size_t i = 0; i < a->faults.count; i++)
        HOLDS(strcmp(a->faults.texts[i], b->faults.texts[i]) == 0 && is_discreet(a->faults.texts[i]));
}

/* What quarantine keeps is, alone, the same row with the same faults under the same id. */
static void check_piece(const struct piece *piece, struct span head, struct arena *arena)
{
    struct verdict alone;
    if (piece->faults.count == 0)
        return;
    verdict_again(&source, NULL, piece->body, head, FUZZ_NOW, arena, &alone);
    HOLDS(alone.count == 1);
    check_alike(piece, &alone.pieces[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena kept;
    struct arena arena CLEANUP(arena_free) = {0};
    struct span body = fuzz_span(data, size);
    struct span head = span_cut(&body, '\n');
    struct verdict verdict, again;
    if (source.definition == NULL) {
        definition_text = fuzz_quoted(&kept, text);
        source = fuzz_source(fuzz_definition(definition_text), NULL);
    }
    verdict_again(&source, NULL, body, head, FUZZ_NOW, &arena, &verdict);
    verdict_again(&source, NULL, body, head, FUZZ_NOW, &arena, &again);
    HOLDS(verdict.kind == again.kind && verdict.count == again.count && verdict.ignored == again.ignored);
    fuzz_check_verdict(&verdict);
    for (size_t i = 0; i < verdict.count; i++) {
        check_alike(&verdict.pieces[i], &again.pieces[i]);
        check_piece(&verdict.pieces[i], head, &arena);
    }
    return 0;
}

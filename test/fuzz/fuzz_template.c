/*
 * A line each: what is signed, a text, an id's prefix, a default, a handshake's answer and one in JSON. Then
 * a body. What is signed as the definition says must be taken.
 */
#include "fuzz.h"

static void put_line(struct buf *out, const char *before, struct span line)
{
    struct buf quoted CLEANUP(buf_free) = {0};
    json_put_str(&quoted, line);
    buf_printf(out, "%s%.*s", before, (int)quoted.len, quoted.at);
}

static struct span definition_of(struct span *rest, struct arena *arena)
{
    struct buf out = {.arena = arena};
    struct span text = span_cut(rest, '\n');
    buf_add(&out, SPAN("{\"vendor\":\"fuzz\",\"scheme\":{\"kind\":\"hmac\",\"hash\":\"sha256\",\"signature\":"
                       "{\"header\":\"X-Signature\",\"encoding\":\"hex\"},\"body\":\"unsigned\""));
    if (fuzz_has(text, SPAN("{timestamp}")))
        buf_add(&out, SPAN(",\"timestamp\":{\"header\":\"X-Time\",\"format\":\"unix_ms\"}"));
    if (fuzz_has(text, SPAN("{id}")))
        buf_add(&out, SPAN(",\"id\":{\"header\":\"X-Id\"}"));
    put_line(&out, ",\"signed\":", text);
    buf_add(&out, SPAN("},\"event\":{\"source\":\"ehr.fuzz\",\"type\":\"Fuzzed\",\"detail\":{"
                       "\"first\":{\"from\":\"a\",\"type\":\"string\"}"));
    put_line(&out, ",\"text\":{\"text\":", span_cut(rest, '\n'));
    put_line(&out, "},\"id\":{\"from\":\"id\",\"type\":\"id\",\"prefix\":", span_cut(rest, '\n'));
    put_line(&out, "},\"other\":{\"from\":\"b\",\"type\":\"string\",\"default\":", span_cut(rest, '\n'));
    put_line(&out,
             "}}},\"handshakes\":[{\"when\":{\"hello\":\"*\"},\"answer\":{\"body\":", span_cut(rest, '\n'));
    put_line(&out, "}},{\"when\":{\"hi\":\"*\"},\"answer\":{\"body\":{\"back\":", span_cut(rest, '\n'));
    buf_add(&out, SPAN("}}}]}"));
    return buf_span(&out);
}

/* The request with the headers that we would sign it with; false if that can't be. */
static bool sign(const struct source *source, struct request *request, struct header *headers,
                 struct buf *lines)
{
    const char *why = NULL;
    if (!scheme_sign(source->definition->scheme, source, request, lines, &why))
        return false;
    struct request signed_one = fuzz_request(buf_span(lines), headers + 1);
    headers[0] = (struct header){SPAN("X-Fuzz"), SPAN("fuzz")};
    request->header_count = signed_one.header_count + 1;
    return true;
}

static void run(const struct definition *definition, struct span body, struct arena *arena)
{
    struct header headers[FUZZ_HEADERS_MAX + 1] = {{SPAN("X-Fuzz"), SPAN("fuzz")}};
    struct secret secret = fuzz_secret(definition, "fuzz-secret-not-real");
    struct source source = fuzz_source(definition, &secret);
    struct request request = fuzz_request(SPAN(""), headers);
    struct buf lines = {.arena = arena};
    struct verdict verdict;
    request.header_count = 1;
    request.body = body;
    if (sign(&source, &request, headers, &lines)) {
        verdict_reach(&source, &request, arena, &verdict);
        HOLDS(verdict.kind != VERDICT_REFUSED && verdict.proof.secret == &secret);
        HOLDS(verdict.kind != VERDICT_ANSWER || span_is(verdict.answer.type, SPAN("text/plain")) ||
              fuzz_is_json(verdict.answer.body));
        fuzz_check_verdict(&verdict);
    }
    scheme_key_free(secret.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    struct span rest = fuzz_span(data, size);
    struct definition *definition = definition_load(definition_of(&rest, &arena), "fuzz.json", &faults);
    HOLDS((definition == NULL) == (faults.count > 0));
    if (definition != NULL)
        run(definition, rest, &arena);
    definition_free(definition);
    return 0;
}

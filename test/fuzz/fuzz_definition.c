/* A definition file: what loads runs its examples and takes requests; of what does not, every mistake is
 * said. */
#include "model/example.h"

#include "fuzz.h"

static const char *const bodies[] = {
    "",
    "{}",
    "[]",
    "a=1&b=&a%20b=c",
    "{\"a\":1,\"b\":{\"c\":[true,null,\"x\"]},\"id\":\"X-1\",\"type\":\"a\",\"at\":\"2026-01-20T15:00:00Z\"}",
    "{\"rows\":[{\"id\":1,\"a\":\"b\"},{\"id\":\"\"},7],\"data\":{\"object\":{}},\"challenge\":\"c\"}",
};

static void take(const struct definition *definition, const char *body)
{
    static const struct header headers[] = {{SPAN("X-Signature"), SPAN("fuzz-secret-not-real")},
                                            {SPAN("X-Kind"), SPAN("a")}};
    struct arena arena CLEANUP(arena_free) = {0};
    struct verdict verdict;
    struct secret secret = fuzz_secret(definition, "fuzz-secret-not-real");
    struct source source = fuzz_source(definition, secret.key != NULL ? &secret : NULL);
    struct request request = {.method = SPAN("POST"),
                              .query = SPAN("token=fuzz-secret-not-real&challenge=c"),
                              .body = span_of(body),
                              .headers = headers,
                              .header_count = 2,
                              .received = FUZZ_NOW};
    verdict_reach(&source, &request, &arena, &verdict);
    fuzz_check_verdict(&verdict);
    verdict_again(&source, NULL, request.body, SPAN("{\"header\":{\"x-kind\":\"a\"},\"query\":{}}"), FUZZ_NOW,
                  &arena, &verdict);
    fuzz_check_verdict(&verdict);
    scheme_key_free(secret.key);
}

static void check_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        HOLDS(span_starts(span_of(faults->texts[i]), SPAN("fuzz.json:")));
        HOLDS(json_is_utf8(span_of(faults->texts[i])));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct definition *definition = definition_load(fuzz_span(data, size), "fuzz.json", &faults);
    HOLDS((definition == NULL) == (faults.count > 0));
    if (definition != NULL) {
        examples_run(definition, &faults);
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
            take(definition, bodies[i]);
    }
    check_faults(&faults);
    definition_free(definition);
    return 0;
}

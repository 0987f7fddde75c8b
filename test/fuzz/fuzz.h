/*
 * What the fuzzers share: a check that ends the run, requests out of an input's text, a source that takes
 * them, and what holds of every verdict.
 */
#ifndef PICKUPD_TEST_FUZZ_H
#define PICKUPD_TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/time.h"
#include "model/verdict.h"

#define FUZZ_HEADERS_MAX 16
#define FUZZ_NOW         INT64_C(1768921200000) /* 2026-01-20T15:00:00Z */

/* Called with each input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be so, whatever the input. */
#define HOLDS(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static inline struct span fuzz_span(const uint8_t *data, size_t size)
{
    return (struct span){size > 0 ? (const char *)data : "", size};
}

static inline bool fuzz_has(struct span text, struct span part)
{
    for (; text.len >= part.len; span_skip(&text, 1))
        if (span_starts(text, part))
            return true;
    return false;
}

/* JSON with ' for ", so that it can be read. */
static inline struct span fuzz_quoted(struct arena *arena, const char *text)
{
    char *copy = arena_copy(arena, span_of(text));
    for (char *at = copy; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    return span_of(copy);
}

/* "?query" if it is there, lines of "Name: value", an empty line, and the body. */
static inline struct request fuzz_request(struct span text, struct header headers[FUZZ_HEADERS_MAX])
{
    struct request request = {
        .method = SPAN("POST"), .path = SPAN("/webhooks/ehr/fuzz"), .headers = headers, .received = FUZZ_NOW};
    if (span_starts(text, SPAN("?"))) {
        request.query = span_cut(&text, '\n');
        span_skip(&request.query, 1);
    }
    while (text.len > 0) {
        struct span value = span_cut(&text, '\n');
        struct span name = span_cut(&value, ':');
        if (name.len == 0)
            break;
        if (request.header_count < FUZZ_HEADERS_MAX)
            headers[request.header_count++] = (struct header){name, span_trim(value)};
    }
    request.body = text;
    return request;
}

/* A definition that must be good. */
static inline const struct definition *fuzz_definition(struct span text)
{
    struct faults faults = {0};
    const struct definition *definition = definition_load(text, "fuzz.json", &faults);
    for (size_t i = 0; i < faults.count; i++)
        fprintf(stderr, "%s\n", faults.texts[i]);
    HOLDS(definition != NULL);
    return definition;
}

/* A source of the definition; with a secret if one is given, which the caller releases. */
static inline struct source fuzz_source(const struct definition *definition, struct secret *secret)
{
    return (struct source){
        .name = "fuzz",
        .org = "default",
        .lab = "LAB001",
        .id_prefix = "fuzz",
        .clinic_prefix = "",
        .public_url = "https://hooks.invented.example/in",
        .zone = zone_find(SPAN("America/New_York")),
        .definition = definition,
        .secrets = secret,
        .secret_count = secret != NULL,
    };
}

static inline struct secret fuzz_secret(const struct definition *definition, const char *text)
{
    const char *why;
    struct secret secret = {.name = "fuzz", .not_before = INT64_MIN, .not_after = INT64_MAX};
    secret.key = scheme_key_new(definition->scheme, span_of(text), &why);
    return secret;
}

static inline bool fuzz_is_json(struct span text)
{
    struct json_fault fault;
    struct json *json = json_parse(text, &fault);
    json_free(json);
    return json != NULL;
}

/* Every piece is an event with a detail that is JSON, or has faults and a body for quarantine. */
static inline void fuzz_check_verdict(const struct verdict *verdict)
{
    HOLDS((verdict->kind == VERDICT_KEEP) == (verdict->count > 0));
    for (size_t i = 0; i < verdict->count; i++) {
        const struct piece *piece = &verdict->pieces[i];
        const struct event *event = &piece->event;
        HOLDS((event->detail != NULL) == (piece->faults.count == 0));
        HOLDS(event->detail == NULL || fuzz_is_json((struct span){event->detail, event->detail_len}));
        HOLDS(event->received_at < event->detail_len || event->received_at == 0);
    }
}

#endif

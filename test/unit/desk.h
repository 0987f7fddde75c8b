/*
 * Definitions as the tests write them, a source that goes by one, and its verdicts in words.
 */
#ifndef PICKUPD_TEST_DESK_H
#define PICKUPD_TEST_DESK_H

#include "model/verdict.h"
#include "unit.h"

#define RECEIVED INT64_C(1795190400000) /* 2026-11-20T16:00:00Z */
#define SECRET   "first secret"

/* Schemes; a definition's second member. */
#define BY_HMAC                                                                                              \
    "'scheme':{'kind':'hmac','hash':'sha256','signature':{'header':'X-Sig','encoding':'hex'},"               \
    "'signed':'{body}'}"
#define BY_HEADER "'scheme':{'kind':'static','signature':{'header':'X-Pass'}}"

/* A text that must have these mistakes, and no others, in the file v.json. */
static inline void check_load(const char *row, const char *text, const char *want)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    struct definition *definition = definition_load(quoted(&arena, text), "v.json", &faults);
    check_faults(row, &faults, want);
    CHECK(row, (definition == NULL) == (*want != '\0'));
    definition_free(definition);
}

struct desk {
    struct arena arena;
    struct definition *definition;
    struct secret secret;
    struct source source;
    struct verdict verdict; /* the last */
};

/* The definition is {"vendor": "v", SCHEME, RULES}, with ' for ". */
static inline void desk_open(struct desk *desk, const char *scheme, const char *rules)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct buf text = {.arena = &desk->arena};
    const char *why;
    buf_printf(&text, "{'vendor':'v',%s,%s}", scheme, rules);
    desk->definition = definition_load(quoted(&desk->arena, buf_text(&text)), "v.json", &faults);
    check_faults(rules, &faults, "");
    desk->secret = (struct secret){.name = "current",
                                   .key = scheme_key_new(desk->definition->scheme, SPAN(SECRET), &why),
                                   .not_before = INT64_MIN,
                                   .not_after = INT64_MAX};
    CHECK(rules, desk->secret.key != NULL);
    desk->source = (struct source){.name = "north",
                                   .org = "default",
                                   .lab = "LAB001",
                                   .id_prefix = "v",
                                   .clinic_prefix = "",
                                   .public_url = "",
                                   .definition = desk->definition,
                                   .secrets = &desk->secret,
                                   .secret_count = 1};
}

static inline void desk_close(struct desk *desk)
{
    scheme_key_free(desk->secret.key);
    definition_free(desk->definition);
    arena_free(&desk->arena);
}

static inline void desk_reach(struct desk *desk, const struct request *request)
{
    verdict_reach(&desk->source, request, &desk->arena, &desk->verdict);
}

/* A POST with a header of its own behind the signature, which is made as the scheme says; ' for ". */
static inline void desk_post_with(struct desk *desk, const char *body, struct header more)
{
    const char *why;
    struct buf line = {.arena = &desk->arena};
    struct request request = {.method = SPAN("POST"),
                              .path = SPAN("/webhooks/ehr/north"),
                              .body = quoted(&desk->arena, body),
                              .headers = &more,
                              .header_count = more.name.len > 0 ? 1 : 0,
                              .received = RECEIVED};
    CHECK(body, scheme_sign(desk->definition->scheme, &desk->source, &request, &line, &why));
    struct span value = span_trim(buf_span(&line));
    struct span name = span_cut(&value, ':');
    struct header headers[] = {{name, span_trim(value)}, more};
    request.headers = headers;
    request.header_count++;
    desk_reach(desk, &request);
}

static inline void desk_post(struct desk *desk, const char *body)
{
    desk_post_with(desk, body, (struct header){SPAN(""), SPAN("")});
}

/* What was in quarantine, with its head; ' for " in both. */
static inline void desk_retry(struct desk *desk, const char *body, const char *head)
{
    verdict_again(&desk->source, NULL, quoted(&desk->arena, body), quoted(&desk->arena, head), RECEIVED,
                  &desk->arena, &desk->verdict);
}

static inline void describe_piece(const struct piece *piece, struct buf *out)
{
    const struct event *event = &piece->event;
    if (piece->faults.count == 0) {
        buf_printf(out, "%.*s %.*s", (int)event->type.len, event->type.at, (int)event->detail_len,
                   event->detail);
        return;
    }
    buf_add_char(out, '!');
    for (size_t i = 0; i < piece->faults.count; i++)
        buf_printf(out, "%s %s", i > 0 ? "," : "", piece->faults.texts[i]);
}

/*
 * "refused: REASON", "answer STATUS TYPE: BODY", "ignored COUNT", or "TYPE DETAIL; ! FAULT, FAULT" with
 * " and COUNT ignored" behind it.
 */
static inline const char *desk_says(struct desk *desk)
{
    const struct verdict *verdict = &desk->verdict;
    const struct reply *answer = &verdict->answer;
    struct buf out = {.arena = &desk->arena};
    if (verdict->kind == VERDICT_REFUSED)
        buf_printf(&out, "refused: %s", verdict->proof.reason);
    else if (verdict->kind == VERDICT_ANSWER)
        buf_printf(&out, "answer %d %.*s: %.*s", answer->status, (int)answer->type.len, answer->type.at,
                   (int)answer->body.len, answer->body.at);
    else if (verdict->kind == VERDICT_IGNORED)
        buf_printf(&out, "ignored %zu", verdict->ignored);
    for (size_t i = 0; verdict->kind == VERDICT_KEEP && i < verdict->count; i++) {
        if (i > 0)
            buf_add(&out, SPAN("; "));
        describe_piece(&verdict->pieces[i], &out);
    }
    if (verdict->kind == VERDICT_KEEP && verdict->ignored > 0)
        buf_printf(&out, " and %zu ignored", verdict->ignored);
    return buf_text(&out);
}

/* `want` as desk_says says it, with ' for ". */
static inline void check_says(const char *row, struct desk *desk, const char *want)
{
    check_text(row, span_of(desk_says(desk)), quoted(&desk->arena, want).at);
}

#endif

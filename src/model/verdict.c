/* Authentic? A handshake? Which rows, which events? */
#include "model/verdict.h"

#include "base/hash.h"
#include "base/hex.h"
#include "base/time.h"
#include "form.h"
#include "head.h"
#include "rules.h"

struct judging {
    const struct source *source;
    const struct definition *definition;
    const struct rules *rules;
    struct span body;
    const struct event_id *known; /* of these bytes, from before; or NULL */
    int64_t received;
    struct arena *arena;
    struct verdict *verdict;
    struct map_input input;
    struct json *payload, *head; /* ours to release */
    size_t kept;                 /* bytes of the pieces so far */
};

static void begin(struct judging *judging)
{
    const struct source *source = judging->source;
    char *time = arena_alloc(judging->arena, TIME_TEXT);
    judging->definition = source->definition;
    judging->rules = source->definition->rules;
    time_write(time, judging->received);
    judging->input = (struct map_input){
        .vars = {[MAP_VAR_VENDOR] = source->definition->vendor,
                 [MAP_VAR_LAB] = span_of(source->lab),
                 [MAP_VAR_ID_PREFIX] = span_of(source->id_prefix),
                 [MAP_VAR_CLINIC_PREFIX] = span_of(source->clinic_prefix),
                 [MAP_VAR_RECEIVED] = {time, TIME_TEXT - 1}},
        .zone = source->zone,
    };
}

static void end(struct judging *judging)
{
    json_free(judging->payload);
    json_free(judging->head);
}

/* The payload, with its faults if it is none. */
static void read_payload(struct judging *judging, struct faults *faults)
{
    struct json_fault fault;
    struct span body = judging->body;
    bool is_form = judging->definition->form;
    bool is_empty = body.len == 0 && judging->rules->allows_empty;
    if (is_empty && !is_form)
        body = SPAN("{}");
    if (is_form && body.len == 0 && !is_empty) {
        faults_add(faults, "Malformed form");
    } else if (is_form) {
        judging->payload = form_json(body, judging->arena, faults);
    } else {
        judging->payload = json_parse(body, &fault);
        if (judging->payload == NULL)
            faults_add(faults, "%s at byte %zu", fault.what, fault.byte);
    }
    judging->input.data.row = judging->input.data.payload = judging->payload;
    judging->input.data.texts = is_form;
}

static void read_head(struct judging *judging, struct span head)
{
    struct json_fault fault;
    judging->head = head.len > 0 ? json_parse(head, &fault) : NULL;
    judging->input.data.request = judging->head;
}

/* Ids. */

static void put_number_as_text(struct buf *out, int64_t number)
{
    struct buf text = {.arena = out->arena};
    buf_add_int(&text, number);
    json_put_str(out, buf_span(&text));
}

/*
 * ["Type","the delivery",7]: what it becomes and the values of its key, so that none is taken for another.
 * False if one lacks.
 */
static bool write_key(struct judging *judging, const struct event_rule *rule, struct buf *out,
                      struct faults *faults)
{
    bool whole = true;
    json_put_str(out, rule->type);
    for (size_t i = 0; i < rule->key_count; i++) {
        const struct key_part *part = &rule->key[i];
        const struct json *value = paths_follow(part->paths, part->count, &judging->input.data);
        bool good = json_kind(value) == JSON_INT || json_str(value).len > 0;
        if (!good)
            faults_add(faults, "Missing %s", part->paths[0].name);
        if (good && part->as_text && json_kind(value) == JSON_INT)
            put_number_as_text(out, json_int(value));
        else
            json_put(out, good ? value : NULL);
        whole &= good;
    }
    return whole;
}

/* Empty bodies are all alike, so their heads tell them apart. */
static struct event_id id_of_bytes(const struct judging *judging)
{
    struct span text = judging->verdict->proof.text;
    if (judging->known != NULL)
        return *judging->known;
    if (judging->body.len == 0 && judging->rules->allows_empty)
        return event_id(span_of(judging->source->name), SPAN("head"), judging->verdict->head);
    if (text.at != NULL)
        return event_id(span_of(judging->source->name), SPAN("signed"), text);
    return event_id(span_of(judging->source->name), SPAN("body"), judging->body);
}

/* A row of a batch is told from others by all that is in it, beside its key. */
static void write_digest(const struct judging *judging, struct buf *out)
{
    struct buf row = {.arena = judging->arena};
    uint8_t digest[HASH_BYTES];
    char hex[2 * HASH_BYTES + 1];
    json_put_sorted(&row, judging->input.data.row);
    hash_text(buf_span(&row), digest);
    hex_write(hex, digest, HASH_BYTES);
    json_put_str(out, span_of(hex));
}

/* Without all of its key a webhook is known by its bytes: two that lack it are not one. */
static struct event_id id_of_row(struct judging *judging, const struct event_rule *rule,
                                 struct faults *faults, bool *keyed)
{
    bool is_batch = judging->verdict->is_batch;
    struct buf key = {.arena = judging->arena};
    json_open(&key, '[');
    *keyed = rule != NULL && rule->key_count > 0 && write_key(judging, rule, &key, faults);
    if (!is_batch && !*keyed)
        return id_of_bytes(judging);
    if (is_batch)
        write_digest(judging, &key);
    json_close(&key, ']');
    return event_id(span_of(judging->source->name), is_batch ? SPAN("row") : SPAN("key"), buf_span(&key));
}

/* Rows. */

const struct event_rule *rule_find(const struct rules *rules, const struct data *data)
{
    for (size_t i = 0; i < rules->event_count; i++)
        if (when_holds(rules->events[i].when, data))
            return &rules->events[i];
    return NULL;
}

/* What quarantine keeps of a row is a body that holds it alone, so that trying again is trying a body. */
static struct span body_of_row(const struct judging *judging, const struct json *list)
{
    struct buf out = {.arena = judging->arena};
    if (!judging->verdict->is_batch)
        return judging->body;
    json_put_narrowed(&out, judging->payload, list, judging->input.data.row);
    return buf_span(&out);
}

/* What the rows hold together is bounded: each may hold a copy of what is around them. */
static bool is_too_large(struct judging *judging, const struct piece *piece)
{
    judging->kept += piece->faults.count > 0 ? piece->body.len : piece->event.detail_len;
    return judging->kept > DEFINITION_KEPT_FACTOR * judging->body.len + DEFINITION_KEPT_MORE;
}

static void add_digest(struct judging *judging, struct event *event)
{
    uint8_t *digest = arena_alloc(judging->arena, HASH_BYTES);
    hash_text(judging->body, digest);
    event->content = digest;
}

static void judge_row(struct judging *judging, const struct json *list)
{
    struct verdict *verdict = judging->verdict;
    const struct source *source = judging->source;
    const struct event_rule *rule = rule_find(judging->rules, &judging->input.data);
    struct piece *piece = &verdict->pieces[verdict->count];
    bool keyed;
    if (rule != NULL && rule->ignore) {
        verdict->ignored++;
        return;
    }
    verdict->count++;
    piece->faults.arena = judging->arena;
    piece->event = (struct event){
        .id = id_of_row(judging, rule, &piece->faults, &keyed),
        .origin = span_of(source->name),
        .org = span_of(source->org),
        .time = judging->received,
    };
    enum err err = ERR_BAD_WEBHOOK;
    if (rule == NULL)
        faults_add(&piece->faults, "No event fits");
    else
        err = mapping_run(rule->mapping, &judging->input, judging->arena, &piece->mapped, &piece->faults);
    if (err != ERR_OK || piece->faults.count > 0) {
        piece->body = body_of_row(judging, list);
        return;
    }
    piece->event.source = rule->source;
    piece->event.type = rule->type;
    piece->event.detail = piece->mapped.detail.at;
    piece->event.detail_len = piece->mapped.detail.len;
    piece->event.received_at = piece->mapped.received_at;
    if (keyed && !verdict->is_batch)
        add_digest(judging, &piece->event);
}

/* One piece for quarantine, of the whole body. */
static void fail_whole(struct judging *judging, const struct faults *faults)
{
    struct piece *piece = &judging->verdict->pieces[0];
    *piece = (struct piece){.faults = *faults};
    piece->body = judging->body;
    piece->event = (struct event){
        .id = id_of_bytes(judging),
        .origin = span_of(judging->source->name),
        .org = span_of(judging->source->org),
        .time = judging->received,
    };
    judging->verdict->count = 1;
    judging->verdict->ignored = 0;
    judging->verdict->is_batch = false;
}

/* The list of rows, or the one row itself. */
static const struct json *find_rows(const struct judging *judging)
{
    const struct rules *rules = judging->rules;
    return rules->each_count == 0 ? judging->payload
                                  : paths_follow(rules->each, rules->each_count, &judging->input.data);
}

static void judge_rows(struct judging *judging, const struct json *rows, struct faults *faults)
{
    struct verdict *verdict = judging->verdict;
    verdict->is_batch = judging->rules->each_count > 0 && json_kind(rows) == JSON_ARR;
    size_t count = verdict->is_batch ? json_count(rows) : 1;
    if (rows == NULL)
        faults_add(faults, "Missing %s", judging->rules->each[0].name);
    if (count > DEFINITION_ROWS_MAX)
        faults_add(faults, "More than %d rows", DEFINITION_ROWS_MAX);
    verdict->pieces =
        arena_alloc(judging->arena, (faults->count > 0 ? 1 : count + 1) * sizeof *verdict->pieces);
    for (size_t i = 0; i < count && faults->count == 0; i++) {
        judging->input.data.row = verdict->is_batch ? json_at(rows, i) : rows;
        size_t before = verdict->count;
        judge_row(judging, rows);
        if (verdict->count > before && is_too_large(judging, &verdict->pieces[before]))
            faults_add(faults, "Rows too large");
    }
    if (faults->count > 0)
        fail_whole(judging, faults);
}

static void judge(struct judging *judging, struct faults *faults)
{
    struct verdict *verdict = judging->verdict;
    if (faults->count > 0) {
        verdict->pieces = arena_alloc(judging->arena, sizeof *verdict->pieces);
        fail_whole(judging, faults);
    } else {
        judge_rows(judging, find_rows(judging), faults);
    }
    verdict->kind = verdict->count > 0 ? VERDICT_KEEP : VERDICT_IGNORED;
    if (verdict->is_batch)
        verdict->whole = id_of_bytes(judging);
}

/* Handshakes. */

static bool answers(struct judging *judging, const struct handshake *handshake, const struct request *request,
                    const struct secret *secret)
{
    return span_is(handshake->method, request->method) && when_holds(handshake->when, &judging->input.data) &&
           reply_make(handshake->answer, &judging->input.data, handshake->scheme, secret, judging->arena,
                      &judging->verdict->answer);
}

/* Whether the secret stands where a handshake says, instead of where the scheme does. */
static bool vouches(struct judging *judging, const struct handshake *handshake, const struct request *request,
                    struct proof *proof)
{
    return handshake->scheme != judging->definition->scheme && request->body.len <= HANDSHAKE_BODY_MAX &&
           scheme_verify(handshake->scheme, judging->source, request, judging->arena, proof) == ERR_OK;
}

/* Nothing is looked at before somebody vouches for it. */
static bool is_vouched_for(struct judging *judging, const struct request *request)
{
    struct proof proof;
    for (size_t i = 0; i < judging->rules->handshake_count; i++)
        if (vouches(judging, &judging->rules->handshakes[i], request, &proof))
            return true;
    return false;
}

/* Whether the request is one of the challenges that the sender wants answered. */
static bool shake_hands(struct judging *judging, const struct request *request, bool authentic)
{
    const struct rules *rules = judging->rules;
    for (size_t i = 0; i < rules->handshake_count; i++) {
        const struct handshake *handshake = &rules->handshakes[i];
        bool elsewhere = handshake->scheme != judging->definition->scheme;
        struct proof proof = judging->verdict->proof;
        if (elsewhere ? !vouches(judging, handshake, request, &proof) : !authentic)
            continue;
        if (!answers(judging, handshake, request, proof.secret))
            continue;
        judging->verdict->kind = VERDICT_ANSWER;
        judging->verdict->proof = proof;
        return true;
    }
    return false;
}

/* Kept beside a body in quarantine, because what reads it once mended may look at the head, too. */
static void write_head(struct judging *judging, const struct request *request)
{
    struct buf head = {.arena = judging->arena};
    if (judging->verdict->head.len > 0)
        return;
    head_write(judging->definition, request, judging->arena, &head);
    judging->verdict->head = buf_span(&head);
}

static bool has_faults(const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++)
        if (verdict->pieces[i].faults.count > 0)
            return true;
    return false;
}

static void judge_request(struct judging *judging, const struct request *request)
{
    struct verdict *verdict = judging->verdict;
    struct faults faults = {.arena = judging->arena};
    bool authentic = scheme_verify(judging->definition->scheme, judging->source, request, judging->arena,
                                   &verdict->proof) == ERR_OK;
    if (!authentic && !is_vouched_for(judging, request))
        return;
    if (judging->rules->reads_head || judging->rules->allows_empty) {
        write_head(judging, request);
        read_head(judging, verdict->head);
    }
    read_payload(judging, &faults);
    if (shake_hands(judging, request, authentic) || !authentic)
        return;
    if (!span_is(request->method, SPAN("POST"))) {
        verdict->proof.reason = "no handshake";
        return;
    }
    judge(judging, &faults);
    if (has_faults(verdict))
        write_head(judging, request);
}

void verdict_reach(const struct source *source, const struct request *request, struct arena *arena,
                   struct verdict *verdict)
{
    struct judging judging = {.source = source,
                              .body = request->body,
                              .received = request->received,
                              .arena = arena,
                              .verdict = verdict};
    *verdict = (struct verdict){.kind = VERDICT_REFUSED};
    begin(&judging);
    judge_request(&judging, request);
    end(&judging);
}

void verdict_again(const struct source *source, const struct event_id *id, struct span body, struct span head,
                   int64_t received, struct arena *arena, struct verdict *verdict)
{
    struct judging judging = {.source = source,
                              .body = body,
                              .known = id,
                              .received = received,
                              .arena = arena,
                              .verdict = verdict};
    struct faults faults = {.arena = arena};
    *verdict = (struct verdict){.kind = VERDICT_REFUSED, .head = head};
    begin(&judging);
    read_head(&judging, head);
    read_payload(&judging, &faults);
    judge(&judging, &faults);
    end(&judging);
}

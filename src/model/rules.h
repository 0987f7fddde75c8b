/* The compiled form of what a definition makes of a webhook: what the loader writes and the verdict reads. */
#ifndef PICKUPD_MODEL_RULES_H
#define PICKUPD_MODEL_RULES_H

#include "model/mapping.h"
#include "reply_rule.h"
#include "when.h"

/* The first of these paths that leads to a value. */
struct key_part {
    struct path *paths;
    size_t count;
    bool as_text; /* 7 and "7" are the same */
};

/* What a row becomes, if it fits. */
struct event_rule {
    const struct when *when;
    bool ignore;
    struct span source; /* the envelope's source */
    struct span type;   /* the envelope's detailType */
    const struct mapping *mapping;
    struct key_part *key; /* names the delivery or the row; none: the bytes do */
    size_t key_count;
};

/* A body in which a challenge's secret is looked for is parsed before anything is proven: it must be short.
 */
#define HANDSHAKE_BODY_MAX 16384

struct handshake {
    struct span method;
    const struct when *when;
    const struct scheme *scheme; /* the definition's, or with the secret elsewhere */
    const struct reply_rule *answer;
};

struct rules {
    struct path *each; /* where the rows are; none: the payload is the row */
    size_t each_count;
    struct event_rule *events;
    size_t event_count;
    struct handshake *handshakes;
    size_t handshake_count;
    bool allows_empty; /* an empty body is {} */
    bool reads_head;   /* whether any path leads into the request's head */
};

/* The first event that fits a row, or NULL. */
const struct event_rule *rule_find(const struct rules *rules, const struct data *data);

#endif

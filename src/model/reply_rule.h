/* Answers as a definition words them: fixed ones, and those made from what a challenge holds. */
#ifndef PICKUPD_MODEL_REPLY_RULE_H
#define PICKUPD_MODEL_REPLY_RULE_H

#include "model/reply.h"
#include "model/scheme.h"
#include "path.h"

struct reply_rule;

/* {"status", "type", "body"}; absent is what pickupd says by itself. With `may_refuse` 400 to 499 will do. */
struct reply reply_load(struct node node, bool may_refuse);

/* The same, where the body's texts may hold words in braces: a path, or hmac: and a path. */
const struct reply_rule *reply_rule_load(struct node node, const struct scheme *scheme);

/* False if a word leads to no text. The body lives in the arena. */
bool reply_make(const struct reply_rule *rule, const struct data *data, const struct scheme *scheme,
                const struct secret *secret, struct arena *arena, struct reply *reply);

#endif

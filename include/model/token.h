/*
 * Who may use the private API: tokens, known by their hashes alone. Built when the configuration is loaded,
 * never changed while serving.
 */
#ifndef PICKUPD_MODEL_TOKEN_H
#define PICKUPD_MODEL_TOKEN_H

#include "base/hash.h"

#define TOKEN_LEAST 16 /* bytes */
#define TOKEN_MOST  4096

enum token_role {
    TOKEN_READ = 1 << 0,    /* looks at everything of its org */
    TOKEN_WORK = 1 << 1,    /* also claims, acks and reports */
    TOKEN_PUBLISH = 1 << 2, /* publishes events, and nothing else */
    TOKEN_ADMIN = 1 << 3,   /* does everything within its org */
};

struct token {
    const char *name;
    enum token_role role;
    const char *org;
    const char *sources; /* envelope sources it may publish as, with commas between; "" for any but our own */
    uint8_t digest[HASH_BYTES];
};

struct tokens {
    struct token *all;
    size_t count;
};

/* False for what names no role. */
bool token_role_read(struct span text, enum token_role *role);
const char *token_role_text(enum token_role role);

/*
 * The token that a request's Authorization header bears, or NULL. Takes as long whichever it is, if any.
 */
const struct token *tokens_find(const struct tokens *tokens, struct span authorization);

/* Whether it may publish events of that source, as far as its list goes. */
bool token_may_publish(const struct token *token, struct span source);

#endif

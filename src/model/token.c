/* Tokens. */
#include "model/token.h"

#include "base/hmac.h"

static const struct {
    const char *text;
    enum token_role role;
} roles[] = {
    {"read", TOKEN_READ},
    {"work", TOKEN_WORK},
    {"publish", TOKEN_PUBLISH},
    {"admin", TOKEN_ADMIN},
};

#define ROLE_COUNT (sizeof roles / sizeof roles[0])

bool token_role_read(struct span text, enum token_role *role)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        *role = roles[i].role;
        if (span_is(span_of(roles[i].text), text))
            return true;
    }
    return false;
}

const char *token_role_text(enum token_role role)
{
    size_t i = 0;
    while (roles[i].role != role)
        i++;
    return roles[i].text;
}

/* Hashes have one length, so their compare tells nothing of the token's. */
const struct token *tokens_find(const struct tokens *tokens, struct span authorization)
{
    uint8_t digest[HASH_BYTES];
    const struct token *found = NULL;
    struct span scheme = SPAN("Bearer ");
    if (!span_starts_nocase(authorization, scheme))
        return NULL;
    span_skip(&authorization, scheme.len);
    hash_text(span_trim(authorization), digest);
    for (size_t i = 0; i < tokens->count; i++)
        if (hmac_equal(tokens->all[i].digest, digest, HASH_BYTES))
            found = &tokens->all[i];
    return found;
}

bool token_may_publish(const struct token *token, struct span source)
{
    struct span rest = span_of(token->sources);
    if (rest.len == 0)
        return true;
    while (rest.len > 0)
        if (span_is(span_trim(span_cut(&rest, ',')), source))
            return true;
    return false;
}

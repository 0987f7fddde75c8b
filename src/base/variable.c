/* Variables that were taken out of the environment. */
#include "base/variable.h"

#include <stdlib.h>

#include "base/hmac.h"
#include "base/locked.h"
#include "base/mem.h"

struct variable {
    struct variable *next;
    char *name;
    char *value; /* locked */
    size_t len;
};

static struct variable *taken;

/* The place stays in the environment, with nothing in it: taking it out would move what others may read. */
struct span variable_take(const char *name)
{
    for (const struct variable *variable = taken; variable != NULL; variable = variable->next)
        if (span_is(span_of(variable->name), span_of(name)))
            return (struct span){variable->value, variable->len};
    char *at = getenv(name);
    size_t len = span_of(at).len;
    if (len == 0 || !locked_has_room(len))
        return span_of(at);
    struct variable *variable = mem_alloc(sizeof *variable);
    *variable = (struct variable){taken, mem_copy(span_of(name)), locked_alloc(len + 1), len};
    memcpy(variable->value, at, len);
    hmac_wipe(at, len);
    taken = variable;
    return (struct span){variable->value, len};
}

bool variable_is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.len > 0;
}

void variables_forget(void)
{
    while (taken != NULL) {
        struct variable *variable = taken;
        taken = variable->next;
        locked_free(variable->value, variable->len + 1);
        free(variable->name);
        free(variable);
    }
}

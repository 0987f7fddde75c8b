/* The names of priorities. */
#include "model/priority.h"

static const char *const names[PRIORITY_COUNT] = {"STANDARD", "RUSH", "EMERGENCY"};

const char *priority_name(enum priority priority)
{
    return names[priority];
}

bool priority_read(struct span text, enum priority *priority)
{
    for (int i = 0; i < PRIORITY_COUNT; i++) {
        if (span_is(text, span_of(names[i]))) {
            *priority = (enum priority)i;
            return true;
        }
    }
    return false;
}

/* Two ways in. */
#include "flow/caller.h"

#include <unistd.h>

#include "base/json.h"

static void begin(struct caller *caller, uid_t uid, struct span via, const char *action)
{
    account_write(caller->who, uid);
    caller->entry = (struct audit_entry){.who = span_of(caller->who),
                                         .org = SPAN(""),
                                         .via = via,
                                         .action = span_of(action),
                                         .what = SPAN("{}"),
                                         .status = 200};
}

void caller_of(struct caller *caller, const struct line_call *call, const char *action)
{
    begin(caller, line_uid(call), SPAN("control socket"), action);
}

void caller_self(struct caller *caller, const char *action)
{
    begin(caller, getuid(), SPAN("command"), action);
}

struct span caller_id(struct arena *arena, struct span id)
{
    struct buf what = {.arena = arena};
    json_open(&what, '{');
    json_add_str(&what, "id", id);
    json_close(&what, '}');
    return buf_span(&what);
}

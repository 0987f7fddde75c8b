/* Through the server, or past it where there is none. */
#include "cli/audited.h"

#include <stdio.h>

#include "change.h"
#include "cli/open.h"
#include "flow/caller.h"
#include "flow/control.h"

enum err audited_here(struct store *store, const char *action, struct span org, struct span what)
{
    struct caller caller;
    struct store_job job = {.kind = STORE_FENCE, .audit = &caller.entry};
    caller_self(&caller, action);
    caller.entry.org = org;
    caller.entry.what = what;
    store_write(store, &job);
    return job.err;
}

struct look {
    const char *action;
    struct span org, what;
};

static bool tell_alone(struct setup *setup, void *arg)
{
    const struct look *look = arg;
    struct buf why CLEANUP(buf_free) = {0};
    struct store *store = open_store(setup, &why);
    if (store == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        return false;
    }
    enum err err = audited_here(store, look->action, look->org, look->what);
    store_close(store);
    if (err != ERR_OK)
        fprintf(stderr, "not audited, and so not done: %s\n", err_text(err));
    return err == ERR_OK;
}

static enum err tell_server(const char *control, bool *good, void *arg)
{
    const struct look *look = arg;
    TRY(control_audit(control, span_of(look->action), look->org, look->what));
    *good = true;
    return ERR_OK;
}

bool audited(struct setup *setup, const char *action, struct span org, struct span what)
{
    static const struct change telling = {tell_alone, tell_server, "not audited, and so not done"};
    return change_make(setup, &telling, &(struct look){action, org, what});
}

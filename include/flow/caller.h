/* Whoever calls a command, as the audit has him. */
#ifndef PICKUPD_FLOW_CALLER_H
#define PICKUPD_FLOW_CALLER_H

#include "store/audit.h"
#include "store/store.h"
#include "sys/account.h"
#include "sys/line.h"

struct caller {
    struct audit_entry entry; /* of this action, in all organizations, with {} for what until somebody says
                                 more; `action` is borrowed */
    char who[ACCOUNT_TEXT];
};

/* At the other end of the control socket; or of this process. It must not be moved. */
void caller_of(struct caller *caller, const struct line_call *call, const char *action);
void caller_self(struct caller *caller, const char *action);

/* {"id":...}, in the arena. */
struct span caller_id(struct arena *arena, struct span id);

#endif

/*
 * What a running server does for a command that must not write the database itself. A request is one JSON
 * object on a line, {"command":"quarantine-retry","id":"..."} or {...,"all":true,"source":"..."}; the answer
 * is a line for each row, {"id","result","errors"}, and last {"failed":N} or {"error":"..."}. A clinic is put
 * by {"command":"clinic-put","org":"...","clinic":{...}}, if it may be; a consumer is changed by
 * {"command":"consumer","verb":"...",...}, see flow/control_consumers.c. A look that a command takes by
 * itself is audited by {"command":"audit","action":"...","org":"...","what":{...}}.
 */
#ifndef PICKUPD_FLOW_CONTROL_H
#define PICKUPD_FLOW_CONTROL_H

#include "flow/consumers.h"
#include "flow/flows.h"
#include "flow/retry.h"
#include "flow/watch.h"
#include "store/clinics.h"
#include "sys/line.h"

/* Zero-initialise and fill before control_handle is given to line_serve; all must outlive the server. */
struct control {
    const struct sources *sources;
    struct view *view;
    struct writer *writer;
    struct loop *loop;
    loop_fn *clear_limits; /* for {"command":"limits-clear"}, answered {"failed":0} */
    void *clear_arg;
    struct flows *flows; /* NULL: off */
    struct news *news;   /* where it is told which consumer a command has changed */
    struct watch *watch; /* for {"command":"status"}, answered with the snapshot alone */
    bool stopping;       /* what takes several goes ends with the one at hand */
};

/* A line_handler; the argument is the struct control. */
void control_handle(struct line_call *call, struct span request, void *control);

/*
 * The client's ends. ERR_NOT_FOUND: nobody listens. ERR_BUSY: the server hung up before the end, and may have
 * done some of it or all. ERR_INTERNAL: it did nothing.
 */

/* Asks for a retry; `line` gets every row's line, *failed how many rows are still in quarantine. */
MUST enum err control_retry(const char *path, const struct retry_scope *scope, retry_row_fn *row, void *arg,
                            size_t *failed);

/* Asks for a clinic to be put; `row` gets its line. */
MUST enum err control_put_clinic(const char *path, const struct clinic_row *clinic, retry_row_fn *row,
                                 void *arg);

/* Asks for a change of a consumer: its total and its `after` are filled in, and *why says why it was refused
 * or failed; empty: it was made. */
MUST enum err control_change_consumer(const char *path, struct consumers_change *change, struct buf *why);

/* Has it audited that the caller looks at patient data: on disk when this returns. `what` is a JSON object;
 * the organization may be empty. */
MUST enum err control_audit(const char *path, struct span action, struct span org, struct span what);

/* Asks for all limits to be as if nothing had been used of them. */
MUST enum err control_clear_limits(const char *path);

/* Asks for a snapshot as JSON, see flow/snapshot.h. */
MUST enum err control_status(const char *path, struct buf *json);

#endif

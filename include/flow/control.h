/*
 * What a running server does for a command that must not write the database itself. A request is one JSON
 * object on a line, {"command":"quarantine-retry","id":"..."} or {...,"all":true,"source":"..."}; the answer
 * is a line for each row, {"id","result","errors"}, and last {"failed":N} or {"error":"..."}. A clinic, which
 * was checked, is put by {"command":"clinic-put","org":"...","clinic":{...}}.
 */
#ifndef PICKUPD_FLOW_CONTROL_H
#define PICKUPD_FLOW_CONTROL_H

#include "flow/flows.h"
#include "flow/retry.h"
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
};

/* A line_handler; the argument is the struct control. */
void control_handle(struct line_call *call, struct span request, void *control);

/* Asks for a retry; `line` gets every row's line, *failed how many rows are still in quarantine. */
MUST enum err control_retry(const char *path, const struct retry_scope *scope, retry_row_fn *row, void *arg,
                            size_t *failed);

/* Asks for a clinic to be put; `row` gets its line. */
MUST enum err control_put_clinic(const char *path, const struct clinic_row *clinic, retry_row_fn *row,
                                 void *arg);

/* Asks for all limits to be as if nothing had been used of them. */
MUST enum err control_clear_limits(const char *path);

#endif

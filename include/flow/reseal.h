/*
 * Sealing all that is in the store with the current key, while it serves: step by step, and at the end, if
 * anything was in clear before, the file is written anew.
 */
#ifndef PICKUPD_FLOW_RESEAL_H
#define PICKUPD_FLOW_RESEAL_H

#include "base/json.h"
#include "flow/control.h"
#include "store/reseal.h"
#include "store/writer.h"

struct reseal_report {
    enum err err;          /* ERR_NOT_FOUND: there are no keys; else why it ended before it was done */
    struct span key;       /* the id of the current one */
    int64_t sealed, clear; /* values; and those of them that were in clear */
    int64_t damaged;       /* those that can't be unsealed, and stay as they are */
    bool was_remnants;     /* the file was to be written anew, */
    enum err written_anew; /* and how that went: ERR_BUSY, somebody keeps reading it */
};

/* In the loop's thread, once; the spans are valid during the call. */
typedef void reseal_done_fn(void *arg, const struct reseal_report *report);
void reseal_start(struct writer *writer, struct loop *loop, reseal_done_fn *done, void *arg);

/* Whether everything is as it should be. */
bool reseal_is_good(const struct reseal_report *report);

/* For control_handle. */
void reseal_handle(struct control *control, struct line_call *call, const struct json *request);

/* Asks a running server for it. */
MUST enum err control_reseal(const char *path, reseal_done_fn *done, void *arg);

#endif

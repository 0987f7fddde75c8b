/* Mapping webhooks from quarantine again, after their definition or source has been mended. */
#ifndef PICKUPD_FLOW_RETRY_H
#define PICKUPD_FLOW_RETRY_H

#include "base/faults.h"
#include "model/source.h"
#include "store/view.h"
#include "store/writer.h"

/* What to retry. */
struct retry_scope {
    bool all;
    struct event_id id; /* unless all */
    struct span source; /* with all: of this source only; empty for every one; needed during the call only */
    struct span org; /* what is of another is not found; empty for every one; needed during the call only */
};

/* Called for each row, in the loop's thread; the spans are valid during the call. */
typedef void retry_row_fn(void *arg, const char *id, const char *result, const struct faults *faults);

/* Called once at the end: how many rows are still in quarantine of those that were tried. */
typedef void retry_done_fn(void *arg, size_t failed);

/*
 * Retries one row after the other, each committed before the next. The results are "stored", "stored in
 * part" (of a batch; the other rows are in quarantine by themselves now), "duplicate" (the event was there
 * already), "ignored" (the definition wants nothing of it), "still faulty" with the faults, "unknown source",
 * "not found" or "not now".
 * Each row that is changed makes one of the audit, as `by` has it, with the row's id.
 * `sources` is where the sources of the moment are: they may be swapped between two rows. All must outlive
 * it.
 */
void retry_start(const struct sources *const *sources, struct view *view, struct writer *writer,
                 struct loop *loop, const struct retry_scope *scope, const struct audit_entry *by,
                 retry_row_fn *row, retry_done_fn *done, void *arg);

#endif

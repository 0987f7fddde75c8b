/*
 * One webhook's way from its raw bytes to the disk: room, verdict, commit. Runs in a hook loop; only the
 * commit happens elsewhere.
 */
#ifndef PICKUPD_FLOW_INGEST_H
#define PICKUPD_FLOW_INGEST_H

#include "model/verdict.h"
#include "store/writer.h"

struct intake {
    struct store_job job; /* first: it comes back from the writer; further rows are its parts */
    const struct source *source;
    const struct request *request;
    struct arena *arena;
    struct verdict verdict;
    int64_t retry_after; /* with ERR_RATE: seconds until the next */
    void (*done)(struct intake *intake, enum err err);
    void *arg;
};

/* What became of the rows of a batch. */
struct intake_counts {
    size_t stored, duplicates, quarantined, ignored;
};

/*
 * Takes a webhook in. `done` is called once, in the loop's thread, at once or after the commit:
 * ERR_OK: on disk (job.duplicate: it was there already), or there is nothing to keep: see verdict.kind;
 * ERR_BAD_WEBHOOK: authentic, not mappable, on disk in quarantine; the reasons are in job.faults;
 * ERR_BAD_SIGNATURE; ERR_RATE: authentic, but too many of the source; whatever has the status 503: nothing
 * is promised, the sender should retry. Of a batch all rows are on disk or none:
 * good ones as events, bad ones in quarantine, and it is ERR_OK. The request and the arena must live until
 * then; the intake lies in the arena.
 */
void ingest(struct writer *writer, struct loop *loop, const struct source *source,
            const struct request *request, struct arena *arena, void (*done)(struct intake *, enum err),
            void *arg);

/* Fills the intake's job and its parts from its verdict, of which there is something to keep. */
void ingest_jobs(struct intake *intake);

/* Faults as a JSON list of texts. */
struct span ingest_faults(struct arena *arena, const struct faults *faults);

/* Of an intake that came back. */
struct intake_counts ingest_counts(const struct intake *intake);

#endif

/*
 * One webhook's way from its raw bytes to the disk: room, signature, mapping, commit. Runs in a hook loop;
 * only the commit happens elsewhere.
 */
#ifndef PICKUPD_FLOW_INGEST_H
#define PICKUPD_FLOW_INGEST_H

#include "base/faults.h"
#include "base/request.h"
#include "model/definition.h"
#include "store/writer.h"

struct intake {
    struct store_job job; /* first: it comes back from the writer */
    const struct source *source;
    struct arena *arena;
    struct mapped mapped;
    struct faults faults; /* of the payload; if any, the job is one for quarantine */
    void (*done)(struct intake *intake, enum err err);
    void *arg;
};

/*
 * Takes an authentic webhook in. `done` is called once, in the loop's thread, at once or after the commit:
 * ERR_OK: on disk as an event (job.duplicate: it was there already);
 * ERR_BAD_WEBHOOK: authentic, not mappable, on disk in quarantine; the reasons are in faults;
 * ERR_BAD_SIGNATURE; ERR_BUSY, ERR_STORE, ERR_QUARANTINE_FULL: nothing is promised, the sender should retry.
 * The request and the arena must live until then; the intake lies in the arena.
 */
void ingest(struct writer *writer, struct loop *loop, const struct source *source,
            const struct request *request, struct arena *arena, void (*done)(struct intake *, enum err),
            void *arg);

/*
 * Maps a body that was proven authentic, and fills mapped, faults and job for it. `received` is its first
 * arrival. ERR_BAD_WEBHOOK if it can't be mapped.
 */
MUST enum err ingest_map(struct intake *intake, struct span body, int64_t received);

#endif

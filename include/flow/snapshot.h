/*
 * How everything is, at one moment: what /metrics and `pickupd status` tell is taken from here, so that both
 * say the same. All of it lives in its arena. What was not looked at is 0; see `served` and `looked`.
 */
#ifndef PICKUPD_FLOW_SNAPSHOT_H
#define PICKUPD_FLOW_SNAPSHOT_H

#include "base/histogram.h"
#include "model/tally.h"
#include "store/counts.h"
#include "store/notices.h"
#include "store/view.h"
#include "store/writer.h"
#include "sys/disk.h"
#include "sys/http.h"
#include "sys/process.h"

/* Thresholds of what needs attention; the alert rules in contrib have the same. */
#define SNAPSHOT_REFUSED_IN_A_ROW 10
#define SNAPSHOT_STUCK_MS         INT64_C(3600000)   /* that an event has waited for a consumer */
#define SNAPSHOT_SILENT_MS        INT64_C(345600000) /* that a source which used to work has sent nothing */
#define SNAPSHOT_EXPIRY_MS                                                                                   \
    INT64_C(1209600000) /* 14 days until a source has no live secret, or a face no certificate */
#define SNAPSHOT_LATELY_MS INT64_C(86400000) /* for which a dead notice is told of */
#define SNAPSHOT_LOG_BYTES INT64_C(67108864) /* of the log, that somebody keeps from being cut */
#define SNAPSHOT_SYNC_US   250000            /* that a sync takes on average */
#define SNAPSHOT_SYNCS     10                /* from so many on there is an average */
#define SNAPSHOT_RESERVES  10                /* of them should be free on the disk */

#define SNAPSHOT_FACES 2

struct snapshot_secret {
    struct snapshot_secret *next;
    const char *name;
    int64_t last;                  /* when it last proved a webhook, ms since 1970; 0: never */
    bool is_configured;            /* these only then: */
    int64_t not_before, not_after; /* ms since 1970; INT64_MIN and INT64_MAX if not set */
};

struct snapshot_source {
    struct snapshot_source *next;
    const char *name;
    bool is_configured;   /* and not only remembered */
    const char *disabled; /* why, or NULL */
    bool is_off;          /* because somebody said so */
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t refusals[REFUSAL_COUNT];
    uint64_t in_a_row;   /* signatures refused since it last proved itself; 0 if it never has */
    int64_t last;        /* when it last did, ms since 1970; 0: never */
    uint64_t lately;     /* webhooks in the last `lately_ms` of the snapshot */
    int64_t rows, bytes; /* in quarantine */
    struct snapshot_secret *secrets;
};

struct snapshot_consumer {
    struct snapshot_consumer *next;
    const char *org, *name; /* the flows have an empty org */
    bool paused;
    int64_t behind, open, dead, oldest, seen, missed; /* as in store/lags.h */
};

struct snapshot_face {
    const char *name;
    int64_t until;               /* that its certificate is good, ms since 1970; 0: it speaks no TLS */
    uint64_t open, most;         /* connections just now, and that may be */
    uint64_t filled, handshakes; /* as in sys/http.h, and so are: */
    uint64_t cutoffs[CUTOFF_COUNT];
};

struct snapshot_type {
    const char *name;
    uint64_t count;
};

/* Classes of answers to webhooks: by the first digit of their status. */
enum answer_class { ANSWER_2XX, ANSWER_4XX, ANSWER_5XX, ANSWER_CLASSES };

struct snapshot {
    struct arena arena;
    int64_t now; /* ms since 1970 */
    const char *database;
    bool served; /* by the process that took it; these only then: */
    int64_t lately_ms;
    enum err takes; /* ERR_OK, or why webhooks are answered 503 just now */
    struct writer_load load;
    int64_t readings; /* that wait for the reader */
    struct histogram_values answers[ANSWER_CLASSES];
    struct histogram_values commit_time, commit_jobs, checkpoint_time, sync_time, sync_bytes;
    uint64_t syncs_lately, sync_us_lately; /* their number, and their time together */
    uint64_t failures;
    uint64_t unknown;             /* requests for a source that is not there */
    uint64_t shed[REFUSAL_COUNT]; /* requests to the private face that were answered 503 */
    struct snapshot_type *types;  /* the last is of all that have no name of their own */
    size_t type_count;
    struct process_use process;
    struct snapshot_face faces[SNAPSHOT_FACES];

    struct snapshot_source *sources;
    struct snapshot_source **last_source;

    bool looked; /* the store was looked at; these only then: */
    struct disk_use disk;
    int64_t disk_reserve; /* bytes, as configured */
    int64_t last_seq;
    struct snapshot_consumer *consumers;
    struct snapshot_consumer **last_consumer;
    int64_t consumer_count, all_consumers; /* in the list, and that there are; see store/lags.h */
    struct notice_counts notices;
};

/* Zero-initialised; the arena is released by snapshot_free. */
void snapshot_begin(struct snapshot *snapshot, const char *database, int64_t now);
void snapshot_free(struct snapshot *snapshot);

/* Looks at the store and the disk; at the flows only if they are on. Any thread whose view it is. */
void snapshot_look(struct snapshot *snapshot, struct view *view, bool flows);

/* Adds the sources, in the order of the configuration, then those that are only remembered. */
void snapshot_add_sources(struct snapshot *snapshot, const struct sources *sources,
                          const struct tallies *tallies);

/* Adds a configured secret; the times are INT64_MIN and INT64_MAX where they are not set. */
void snapshot_add_secret(struct snapshot *snapshot, struct span source, struct span name, int64_t not_before,
                         int64_t not_after);

/* Adds to a source what is in quarantine of it; one that is not there is added. */
void snapshot_add_use(struct snapshot *snapshot, struct span origin, int64_t rows, int64_t bytes);

/* Adds what the writer and its store have counted. */
void snapshot_add_store(struct snapshot *snapshot, const struct writer *writer);

/* For how many ms the oldest event has waited for a consumer. */
int64_t snapshot_waits(const struct snapshot *snapshot, const struct snapshot_consumer *consumer);

/* What needs attention, first what does so most; `see` names an entry of the manual's runbook. */
typedef void attention_fn(void *arg, const char *text, const char *see);
void snapshot_attention(const struct snapshot *snapshot, attention_fn *fn, void *arg);

/* The whole of it as one JSON object on a line. */
void snapshot_write(const struct snapshot *snapshot, struct buf *out);

#endif

/* What we store: one event, and how it gets its id. */
#ifndef PICKUPD_MODEL_EVENT_H
#define PICKUPD_MODEL_EVENT_H

#include <stdint.h>

#include "base/span.h"

#define EVENT_ID_BYTES 16
#define EVENT_ID_TEXT  (2 * EVENT_ID_BYTES + 1) /* with the NUL */

struct event_id {
    uint8_t bytes[EVENT_ID_BYTES];
};

/* All spans are borrowed from whoever made the event. */
struct event {
    struct event_id id;
    struct span origin; /* the source's name */
    struct span source; /* the envelope's source, such as ehr.dentrix */
    struct span type;   /* the envelope's detailType */
    struct span org;
    int64_t time; /* first arrival, ms since 1970 */
    char *detail; /* JSON text, detail_len bytes */
    size_t detail_len;
    size_t received_at;     /* where in detail the text of `time` stands, or 0 */
    const uint8_t *content; /* SHA-256 of the body where a key, not the body, makes the id; else NULL */
};

/*
 * The first 16 bytes of SHA-256 over ("pickupd1", origin, kind, key), each part preceded by its length. The
 * kind is "body" where the key is the raw body.
 */
struct event_id event_id(struct span origin, struct span kind, struct span key);

/*
 * One of our own, whose origin is its source: the key, within the org, makes its id, so that the same one is
 * there once. The spans stay borrowed.
 */
struct event event_own(struct span source, struct span type, struct span org, struct span key, int64_t time,
                       struct span detail);

/* 32 lowercase hex digits. */
void event_id_write(char text[EVENT_ID_TEXT], const struct event_id *id);
bool event_id_read(struct span text, struct event_id *id);

/* Sets the time of an event, in its detail too. */
void event_set_time(struct event *event, int64_t time);

#endif

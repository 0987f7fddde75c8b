/*
 * Deliveries, and the cases that each of them takes. A case is in one delivery at a time. Writing is for
 * calls (see store/store.h), reading for any view.
 */
#ifndef PICKUPD_STORE_DELIVERIES_H
#define PICKUPD_STORE_DELIVERIES_H

#include "model/priority.h"
#include "model/states.h"
#include "store/store.h"
#include "store/view.h"

#define DELIVERY_CASES_MAX 200   /* of one delivery; further ones go with another */
#define DELIVERY_NOTES_MAX 32768 /* bytes of its notes; those of further cases stand with these alone */

struct delivery {
    int64_t number; /* in the order in which they were made */
    struct span org, id;
    struct span lab_id, clinic_id;
    struct span date; /* YYYY-MM-DD */
    enum delivery_status status;
    enum priority priority;   /* the highest of its cases */
    struct span notes;        /* of its cases, a line each */
    struct span driver;       /* JSON, or {NULL, 0} */
    int64_t eta;              /* ms since 1970; 0 if not known */
    struct span proof;        /* JSON: who took it, when, and what shows it; or {NULL, 0} */
    int64_t seq;              /* of the event that made it, or delivered it */
    int64_t created, updated; /* ms since 1970 */
};

struct delivery_case {
    struct span org, id;
    struct span delivery_id;
    enum priority priority;
    struct span detail; /* JSON: of the event that made it ready, or moved it */
    int64_t place;      /* the seq of that event */
    int64_t seq;        /* of the last event that named it */
};

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err delivery_find(struct view *view, struct arena *arena, struct span org, struct span id,
                            struct delivery *delivery);

/* The Pending one that takes cases of that lab for that clinic and date: the org and these are in `like`.
 * ERR_NOT_FOUND if there is none with fewer than DELIVERY_CASES_MAX. */
MUST enum err delivery_find_open(struct view *view, struct arena *arena, const struct delivery *like,
                                 struct delivery *delivery);

/* Copied into the arena. ERR_NOT_FOUND. */
MUST enum err delivery_find_case(struct view *view, struct arena *arena, struct span org, struct span id,
                                 struct delivery_case *found);

struct delivery_filter {
    struct span org;
    struct span status, clinic_id, lab_id, date; /* empty for all */
    int64_t after;                               /* the number of one; those behind it */
    int64_t limit;
};

/* In the order in which they were made; spans are valid during the call. */
typedef void delivery_fn(void *arg, const struct delivery *delivery);
MUST enum err delivery_each(struct view *view, const struct delivery_filter *filter, delivery_fn *row,
                            void *arg);

/* The cases of a delivery, in the order of the events that put them there. */
typedef void delivery_case_fn(void *arg, const struct delivery_case *one);
MUST enum err delivery_each_case(struct view *view, struct span org, struct span id, delivery_case_fn *row,
                                 void *arg);

/* Makes a Pending one, with no case yet, from org, id, lab_id, clinic_id, date, seq and created. */
MUST enum err delivery_add(struct store *store, const struct delivery *delivery);

/* Puts a case into a delivery, and out of the one it was in. */
MUST enum err delivery_put_case(struct store *store, const struct delivery_case *one);

/* A case was put into a delivery beside those that were there: its priority and notes are added to *delivery.
 */
MUST enum err delivery_follow_case(struct store *store, struct arena *arena, struct delivery *delivery,
                                   const struct delivery_case *one, int64_t now);

/* The cases of a delivery have changed: its priority and its notes follow. *left is how many it has. */
MUST enum err delivery_follow_cases(struct store *store, struct span org, struct span id, int64_t now,
                                    int64_t *left);

/* Writes a delivery's status, driver, eta, proof, seq and time of change; flow/deliveries.h has the rules,
 * and tells others. */
MUST enum err delivery_set_status(struct store *store, const struct delivery *delivery);

#endif

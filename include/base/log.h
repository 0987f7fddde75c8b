/*
 * The log: one JSON object a line on standard error, each written in one go, from any thread. It never waits
 * for a reader: lines that would are left out, and the next one tells how many, as "lost". Never give it a
 * value from a request's body or headers: no name, phone, note, secret or signature.
 */
#ifndef PICKUPD_BASE_LOG_H
#define PICKUPD_BASE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/span.h"

enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    const char *text; /* or, if NULL, number */
    int64_t number;
};

/* A place that may be hit by anybody on the network; it writes at most LOG_PER_SECOND lines a second. */
struct log_site {
    atomic_llong second;
    atomic_int written;
    atomic_int held; /* lines left out since the last one written */
};

#define LOG_PER_SECOND 10

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t count);

/* False if the line must be held back; otherwise *held is how many were since the last one. */
bool log_allowed(struct log_site *site, int *held);

#define LOG_STR(key, text)   ((struct log_field){(key), (text), 0})
#define LOG_NUM(key, number) ((struct log_field){(key), NULL, (number)})

/* log_event(LOG_INFO, "listening", LOG_STR("face", "public")) */
#define log_event(level, msg, ...)                                                                           \
    log_write((level), (msg), (const struct log_field[]){__VA_ARGS__},                                       \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* The same, for a place that strangers can reach; the fields must not be empty. */
#define log_event_limited(level, msg, ...)                                                                   \
    do {                                                                                                     \
        static struct log_site site_;                                                                        \
        int held_;                                                                                           \
        if (log_allowed(&site_, &held_))                                                                     \
            log_event((level), (msg), LOG_NUM("held", held_), __VA_ARGS__);                                  \
    } while (0)

#endif

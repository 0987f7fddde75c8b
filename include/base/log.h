/*
 * The log: one line for each event on standard error, a JSON object or a text for a person, written in one
 * go, from any thread. It never waits for a reader: lines that would are left out, and the next one tells how
 * many, as "lost". Never give it a value from a request's body or headers: no name, phone, note, secret or
 * signature. The one exception is a request's id, which was checked when it was taken.
 */
#ifndef PICKUPD_BASE_LOG_H
#define PICKUPD_BASE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_JSON, LOG_TEXT };

/* False, and nothing is read, for what is neither. */
bool log_level_read(struct span text, enum log_level *level);
bool log_format_read(struct span text, enum log_format *format);

/* What is less than `level` is not written from now on; LOG_INFO and LOG_JSON until this is called. */
void log_set(enum log_level level, enum log_format format);

extern atomic_int log_least;

static inline bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_least, memory_order_relaxed);
}

struct log_field {
    const char *key;  /* NULL: there is no such field */
    const char *text; /* or, if NULL, number */
    int64_t number;
};

/* A place that may be hit by anybody on the network; it writes at most LOG_PER_SECOND lines a second. */
struct log_site {
    atomic_llong second;
    atomic_int written;
    atomic_int held;            /* lines left out since the last one written */
    _Atomic(const char *) what; /* the last of these would have said; lives for ever */
    atomic_int level;
    atomic_bool listed;
    struct log_site *next; /* of those that ever held a line back */
};

#define LOG_PER_SECOND 10

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t count);

/*
 * False if the line must be held back; otherwise *held is how many were since the last one. The site and the
 * message must live for ever.
 */
bool log_allowed(struct log_site *site, enum log_level level, const char *msg, int *held);

/*
 * Says how many lines were held back where nothing has been written since: of sites that are quiet by now, or
 * of all. To be called every second, and at the end.
 */
void log_tell_held(bool all);

#define LOG_STR(key, text)   ((struct log_field){(key), (text), 0})
#define LOG_NUM(key, number) ((struct log_field){(key), NULL, (number)})

/* A text that may be NULL: then the field is left out. */
#define LOG_MAYBE(key, value) ((struct log_field){(value) != NULL ? (key) : NULL, (value), 0})

/* log_event(LOG_INFO, "listening", LOG_STR("face", "public")); fields of a level that is off cost nothing. */
#define log_event(level, msg, ...)                                                                           \
    do {                                                                                                     \
        if (log_is_on(level))                                                                                \
            log_write((level), (msg), (const struct log_field[]){__VA_ARGS__},                               \
                      sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field));           \
    } while (0)

/* The same at a site that several lines share. */
#define log_event_at(site, level, msg, ...)                                                                  \
    do {                                                                                                     \
        int held_;                                                                                           \
        if (log_is_on(level) && log_allowed((site), (level), (msg), &held_))                                 \
            log_event((level), (msg), LOG_NUM("held", held_), __VA_ARGS__);                                  \
    } while (0)

/* The same, for a place that strangers can reach; the fields must not be empty. */
#define log_event_limited(level, msg, ...)                                                                   \
    do {                                                                                                     \
        static struct log_site site_;                                                                        \
        log_event_at(&site_, (level), (msg), __VA_ARGS__);                                                   \
    } while (0)

#endif

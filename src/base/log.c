/* Writing log lines. */
#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/time.h"

#define LOG_FIELDS 16 /* of one line at most */

static const char *const levels[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
static const char *const formats[] = {[LOG_JSON] = "json", [LOG_TEXT] = "text"};

atomic_int log_least = LOG_INFO;
static atomic_int format = LOG_JSON;

bool log_level_read(struct span text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (span_is(text, span_of(levels[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_format_read(struct span text, enum log_format *out)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (span_is(text, span_of(formats[i]))) {
            *out = (enum log_format)i;
            return true;
        }
    return false;
}

void log_set(enum log_level level, enum log_format as)
{
    atomic_store(&log_least, (int)level);
    atomic_store(&format, (int)as);
}

/* Lines. */

static void put_time(struct buf *line)
{
    int64_t now = time_now();
    char text[TIME_TEXT];
    time_write(text, now);
    buf_printf(line, "%.19s.%03dZ", text, (int)(now % 1000));
}

static void put_json(struct buf *line, enum log_level level, const char *msg, const struct log_field *fields,
                     size_t count)
{
    json_open(line, '{');
    json_key(line, SPAN("time"));
    buf_add_char(line, '"');
    put_time(line);
    buf_add_char(line, '"');
    json_add_str(line, "level", span_of(levels[level]));
    json_add_str(line, "msg", span_of(msg));
    for (size_t i = 0; i < count; i++) {
        if (fields[i].key == NULL)
            continue;
        if (fields[i].text != NULL)
            json_add_str(line, fields[i].key, span_of(fields[i].text));
        else
            json_add_int(line, fields[i].key, fields[i].number);
    }
    json_close(line, '}');
}

/* Quoted as in JSON, so that no text can begin a line or look like another field. */
static void put_value(struct buf *line, struct span text)
{
    static const bool needs_quotes[256] = {
        [0 ... ' '] = true, ['"'] = true, ['='] = true, ['\\'] = true, [0x7f ... 0xff] = true,
    };
    struct buf quoted CLEANUP(buf_free) = {0}; /* or a comma would go before it */
    if (text.len > 0 && span_run(text, needs_quotes) == text.len) {
        buf_add(line, text);
        return;
    }
    json_put_str(&quoted, text);
    buf_add(line, buf_span(&quoted));
}

/* What is 0 and counts lines says nothing to a person. */
static bool is_idle(const struct log_field *field)
{
    return field->key == NULL ||
           (field->text == NULL && field->number == 0 && strcmp(field->key, "held") == 0);
}

static void put_text(struct buf *line, enum log_level level, const char *msg, const struct log_field *fields,
                     size_t count)
{
    put_time(line);
    buf_printf(line, " %-5s %s", levels[level], msg);
    for (size_t i = 0; i < count; i++) {
        if (is_idle(&fields[i]))
            continue;
        buf_printf(line, " %s=", fields[i].key);
        if (fields[i].text != NULL)
            put_value(line, span_of(fields[i].text));
        else
            buf_add_int(line, fields[i].number);
    }
}

/* Lines that nobody took, since the last one that somebody did. */
static atomic_int lost;

static mtx_t writing;
static once_flag prepared = ONCE_FLAG_INIT;

static void prepare(void)
{
    if (mtx_init(&writing, mtx_plain) != thrd_success)
        abort();
}

/*
 * A reader that has stopped reading must not stop us: a line that a full pipe would make us wait with is left
 * out, and counted with those it speaks of. One at a time, because only then "there is room" still holds when
 * the line is written.
 */
static void put_line(struct span line, int speaks_of)
{
    struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
    call_once(&prepared, prepare);
    mtx_lock(&writing);
    bool room = poll(&err, 1, 0) == 1 && (err.revents & POLLOUT) != 0;
    if (!room || write(STDERR_FILENO, line.at, line.len) < 0)
        atomic_fetch_add(&lost, speaks_of + 1);
    mtx_unlock(&writing);
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t count)
{
    struct buf line CLEANUP(buf_free) = {0};
    struct log_field all[LOG_FIELDS];
    if (!log_is_on(level))
        return;
    int speaks_of = atomic_exchange(&lost, 0);
    count = count < LOG_FIELDS - 1 ? count : LOG_FIELDS - 1;
    if (count > 0)
        memcpy(all, fields, count * sizeof *fields);
    if (speaks_of > 0)
        all[count++] = LOG_NUM("lost", speaks_of);
    (atomic_load(&format) == LOG_TEXT ? put_text : put_json)(&line, level, msg, all, count);
    buf_add_char(&line, '\n');
    put_line(buf_span(&line), speaks_of);
}

/* Lines held back. */

static _Atomic(struct log_site *) sites;

static long long second_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* From now on log_tell_held knows of it. */
static void list_site(struct log_site *site)
{
    if (atomic_exchange(&site->listed, true))
        return;
    site->next = atomic_load(&sites);
    while (!atomic_compare_exchange_weak(&sites, &site->next, site))
        ;
}

bool log_allowed(struct log_site *site, enum log_level level, const char *msg, int *held)
{
    long long now = second_now();
    long long before = atomic_load(&site->second);
    if (before != now && atomic_compare_exchange_strong(&site->second, &before, now))
        atomic_store(&site->written, 0);
    if (atomic_fetch_add(&site->written, 1) >= LOG_PER_SECOND) {
        atomic_store(&site->what, msg);
        atomic_store(&site->level, (int)level);
        atomic_fetch_add(&site->held, 1);
        list_site(site);
        return false;
    }
    *held = atomic_exchange(&site->held, 0);
    return true;
}

/* A site that still writes tells of it by itself. */
void log_tell_held(bool all)
{
    long long now = second_now();
    for (struct log_site *site = atomic_load(&sites); site != NULL; site = site->next) {
        if (!all && atomic_load(&site->second) == now)
            continue;
        int held = atomic_exchange(&site->held, 0);
        if (held > 0)
            log_event((enum log_level)atomic_load(&site->level), "lines were held back",
                      LOG_NUM("held", held), LOG_STR("of", atomic_load(&site->what)));
    }
}

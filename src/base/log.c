/* Writing log lines. */
#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/time.h"

static const char *const levels[] = {[LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

static void put_time(struct buf *line)
{
    int64_t now = time_now();
    char text[TIME_TEXT];
    time_write(text, now);
    json_key(line, SPAN("time"));
    buf_printf(line, "\"%.19s.%03dZ\"", text, (int)(now % 1000));
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

static int put_lost(struct buf *line)
{
    int count = atomic_exchange(&lost, 0);
    if (count > 0)
        json_add_int(line, "lost", count);
    return count;
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
    json_open(&line, '{');
    put_time(&line);
    json_add_str(&line, "level", span_of(levels[level]));
    json_add_str(&line, "msg", span_of(msg));
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text != NULL)
            json_add_str(&line, fields[i].key, span_of(fields[i].text));
        else
            json_add_int(&line, fields[i].key, fields[i].number);
    }
    int speaks_of = put_lost(&line);
    json_close(&line, '}');
    buf_add_char(&line, '\n');
    put_line(buf_span(&line), speaks_of);
}

bool log_allowed(struct log_site *site, int *held)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long before = atomic_load(&site->second);
    if (before != now.tv_sec && atomic_compare_exchange_strong(&site->second, &before, now.tv_sec))
        atomic_store(&site->written, 0);
    if (atomic_fetch_add(&site->written, 1) >= LOG_PER_SECOND) {
        atomic_fetch_add(&site->held, 1);
        return false;
    }
    *held = atomic_exchange(&site->held, 0);
    return true;
}

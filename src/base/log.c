/* Writing log lines. */
#include "base/log.h"

#include <stdio.h>
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
    json_close(&line, '}');
    buf_add_char(&line, '\n');
    if (write(STDERR_FILENO, line.at, line.len) < 0)
        return; /* there is nowhere left to say so */
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

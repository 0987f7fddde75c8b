/*
 * One tick sends what is due and sets the timer for the next. An attempt is a flight: it ends when the store
 * has what came of it, and until then its notice is not sent again.
 */
#include "flow/notify.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"
#include "base/time.h"
#include "store/notices.h"
#include "sys/fetch.h"

#define NEWS_MS      20      /* after a commit: under load there is one with every breath */
#define RETRY_MS     1000    /* after the disk did not take something */
#define LONGEST_MS   3600000 /* between two looks at what is due */
#define ANSWER_BYTES 1024    /* nobody reads it */
#define ERROR_BYTES  160

struct flight {
    struct store_job job; /* first: it comes back from the writer */
    struct flight *next;
    struct notify *notify;
    int64_t number, attempts; /* of the notice; with this one */
    char id[NOTICE_ID_TEXT];
    enum notice_state state; /* what came of it */
    int64_t due;
    char error[ERROR_BYTES];
    bool unrecorded; /* the writer did not take it yet */
};

struct notify {
    struct store_job keep; /* first: it comes back from the writer */
    struct view *view;
    struct writer *writer;
    struct loop *loop;
    struct loop_timer *timer;
    char *url;
    const struct whsec *secret;
    int64_t attempts, wait;
    struct fetcher *fetcher;
    struct flight *flights;
    size_t flight_count;
    bool keeping; /* `keep` is with the writer */
    bool soon;    /* the timer is set to look at what was committed */
    bool stopped;
};

int64_t notify_wait(int64_t wait, int64_t attempts)
{
    int64_t times = 1;
    for (int64_t i = 1; i < attempts && times < NOTIFY_WAIT_MOST; i++)
        times *= 3;
    int64_t ms = wait * (times < NOTIFY_WAIT_MOST ? times : NOTIFY_WAIT_MOST);
    return random_between(ms - ms / 5, ms + ms / 5);
}

static void tick(void *arg);

/* Recording. */

static enum err write_outcome(struct store *store, struct store_job *job)
{
    struct flight *flight = (struct flight *)job;
    return notice_tried(store, flight->number, flight->state, flight->due, span_of(flight->error));
}

static void forget(struct flight *flight)
{
    struct flight **at = &flight->notify->flights;
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    flight->notify->flight_count--;
    free(flight);
}

static void on_written(struct store_job *job)
{
    struct flight *flight = (struct flight *)job;
    struct notify *notify = flight->notify;
    flight->unrecorded = job->err != ERR_OK;
    if (flight->unrecorded) {
        loop_timer_set(notify->timer, RETRY_MS);
        return;
    }
    forget(flight);
    tick(notify);
}

static void record(struct flight *flight)
{
    flight->job = (struct store_job){
        .kind = STORE_CALL, .call = write_outcome, .loop = flight->notify->loop, .done = on_written};
    flight->unrecorded = writer_put(flight->notify->writer, &flight->job) != ERR_OK;
}

/* Sending. */

static void say_failed(const struct flight *flight)
{
    if (flight->state == NOTICE_DEAD)
        log_event(LOG_ERROR, "the dispatcher can't be told, which is given up", LOG_STR("notice", flight->id),
                  LOG_STR("reason", flight->error));
    else
        log_event_limited(LOG_WARN, "the dispatcher can't be told", LOG_STR("notice", flight->id),
                          LOG_NUM("attempt", flight->attempts), LOG_STR("reason", flight->error));
}

static void fail(struct flight *flight, const char *reason)
{
    struct buf error CLEANUP(buf_free) = {0};
    buf_printf(&error, "%.*s", ERROR_BYTES - 1, reason);
    memcpy(flight->error, buf_text(&error), error.len + 1);
    flight->state = flight->attempts >= flight->notify->attempts ? NOTICE_DEAD : NOTICE_PENDING;
    flight->due = time_now() + notify_wait(flight->notify->wait, flight->attempts);
    say_failed(flight);
}

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct flight *flight = arg;
    struct buf error CLEANUP(buf_free) = {0};
    buf_printf(&error, "HTTP %d", answer->status);
    flight->due = time_now();
    flight->state = NOTICE_SENT;
    if (answer->status < 200 || answer->status > 299)
        fail(flight, answer->failure != NULL ? answer->failure : buf_text(&error));
    record(flight);
    if (flight->unrecorded)
        loop_timer_set(flight->notify->timer, RETRY_MS);
}

static enum err post(struct flight *flight, const struct notice *notice)
{
    struct notify *notify = flight->notify;
    struct buf body CLEANUP(buf_free) = {0};
    struct buf time CLEANUP(buf_free) = {0};
    struct buf signature CLEANUP(buf_free) = {0};
    int64_t now = time_now() / 1000;
    notice_write(&body, notice);
    buf_add_int(&time, now);
    whsec_sign(notify->secret, span_of(flight->id), now, buf_span(&body), &signature);
    struct header headers[] = {{SPAN("Content-Type"), SPAN("application/json")},
                               {SPAN("webhook-id"), span_of(flight->id)},
                               {SPAN("webhook-timestamp"), buf_span(&time)},
                               {SPAN("webhook-signature"), buf_span(&signature)}};
    struct fetch_request request = {.method = "POST",
                                    .url = notify->url,
                                    .headers = headers,
                                    .header_count = sizeof headers / sizeof headers[0],
                                    .body = buf_span(&body),
                                    .timeout = NOTIFY_TIMEOUT_MS,
                                    .done = on_answer,
                                    .arg = flight};
    return fetch_start(notify->fetcher, &request);
}

static bool is_in_flight(const struct notify *notify, int64_t number)
{
    for (const struct flight *flight = notify->flights; flight != NULL; flight = flight->next)
        if (flight->number == number)
            return true;
    return false;
}

static void on_due(void *arg, const struct notice *notice)
{
    struct notify *notify = arg;
    if (notify->flight_count >= NOTIFY_IN_FLIGHT || is_in_flight(notify, notice->number))
        return;
    struct flight *flight = mem_alloc(sizeof *flight);
    *flight = (struct flight){.next = notify->flights,
                              .notify = notify,
                              .number = notice->number,
                              .attempts = notice->attempts + 1};
    notice_id(flight->id, notice);
    notify->flights = flight;
    notify->flight_count++;
    if (post(flight, notice) == ERR_OK)
        return;
    fail(flight, "such a request can't be sent");
    record(flight);
}

/* The tick. */

static void set_timer(struct notify *notify, int64_t now, bool failed)
{
    int64_t next = INT64_MAX;
    for (const struct flight *flight = notify->flights; flight != NULL; flight = flight->next)
        failed = failed || flight->unrecorded;
    if (failed || notice_next_due(notify->view, now, &next) != ERR_OK)
        next = now + RETRY_MS;
    int64_t wait = next == INT64_MAX || next - now > LONGEST_MS ? LONGEST_MS : next - now;
    loop_timer_set(notify->timer, wait < 1 ? 1 : wait);
}

static void send_due(struct notify *notify)
{
    int64_t now = time_now();
    for (struct flight *flight = notify->flights; flight != NULL; flight = flight->next)
        if (flight->unrecorded)
            record(flight);
    enum err err = notice_each_due(notify->view, now, 2 * NOTIFY_IN_FLIGHT, on_due, notify);
    set_timer(notify, now, err != ERR_OK);
}

static enum err keep_all(struct store *store, struct store_job *job)
{
    (void)job;
    return notice_keep_all(store);
}

static void note_one(void *arg, const struct notice *notice)
{
    (void)notice;
    *(bool *)arg = true;
}

static void keep_pending(struct notify *notify)
{
    bool any = false;
    enum err err = notice_each_due(notify->view, INT64_MAX, 1, note_one, &any);
    if (err == ERR_OK && any && !notify->keeping)
        notify->keeping = writer_put(notify->writer, &notify->keep) == ERR_OK;
    if (err != ERR_OK || (any && !notify->keeping))
        loop_timer_set(notify->timer, RETRY_MS);
}

static void on_kept(struct store_job *job)
{
    struct notify *notify = (struct notify *)job;
    notify->keeping = false;
    if (job->err == ERR_OK)
        tick(notify); /* more may have come meanwhile */
    else
        loop_timer_set(notify->timer, RETRY_MS);
}

static void tick(void *arg)
{
    struct notify *notify = arg;
    notify->soon = false;
    if (notify->stopped)
        return;
    if (notify->url == NULL)
        keep_pending(notify);
    else
        send_due(notify);
}

static void on_news(void *arg, int64_t seq)
{
    (void)seq;
    struct notify *notify = arg;
    if (notify->soon || notify->stopped)
        return;
    notify->soon = true;
    loop_timer_set(notify->timer, NEWS_MS);
}

struct notify *notify_start(struct news *news, struct view *view, struct writer *writer, struct loop *loop,
                            const struct notify_target *target)
{
    struct notify *notify = mem_alloc(sizeof *notify);
    struct fetch_limits limits = {NOTIFY_IN_FLIGHT, ANSWER_BYTES, target->ca_file};
    notify->keep = (struct store_job){.kind = STORE_CALL, .call = keep_all, .loop = loop, .done = on_kept};
    notify->view = view;
    notify->writer = writer;
    notify->loop = loop;
    notify->timer = loop_timer_new(loop, tick, notify);
    notify->secret = target->secret;
    notify->attempts = target->attempts;
    notify->wait = target->wait;
    if (target->url != NULL) {
        notify->url = mem_copy(span_of(target->url));
        notify->fetcher = fetcher_new(loop, &limits);
    }
    news_subscribe(news, on_news, notify);
    loop_timer_set(notify->timer, 0);
    return notify;
}

void notify_stop(struct notify *notify)
{
    notify->stopped = true;
    loop_timer_clear(notify->timer);
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    if (notify->fetcher != NULL)
        fetcher_free(notify->fetcher);
    while (notify->flights != NULL)
        forget(notify->flights);
    loop_timer_free(notify->timer);
    free(notify->url);
    free(notify);
}

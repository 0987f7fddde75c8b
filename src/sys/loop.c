/* libevent's loop, with an inbox that an eventfd rings. */
#include "sys/loop.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/time.h"

/* A timer or a signal, kept for the life of the loop. */
struct watch {
    struct watch *next;
    struct event *event;
    loop_fn *fn;
    void *arg;
};

struct loop {
    struct event_base *base;
    pthread_mutex_t lock;
    struct mail *first;
    struct mail **last;
    int bell;
    struct event *rung;
    struct watch *watches;
};

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    eventfd_t rings;
    eventfd_read(fd, &rings);
    loop_drain(arg);
}

/* What libevent has to say goes into our log, as everything else. */
static void on_library_log(int severity, const char *text)
{
    log_event_limited(severity >= EVENT_LOG_ERR ? LOG_ERROR : LOG_WARN, "libevent", LOG_STR("text", text));
}

struct loop *loop_new(void)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    event_set_mem_functions(pool_take, pool_resize, pool_give);
    event_set_log_callback(on_library_log);
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    loop->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->base == NULL || loop->bell < 0 || event_base_priority_init(loop->base, LOOP_URGENCIES) != 0)
        abort();
    pthread_mutex_init(&loop->lock, NULL);
    loop->last = &loop->first;
    loop->rung = event_new(loop->base, loop->bell, EV_READ | EV_PERSIST, on_bell, loop);
    event_add(loop->rung, NULL);
    return loop;
}

void loop_free(struct loop *loop)
{
    while (loop->watches != NULL) {
        struct watch *watch = loop->watches;
        loop->watches = watch->next;
        event_free(watch->event);
        free(watch);
    }
    event_free(loop->rung);
    close(loop->bell);
    event_base_free(loop->base);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void loop_run(struct loop *loop)
{
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

void loop_post(struct loop *loop, struct mail *first)
{
    struct mail *end = first;
    while (end->next != NULL)
        end = end->next;
    pthread_mutex_lock(&loop->lock);
    bool was_empty = loop->first == NULL;
    *loop->last = first;
    loop->last = &end->next;
    pthread_mutex_unlock(&loop->lock);
    if (was_empty)
        eventfd_write(loop->bell, 1);
}

void loop_drain(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct mail *mail = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    while (mail != NULL) {
        struct mail *next = mail->next;
        mail->deliver(mail);
        mail = next;
    }
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct watch *watch = arg;
    watch->fn(watch->arg);
}

static void watch_add(struct loop *loop, int fd, short what, int64_t ms, loop_fn *fn, void *arg)
{
    struct watch *watch = mem_alloc(sizeof *watch);
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    *watch = (struct watch){loop->watches, event_new(loop->base, fd, what, on_watch, watch), fn, arg};
    loop->watches = watch;
    event_add(watch->event, ms >= 0 ? &wait : NULL);
}

void loop_after(struct loop *loop, int64_t ms, loop_fn *fn, void *arg)
{
    watch_add(loop, -1, 0, ms, fn, arg);
}

void loop_every(struct loop *loop, int64_t ms, loop_fn *fn, void *arg)
{
    watch_add(loop, -1, EV_PERSIST, ms, fn, arg);
}

struct loop_timer {
    struct event *event;
    loop_fn *fn;
    void *arg;
    int64_t due; /* us of time_monotonic */
};

static void wait_for(struct loop_timer *timer, int64_t ms)
{
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(timer->event, &wait);
}

/* libevent reckons with the kernel's last tick, or the beginning of the loop's turn, and so may be early. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct loop_timer *timer = arg;
    int64_t left = timer->due - time_monotonic();
    if (left > 0)
        wait_for(timer, left / 1000 + 1);
    else
        timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = mem_alloc(sizeof *timer);
    *timer = (struct loop_timer){event_new(loop->base, -1, 0, on_timer, timer), fn, arg, 0};
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    timer->due = time_monotonic() + ms * 1000;
    wait_for(timer, ms);
}

void loop_timer_clear(struct loop_timer *timer)
{
    event_del(timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer != NULL)
        event_free(timer->event);
    free(timer);
}

void loop_on_signal(struct loop *loop, int signal, loop_fn *fn, void *arg)
{
    watch_add(loop, signal, EV_SIGNAL | EV_PERSIST, -1, fn, arg);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

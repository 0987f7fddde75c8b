/* An event loop: one thread runs it, any thread may post to it. Everything else belongs to that thread. */
#ifndef PICKUPD_SYS_LOOP_H
#define PICKUPD_SYS_LOOP_H

#include <stdint.h>

#include "sys/mailbox.h"

struct loop;
struct event_base;

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Returns after loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Gives a chain of mails to the loop, which calls each one's `deliver`. The only call for other threads. */
void loop_post(struct loop *loop, struct mail *first);

/* Delivers what has been posted, without running the loop; for the time after loop_run. */
void loop_drain(struct loop *loop);

/* Calls back once after `ms`, or every `ms`. Lives until the loop is freed. */
typedef void loop_fn(void *arg);
void loop_after(struct loop *loop, int64_t ms, loop_fn *fn, void *arg);
void loop_every(struct loop *loop, int64_t ms, loop_fn *fn, void *arg);

/*
 * A timer that can be set again and again; it belongs to the caller, and goes before the loop does. It is
 * never early, as time_monotonic has it; what is called with loop_after may be, by some milliseconds.
 */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *timer, int64_t ms); /* once, after that many; replaces what was set */
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine */

/* Calls back on a signal; in one loop of the process only. Lives until the loop is freed. */
void loop_on_signal(struct loop *loop, int signal, loop_fn *fn, void *arg);

/*
 * For the other rooms of this floor. An event has the lowest priority unless it is given another; one of
 * LOOP_URGENT comes next, whatever else is ready.
 */
#define LOOP_URGENT    0
#define LOOP_URGENCIES 2
struct event_base *loop_base(struct loop *loop);

#endif

/* Threads. Signals are blocked in all of them but the first. */
#ifndef PICKUPD_SYS_THREAD_H
#define PICKUPD_SYS_THREAD_H

struct thread;

/* Runs `body(arg)`; the name (at most 15 bytes) shows in ps -L. Owned by the caller. */
struct thread *thread_start(const char *name, void (*body)(void *arg), void *arg);

/* Waits for its end, and releases it. */
void thread_join(struct thread *thread);

#endif

/* Threads. */
#include "sys/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

struct thread {
    pthread_t id;
    void (*body)(void *);
    void *arg;
};

static void *run(void *arg)
{
    struct thread *thread = arg;
    thread->body(thread->arg);
    return NULL;
}

struct thread *thread_start(const char *name, void (*body)(void *), void *arg)
{
    sigset_t all, before;
    struct thread *thread = mem_alloc(sizeof *thread);
    thread->body = body;
    thread->arg = arg;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread->id, NULL, run, thread) != 0) {
        fputs("pickupd: can't start a thread\n", stderr);
        abort();
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(thread->id, name);
    return thread;
}

void thread_join(struct thread *thread)
{
    pthread_join(thread->id, NULL);
    free(thread);
}

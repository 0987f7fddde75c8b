/* A list, in the order of their coming; of each consumer's polls only one tries at a time. */
#include "web/polls.h"

#include <stdlib.h>

#include "base/time.h"
#include "store/claims.h"

struct polls {
    struct poll *first, *last;
    size_t count;
    size_t told; /* how often there was news */
    struct view *view;
    struct loop *loop;
    bool stopped;
};

/* A poll that tries again may leave at once, when its claim can't be taken: so the list is not walked
 * meanwhile. */
static void on_commit(void *arg, int64_t seq)
{
    struct polls *polls = arg;
    int64_t consumers[POLLS_MAX];
    size_t count = 0;
    (void)seq;
    polls->told++;
    for (const struct poll *poll = polls->first; poll != NULL; poll = poll->next) {
        size_t i = 0;
        while (i < count && consumers[i] != poll->consumer)
            i++;
        if (i == count)
            consumers[count++] = poll->consumer;
    }
    for (size_t i = 0; i < count; i++)
        polls_wake(polls, consumers[i]);
}

static void on_changed(void *arg, int64_t consumer)
{
    polls_wake(arg, consumer);
}

struct polls *polls_new(struct news *news, struct view *view, struct loop *loop)
{
    struct polls *polls = mem_alloc(sizeof *polls);
    polls->view = view;
    polls->loop = loop;
    news_subscribe(news, on_commit, polls);
    news_subscribe_consumers(news, on_changed, polls);
    return polls;
}

void polls_free(struct polls *polls)
{
    free(polls);
}

static void enter(struct polls *polls, struct poll *poll)
{
    poll->prev = polls->last;
    poll->next = NULL;
    *(polls->last != NULL ? &polls->last->next : &polls->first) = poll;
    polls->last = poll;
    polls->count++;
    poll->waits = true;
}

void polls_leave(struct polls *polls, struct poll *poll)
{
    if (!poll->waits)
        return;
    *(poll->prev != NULL ? &poll->prev->next : &polls->first) = poll->next;
    *(poll->next != NULL ? &poll->next->prev : &polls->last) = poll->prev;
    polls->count--;
    poll->waits = false;
    loop_timer_free(poll->timer);
    poll->timer = NULL;
}

static void give_up(struct polls *polls, struct poll *poll)
{
    polls_leave(polls, poll);
    poll->give_up(poll);
}

static void try_again(struct poll *poll)
{
    poll->again = false;
    poll->trying = true;
    loop_timer_clear(poll->timer);
    poll->retry(poll);
}

static void on_time(void *arg)
{
    struct poll *poll = arg;
    if (time_monotonic() >= poll->until || poll->is_gone(poll))
        give_up(poll->polls, poll);
    else
        try_again(poll);
}

/* At the poll's end, or when something falls due for its consumer. */
static void set_timer(struct polls *polls, struct poll *poll)
{
    int64_t due, left = (poll->until - time_monotonic()) / 1000 + 1;
    if (!poll->paused && claim_next_due(polls->view, poll->consumer, &due) == ERR_OK && due != INT64_MAX) {
        int64_t wait = due - time_now();
        left = wait < 1 ? 1 : wait < left ? wait : left;
    }
    loop_timer_set(poll->timer, left);
}

/* Those whose clients have gone make room. */
static bool has_room(struct polls *polls)
{
    for (struct poll *poll = polls->first, *next; poll != NULL && polls->count == POLLS_MAX; poll = next) {
        next = poll->next;
        if (!poll->trying && poll->is_gone(poll))
            give_up(polls, poll);
    }
    return polls->count < POLLS_MAX;
}

void polls_begin(const struct polls *polls, struct poll *poll)
{
    poll->heard = polls->told;
}

/*
 * News of one commit may be told before a claim that went to the writer earlier is back: it tells of the
 * commits behind that claim, too, which nobody is told of again.
 */
void polls_wait(struct polls *polls, struct poll *poll)
{
    poll->trying = false;
    if (polls->stopped || time_monotonic() >= poll->until || (!poll->waits && !has_room(polls))) {
        give_up(polls, poll);
        return;
    }
    if (!poll->waits) {
        enter(polls, poll);
        poll->again = poll->heard != polls->told;
        poll->polls = polls;
        poll->timer = loop_timer_new(polls->loop, on_time, poll);
    }
    if (poll->again)
        try_again(poll);
    else
        set_timer(polls, poll);
}

void polls_wake(struct polls *polls, int64_t consumer)
{
    struct poll *waiting = NULL;
    for (struct poll *poll = polls->first; poll != NULL; poll = poll->next) {
        if (poll->consumer != consumer || (!poll->trying && poll->is_gone(poll)))
            continue;
        if (poll->trying) {
            poll->again = true;
            return;
        }
        waiting = waiting != NULL ? waiting : poll;
    }
    if (waiting != NULL)
        try_again(waiting);
}

void polls_stop(struct polls *polls)
{
    polls->stopped = true;
    for (struct poll *poll = polls->first, *next; poll != NULL; poll = next) {
        next = poll->next;
        if (!poll->trying)
            give_up(polls, poll);
    }
}

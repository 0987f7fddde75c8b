/* The list of those who wait. */
#include "flow/news.h"

#include <stdlib.h>

struct subscriber {
    struct subscriber *next;
    news_fn *fn;
    void *arg;
};

struct news {
    struct subscriber *events, *consumers;
};

static void tell(const struct subscriber *first, int64_t number)
{
    for (const struct subscriber *one = first; one != NULL; one = one->next)
        one->fn(one->arg, number);
}

static void on_commit(void *arg, int64_t seq)
{
    tell(((struct news *)arg)->events, seq);
}

void news_tell_consumer(struct news *news, int64_t consumer)
{
    tell(news->consumers, consumer);
}

struct news *news_new(struct writer *writer)
{
    struct news *news = mem_alloc(sizeof *news);
    writer_tell(writer, on_commit, news);
    return news;
}

static void add(struct subscriber **first, news_fn *fn, void *arg)
{
    struct subscriber *one = mem_alloc(sizeof *one);
    *one = (struct subscriber){*first, fn, arg};
    *first = one;
}

void news_subscribe(struct news *news, news_fn *fn, void *arg)
{
    add(&news->events, fn, arg);
}

void news_subscribe_consumers(struct news *news, news_fn *fn, void *arg)
{
    add(&news->consumers, fn, arg);
}

static void forget(struct subscriber *first)
{
    while (first != NULL) {
        struct subscriber *one = first;
        first = one->next;
        free(one);
    }
}

void news_free(struct news *news)
{
    if (news == NULL)
        return;
    forget(news->events);
    forget(news->consumers);
    free(news);
}

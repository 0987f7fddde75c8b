/* The list of those who wait. */
#include "flow/news.h"

#include <stdlib.h>

struct subscriber {
    struct subscriber *next;
    writer_news_fn *fn;
    void *arg;
};

struct news {
    struct subscriber *first;
};

static void on_commit(void *arg, int64_t seq)
{
    struct news *news = arg;
    for (struct subscriber *one = news->first; one != NULL; one = one->next)
        one->fn(one->arg, seq);
}

struct news *news_new(struct writer *writer)
{
    struct news *news = mem_alloc(sizeof *news);
    writer_tell(writer, on_commit, news);
    return news;
}

void news_subscribe(struct news *news, writer_news_fn *fn, void *arg)
{
    struct subscriber *one = mem_alloc(sizeof *one);
    *one = (struct subscriber){news->first, fn, arg};
    news->first = one;
}

void news_free(struct news *news)
{
    while (news != NULL && news->first != NULL) {
        struct subscriber *one = news->first;
        news->first = one->next;
        free(one);
    }
    free(news);
}

/*
 * News travels upward: whoever waits for events hears here that some were committed, and that a command has
 * changed a consumer. Belongs to the control loop.
 */
#ifndef PICKUPD_FLOW_NEWS_H
#define PICKUPD_FLOW_NEWS_H

#include "store/writer.h"

struct news;

/* Listens to the writer. */
struct news *news_new(struct writer *writer);
void news_free(struct news *news); /* NULL is fine */

/* Lives as long as the news. The number is the newest event's seq; several commits may be told as one. */
typedef void news_fn(void *arg, int64_t number);
void news_subscribe(struct news *news, news_fn *fn, void *arg);

/* The same, of consumers: the number is the id of one of which something has changed. */
void news_subscribe_consumers(struct news *news, news_fn *fn, void *arg);
void news_tell_consumer(struct news *news, int64_t consumer);

#endif

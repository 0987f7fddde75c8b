/* News travels upward: whoever waits for events hears here that some were committed. Belongs to the control
 * loop. */
#ifndef PICKUPD_FLOW_NEWS_H
#define PICKUPD_FLOW_NEWS_H

#include "store/writer.h"

struct news;

/* Listens to the writer. */
struct news *news_new(struct writer *writer);
void news_free(struct news *news); /* NULL is fine */

/* Lives as long as the news. `seq` is the newest event's; several commits may be told as one. */
void news_subscribe(struct news *news, writer_news_fn *fn, void *arg);

#endif

/*
 * The ceiling of `make bench BENCH=claims`: the same statements without HTTP, JSON or other threads. Claims
 * all events of a database that nobody serves in batches of 100, acks each batch, one synced transaction for
 * either, and prints {"claimed":N,"rate":R}.
 *
 *   claims DATABASE
 */
#include <stdio.h>

#include "base/time.h"
#include "store/claims.h"

#define BATCH 100

struct desk {
    struct store_job job; /* first */
    struct arena arena;
    struct claim_list list;
};

static const struct consumer consumer = {.org = SPAN("default"),
                                         .name = SPAN("ceiling"),
                                         .types = SPAN("[]"),
                                         .sources = SPAN("[]"),
                                         .origins = SPAN("[]"),
                                         .max_attempts = CONSUMER_ATTEMPTS,
                                         .lease_ms = CONSUMER_LEASE_MS};

static enum err find(struct store *store, struct desk *desk, struct consumer *found)
{
    return consumer_find(store_view(store), &desk->arena, consumer.org, consumer.name, found);
}

static enum err put(struct store *store, struct store_job *job)
{
    bool added;
    (void)job;
    return consumer_put(store, &consumer, &added);
}

static enum err claim(struct store *store, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    struct claim_order order = {SPAN("bench"), BATCH, INT64_MAX, time_now()};
    struct consumer found;
    TRY(find(store, desk, &found));
    return claim_next(store, &desk->arena, &found, &order, &desk->list);
}

static enum err ack(struct store *store, struct store_job *job)
{
    struct desk *desk = (struct desk *)job;
    enum claim_result result;
    struct consumer found;
    TRY(find(store, desk, &found));
    for (const struct claim *one = desk->list.first; one != NULL; one = one->next)
        TRY(claim_ack(store, found.id, &one->lease, time_now(), &result));
    return ERR_OK;
}

static bool run(struct store *store, struct desk *desk, store_call *call)
{
    desk->job = (struct store_job){.kind = STORE_CALL, .call = call};
    store_write(store, &desk->job);
    store_tend(store);
    return desk->job.err == ERR_OK;
}

int main(int argc, char **argv)
{
    struct buf why = {0};
    struct desk desk = {0};
    struct store_limits limits = {1, 1, 0, STORE_LOG_PAGES};
    struct store *store = argc == 2 ? store_open(argv[1], &limits, &why) : NULL;
    int64_t claimed = 0;
    if (store == NULL) {
        fprintf(stderr, "claims: %s\n", argc == 2 ? buf_text(&why) : "usage: claims DATABASE");
        return 2;
    }
    bool good = run(store, &desk, put);
    int64_t began = time_monotonic();
    do {
        arena_free(&desk.arena);
        good = good && run(store, &desk, claim) && run(store, &desk, ack);
        claimed += desk.list.count;
    } while (good && desk.list.count > 0);
    double seconds = (double)(time_monotonic() - began) / 1e6;
    printf("{\"claimed\":%lld,\"rate\":%.1f}\n", (long long)claimed, (double)claimed / seconds);
    store_close(store);
    return good ? 0 : 1;
}

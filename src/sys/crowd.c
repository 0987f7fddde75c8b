/* A hash table that holds who is there, and nobody else. */
#include "sys/crowd.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"

#define LISTS 4096

struct client {
    struct client *next;
    uint64_t who;
    size_t open; /* connections; never 0 */
};

struct crowd {
    pthread_mutex_t lock;
    size_t most;
    const struct networks *proxies;
    uint64_t seed;
    struct client *lists[LISTS];
};

struct crowd *crowd_new(size_t most, const struct networks *proxies)
{
    struct crowd *crowd = mem_alloc(sizeof *crowd);
    pthread_mutex_init(&crowd->lock, NULL);
    crowd->most = most;
    crowd->proxies = proxies;
    crowd->seed = random_number();
    return crowd;
}

void crowd_free(struct crowd *crowd)
{
    for (size_t i = 0; i < LISTS; i++) {
        while (crowd->lists[i] != NULL) {
            struct client *client = crowd->lists[i];
            crowd->lists[i] = client->next;
            free(client);
        }
    }
    pthread_mutex_destroy(&crowd->lock);
    free(crowd);
}

static bool is_free(const struct crowd *crowd, const struct network_host *peer)
{
    return crowd == NULL || crowd->most == 0 || peer->kind != NETWORK_IP ||
           networks_hold(crowd->proxies, peer);
}

/* Where the client is linked in, or would be. */
static struct client **find(struct crowd *crowd, uint64_t who)
{
    struct client **at = &crowd->lists[who % LISTS];
    while (*at != NULL && (*at)->who != who)
        at = &(*at)->next;
    return at;
}

bool crowd_enter(struct crowd *crowd, const struct network_host *peer)
{
    if (is_free(crowd, peer))
        return true;
    uint64_t who = network_client(peer, crowd->seed);
    pthread_mutex_lock(&crowd->lock);
    struct client **at = find(crowd, who);
    if (*at == NULL) {
        *at = mem_alloc(sizeof **at);
        (*at)->who = who;
    }
    bool entered = (*at)->open < crowd->most;
    (*at)->open += entered;
    pthread_mutex_unlock(&crowd->lock);
    return entered;
}

void crowd_leave(struct crowd *crowd, const struct network_host *peer)
{
    if (is_free(crowd, peer))
        return;
    pthread_mutex_lock(&crowd->lock);
    struct client **at = find(crowd, network_client(peer, crowd->seed));
    struct client *client = *at;
    if (--client->open == 0) {
        *at = client->next;
        free(client);
    }
    pthread_mutex_unlock(&crowd->lock);
}

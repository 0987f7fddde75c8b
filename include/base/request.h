/*
 * One HTTP request as the loops hand it over. All of it lives as long as the call it belongs to; nothing in
 * it has been decoded, unescaped or otherwise touched.
 */
#ifndef PICKUPD_BASE_REQUEST_H
#define PICKUPD_BASE_REQUEST_H

#include <stdint.h>

#include "base/network.h"

struct header {
    struct span name;
    struct span value;
};

struct request {
    struct span method; /* empty for one we do not know */
    struct span path;   /* as sent, without the query */
    struct span query;  /* without the '?' */
    struct span body;   /* raw */
    const struct header *headers;
    size_t header_count;
    int64_t received;         /* ms since 1970 */
    const char *id;           /* see base/request_id.h; NULL for what was not just sent */
    struct network_host peer; /* who is connected: the sender, or the last proxy before us */
};

/* How many headers bear that name; if any, *value is the first one's. Case does not matter. */
size_t request_header(const struct request *request, struct span name, struct span *value);

/* Whether a header may be called so. */
bool request_is_name(struct span name);

#endif

/*
 * Requests to other servers, over HTTP and HTTPS. All of it belongs to the loop's thread, which it never
 * holds up: names are looked up and connections made beside it. Redirects are not followed; proxies are those
 * of the environment (http_proxy, https_proxy, all_proxy, no_proxy).
 */
#ifndef PICKUPD_SYS_FETCH_H
#define PICKUPD_SYS_FETCH_H

#include "base/err.h"
#include "base/request.h"
#include "sys/loop.h"

struct fetch_limits {
    size_t in_flight;    /* requests at once, at least 1; connections are kept open for as many */
    size_t answer;       /* bytes of an answer's body that are kept; what is more is not waited for */
    const char *ca_file; /* PEM of those whom https trusts, or NULL for those whom the system does */
};

/* Valid during the call that gets it. */
struct fetch_answer {
    int status;          /* 100 to 599, or 0 where there is no whole answer */
    const char *failure; /* why there is none; holds nothing of the request or the answer. Else NULL */
    struct span body;    /* its first bytes */
    bool cut;            /* the answer had more of them */
};

typedef void fetch_fn(void *arg, const struct fetch_answer *answer);

/* Borrowed during fetch_start. */
struct fetch_request {
    const char *method; /* GET, HEAD, POST and so on */
    const char *url;
    const struct header *headers;
    size_t header_count;
    struct span body; /* not sent with GET and HEAD */
    int64_t timeout;  /* ms from the start to the last byte of the answer */
    fetch_fn *done;
    void *arg;
};

struct fetcher;

struct fetcher *fetcher_new(struct loop *loop, const struct fetch_limits *limits);

/* Drops what is in flight: its `done` is not called. Not to be called by a `done`. */
void fetcher_free(struct fetcher *fetcher);

/*
 * ERR_OK: `done` will be called once, later, in the loop. ERR_BUSY: as many are in flight as may be.
 * ERR_BAD_REQUEST: no such request can be sent.
 */
MUST enum err fetch_start(struct fetcher *fetcher, const struct fetch_request *request);

/* How many more fetch_start would take now. */
size_t fetch_room(const struct fetcher *fetcher);

/* Whether a text is a whole http or https URL. */
bool fetch_is_url(const char *text);

#endif

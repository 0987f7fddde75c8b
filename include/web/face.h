/* A face: what one listener answers. Public is for the senders, private for the lab's own programs. */
#ifndef PICKUPD_WEB_FACE_H
#define PICKUPD_WEB_FACE_H

#include "flow/flows.h"
#include "flow/watch.h"
#include "model/source.h"
#include "store/reader.h"
#include "store/writer.h"
#include "sys/http.h"
#include "web/allowance.h"
#include "web/polls.h"
#include "web/ready.h"
#include "web/streams.h"

#define API_BODY_MAX 8388608 /* bytes of a request to the private face */

enum face_kind { FACE_PUBLIC, FACE_PRIVATE };

/* What the handlers need; read only, shared by all loops. */
struct face {
    enum face_kind kind;
    const struct sources *sources;
    struct writer *writer;
    size_t max_body; /* bytes */
    const struct networks *trusted_proxies;
    struct allowance *allowance; /* of client addresses */
    struct ready *ready;
    struct reader *reader; /* these of the private face only */
    struct polls *polls;
    struct flows *flows; /* NULL: off */
    struct streams *streams;
    struct view *view; /* of the loop's own, for what is short */
    struct watch *watch;
};

/* The whole answer to a request that finds no room: what web_refuse would say, and that it is the last. */
struct span face_no_room(enum face_kind face);

/* An http_handler; the argument is the face. */
void face_handle(struct http_call *call, void *face);

#endif

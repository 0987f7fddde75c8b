/*
 * A conversation over a unix socket: the client sends one line, the server answers with any number of lines
 * and hangs up. Only processes of the server's own user, or of root, are listened to. Whoever is one too many
 * waits to be accepted.
 */
#ifndef PICKUPD_SYS_LINE_H
#define PICKUPD_SYS_LINE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/faults.h"
#include "sys/loop.h"

#define LINE_MAX_BYTES 65536 /* of a request */
#define LINE_MAX_CALLS 128   /* at once, also of clients that have gone meanwhile */

struct line_server;
struct line_call;

/* In the loop's thread: a request has come. It is answered with line_say, any number of times, and line_end.
 */
typedef void line_handler(struct line_call *call, struct span request, void *arg);

/* Listens on the path (mode 0600), replacing a file nobody listens on. NULL with a fault. */
struct line_server *line_serve(struct loop *loop, const char *path, line_handler *handler, void *arg,
                               struct faults *faults);

/* Hangs up on everyone, once he has what was said to him, and removes the file. No call may be used
 * afterwards.
 */
void line_stop(struct line_server *server);

/* The user at the other end, as the system has it. */
uid_t line_uid(const struct line_call *call);

/* Works also when the client has gone meanwhile. */
void line_say(struct line_call *call, struct span line);
void line_end(struct line_call *call);

/*
 * The client: sends a line and calls back for every line of the answer. Blocks. ERR_NOT_FOUND if nobody
 * listens there, or nobody has read the line before he ended; ERR_BUSY if the server hung up without a word,
 * which does not say that it did nothing.
 */
MUST enum err line_ask(const char *path, struct span request, void (*line)(void *arg, struct span line),
                       void *arg);

#endif

/* Both ends of the question how everything is. */
#include "control_parts.h"

static void tell(void *arg, const struct snapshot *snapshot)
{
    struct buf line CLEANUP(buf_free) = {0};
    snapshot_write(snapshot, &line);
    line_say(arg, buf_span(&line));
    line_end(arg);
}

void control_tell_status(struct control *control, struct line_call *call, const struct json *request)
{
    (void)request;
    watch_look(control->watch, &control->sources, tell, call);
}

static void keep(void *arg, struct span line)
{
    struct buf *json = arg;
    if (json->len == 0)
        buf_add(json, line);
}

enum err control_status(const char *path, struct buf *json)
{
    TRY(line_ask(path, SPAN("{\"command\":\"status\"}"), keep, json));
    return json->len > 0 && json->at[0] == '{' ? ERR_OK : ERR_INTERNAL;
}

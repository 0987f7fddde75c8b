/* A filter as a consumer has it, from lists with commas. */
#include "filter.h"

static struct span list_of(struct arena *arena, struct span names)
{
    struct buf out = {.arena = arena};
    json_open(&out, '[');
    while (names.len > 0)
        json_put_str(&out, span_cut(&names, ','));
    json_close(&out, ']');
    return buf_span(&out);
}

struct consumer_filter *filter_of(const struct ask *ask, struct arena *arena)
{
    struct consumer consumer = {
        .org = ask_org(ask),
        .types = list_of(arena, ask_param(ask, "detailType")),
        .sources = list_of(arena, ask_param(ask, "source")),
        .origins = list_of(arena, ask_param(ask, "origin")),
    };
    return consumer_filter_new(arena, &consumer);
}

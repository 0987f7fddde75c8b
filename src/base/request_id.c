/* Taking or making ids of requests. */
#include "base/request_id.h"

#define MADE_BYTES 16

static const bool is_harmful[256] = {
    [0 ... ','] = true,   ['/'] = true, [':' ... '@'] = true,
    ['[' ... '^'] = true, ['`'] = true, ['{' ... 0xff] = true,
};

/* splitmix64: what differs in one bit looks nothing alike. */
static uint64_t next(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

static const char *make(struct arena *arena, uint64_t *state)
{
    static const char digits[] = "0123456789abcdef";
    char *id = arena_alloc(arena, MADE_BYTES + 1);
    uint64_t number = next(state);
    for (size_t i = 0; i < MADE_BYTES; i++, number >>= 4)
        id[i] = digits[number & 15];
    return id;
}

const char *request_id_take(const struct request *request, struct arena *arena, uint64_t *state)
{
    struct span given = SPAN("");
    bool suits = request_header(request, SPAN("X-Request-Id"), &given) == 1 && given.len > 0 &&
                 given.len <= REQUEST_ID_MAX && span_run(given, is_harmful) == given.len;
    return suits ? arena_copy(arena, given) : make(arena, state);
}

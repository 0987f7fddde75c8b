/*
 * What a request is called in the log, in its answer and by whoever asks about it: the sender's own word for
 * it if that is short and harmless, or one of ours.
 */
#ifndef PICKUPD_BASE_REQUEST_ID_H
#define PICKUPD_BASE_REQUEST_ID_H

#include "base/mem.h"
#include "base/request.h"

#define REQUEST_ID_MAX 64 /* bytes of one that is taken */

/*
 * A text in the arena: the only X-Request-Id, if it is 1 to REQUEST_ID_MAX letters, digits, '-', '_' and '.'
 * (so it can end no line, field or header); else 16 hexadecimal digits from `state`, which starts anywhere.
 */
const char *request_id_take(const struct request *request, struct arena *arena, uint64_t *state);

#endif

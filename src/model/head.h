/*
 * A request's head as a definition sees it: {"header": {"x-event": "..."}, "query": {...}}. Headers are there
 * in small letters. What is given twice or is no UTF-8 is left out, and so is whatever may be a secret,
 * because this is also what quarantine keeps beside a body.
 */
#ifndef PICKUPD_MODEL_HEAD_H
#define PICKUPD_MODEL_HEAD_H

#include "base/buf.h"
#include "base/request.h"
#include "model/definition.h"

/* Whether a header or parameter of that name may be a secret, so that no definition gets to see it. */
bool head_hides(struct span name);

void head_write(const struct definition *definition, const struct request *request, struct arena *arena,
                struct buf *out);

#endif

/*
 * A request's head as a definition sees it: {"header": {"x-event": "..."}, "query": {...}}. Headers are there
 * in small letters. What is given twice or is no UTF-8 is left out, and so is whatever may be a secret,
 * because this is also what quarantine keeps beside a body.
 */
#ifndef PICKUPD_MODEL_HEAD_H
#define PICKUPD_MODEL_HEAD_H

#include "base/buf.h"
#include "base/request.h"
#include "model/scheme.h"

void head_write(const struct scheme *scheme, const struct request *request, struct arena *arena,
                struct buf *out);

#endif

/* The parts of a definition, each loaded by the room that owns it. */
#ifndef PICKUPD_MODEL_LOAD_H
#define PICKUPD_MODEL_LOAD_H

#include "model/confirmation.h"
#include "model/mapping.h"
#include "model/scheme.h"
#include "node.h"
#include "path.h"

struct example;

/* With `form` the body is a form, not JSON. */
const struct scheme *scheme_load(struct node node, bool form);

/* The same scheme with its secret in another place of the request: {"json"}, {"query"} or {"header"}. */
const struct scheme *scheme_elsewhere(struct node place, const struct scheme *scheme);

/* Whether what a path leads to is signed, or nothing is. With `has_rows` the row is a part of the payload. */
bool scheme_covers(const struct scheme *scheme, const struct path *path, bool has_rows);

/* Whether it is signed as a text alone: a number and the text of its digits are the same to the signature. */
bool scheme_signs_as_text(const struct scheme *scheme, const struct path *path, bool has_rows);

/* Whether a secret of it can make an HMAC. */
bool scheme_can_hmac(const struct scheme *scheme);

const struct mapping *mapping_load(struct node detail);

/* The path of the first field that has a pattern without a zone and no zone of its own; or NULL. */
const char *mapping_zoneless(const struct mapping *mapping);

/* A pickup without an id, that is with another's, is a mistake. */
void mapping_require_pickup(struct node detail, const struct mapping *mapping);
const struct confirmation *confirmation_load(struct node node);

/* A list of examples, in the arena; absent is none. Their number. */
size_t examples_load(struct node node, struct span vendor, struct example **examples);

#endif

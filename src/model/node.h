/*
 * Reading a definition: a JSON value that knows its path, so that every mistake is named by where it stands.
 * A mistake never stops the reading; the loader looks at the faults at the end.
 */
#ifndef PICKUPD_MODEL_NODE_H
#define PICKUPD_MODEL_NODE_H

#include "base/faults.h"
#include "base/json.h"

struct load {
    struct arena *arena; /* of the definition */
    struct faults *faults;
    const char *file;
};

struct node {
    struct load *load;
    const struct json *json; /* NULL if absent */
    const char *path;        /* "scheme.signature.header"; "" at the root */
};

void node_fault(struct node node, const char *what);

/* A member of an object; absent if there is none. */
struct node node_get(struct node object, const char *key);

/* An absent member, or one that is no object, is a mistake. */
bool node_is_object(struct node node);

/* Names every key of the object that is not in the NULL-ended list. */
void node_only(struct node object, const char *const *names);

/* A text, copied to the arena; empty with a fault unless it is a text of 1 byte or more. */
struct span node_text(struct node node);

/* One of a NULL-ended list; its index, or 0 with a fault. */
size_t node_choice(struct node node, const char *const *choices);

/* Absent is `otherwise`; anything but the type is a fault. */
bool node_bool(struct node node, bool otherwise);
int64_t node_int(struct node node, int64_t otherwise);

#endif

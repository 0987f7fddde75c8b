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
    struct span text; /* of the file */
    bool reads_head;  /* whether a path leads into the request's head */
};

struct node {
    struct load *load;
    const struct json *json; /* NULL if absent */
    struct span path;        /* its steps with newlines between them; empty at the root */
};

/* "FILE:LINE: path.of.the.value: what". */

void node_fault(struct node node, const char *what);

/* A member of an object; absent if there is none. */
struct node node_get(struct node object, const char *key);

/* An element of a list. */
struct node node_at(struct node list, size_t index);

/* How many elements a list has; absent is 0, and anything but a list of 1 or more is a fault. */
size_t node_list(struct node node);

/* An absent member, or one that is no object, is a mistake. */
bool node_is_object(struct node node);

/* Names every key of the object that is not in the NULL-ended list. "about", which is for people, always is.
 */
void node_only(struct node object, const char *const *names);

/* A text, copied to the arena; empty with a fault unless it is a text of 1 byte or more. */
struct span node_text(struct node node);

/* A list of such texts, in the arena; absent is none. Their number. */
size_t node_texts(struct node node, struct span **texts);

/* The JSON of any value, as compact text in the arena. */
struct span node_json(struct node node);

/*
 * Walks a template, a text with words in braces: the literal up to the next word, and the word (at NULL if
 * none follows). False at its end. `rest` begins as the whole text, and must be NUL-terminated like a node's
 * texts.
 */
bool node_word(struct node node, struct span *rest, struct span *literal, struct span *word);

/* "text/plain", in small letters or not, maybe with parameters behind a semicolon. */
struct span node_media_type(struct node node);

/* A member's name as JSON, with quotes and colon, in the arena: what is written often is made once. */
struct span node_key(struct load *load, struct span name);

/* One of a NULL-ended list; its index, or 0 with a fault. */
size_t node_choice(struct node node, const char *const *choices);

/* Absent is `otherwise`; anything but the type is a fault. */
bool node_bool(struct node node, bool otherwise);
int64_t node_int(struct node node, int64_t otherwise);

#endif

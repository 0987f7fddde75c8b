/* Where a value stands: in the row at hand, in the payload it is from, or in the request's head. */
#ifndef PICKUPD_MODEL_PATH_H
#define PICKUPD_MODEL_PATH_H

#include "model/mapping.h"
#include "node.h"

#define PATH_DEPTH_MAX 8    /* names in a path */
#define PATH_PICK_MAX  1000 /* elements of a list that "name=value" looks at */

/* The names of the members that a request's head is read into, and of the words that lead there. */
#define PATH_HEADER "header"
#define PATH_QUERY  "query"

enum path_root { PATH_ROW, PATH_PAYLOAD, PATH_REQUEST };

struct path {
    enum path_root root;
    char *name; /* as it is written */
    struct path_step {
        struct span name;  /* of an object's member */
        char *until;       /* the path as it is written, up to here: for faults */
        int64_t index;     /* of a list's element, or -1 */
        struct span value; /* "name=value": the first element of a list whose member it is */
    } steps[PATH_DEPTH_MAX];
    size_t depth;
};

/* "a.b.0.c", ".", "$", "$.a", "header:NAME", "query:NAME". */
void path_load(struct node node, struct path *path);

/* One path, or a list of them; how many. An absent node is a mistake. */
size_t paths_load(struct node node, struct path **paths);

/* The same from a text that stands at a node; false if it is no path. */
bool path_read(struct load *load, struct span text, struct path *path);

/* What path_load does beside it: a path to what no definition gets to see is a mistake at the node. */
void path_check(struct node node, const struct path *path);

/* What stands there, or NULL. *broken, if given and NULL, is set to what can't be stepped into. */
const struct json *path_follow(const struct path *path, const struct data *data, const char **broken);

/* The first that leads to a value, or NULL. */
const struct json *paths_follow(const struct path *paths, size_t count, const struct data *data);

#endif

/*
 * The private API: an operation is a row of include/tbl/api.h and a function here. What every request needs
 * is done before the function is called: token, role, query and body are checked. All of a request lives in
 * its call's arena.
 */
#ifndef PICKUPD_WEB_API_H
#define PICKUPD_WEB_API_H

#include "handlers.h"
#include "model/shapes.h"
#include "note.h"
#include "store/reader.h"

#define API_NAMES    2   /* parts in braces of one path */
#define API_PARAMS   12  /* parameters of one operation */
#define API_NAME_MAX 300 /* bytes of such a part, decoded */
#define API_PAGE     100 /* rows of a page, unless the query says how many */

/* What the audit takes an operation for. A look and a change make a row each. */
enum api_audit { AUDIT_NEITHER, AUDIT_LOOK, AUDIT_CHANGE };

/* A row of include/tbl/api.h. */
struct ask;
struct api {
    const char *name, *method, *path;
    unsigned roles; /* of enum token_role */
    enum api_audit audit;
    const struct shape *in;
    int status;
    const struct shape *out;
    const char *others; /* further statuses, with spaces between */
    const char *summary;
    void (*handle)(struct ask *ask);
    const char *type; /* of the answer */
};

extern const struct api apis[];
extern const size_t api_count;

/* A row of include/tbl/param.h. */
struct api_param {
    const char *operation;
    struct shape_field field;
};

extern const struct api_param api_params[];
extern const size_t api_param_count;

struct ask {
    struct exchange exchange;
    const struct api *api;
    const struct token *token;
    struct span names[API_NAMES];
    struct span params[API_PARAMS]; /* in the order of include/tbl/param.h; {NULL, 0} if not given */
    struct json *body;              /* as its shape says; NULL where there is none */
    void *data;                     /* the operation's own */
    struct note note;               /* for the audit */
    struct audit_entry entry;

    struct store_job write; /* the rest is for ask_write, ask_read and ask_audit */
    struct reader_job read;
    enum err err;
    store_call *call;
    enum err (*run)(struct view *view, struct ask *ask);
    void (*finish)(struct ask *ask, enum err err);
};

#define API(name, method, path, role, audit, in, status, out, others, summary)                               \
    void api_##name(struct ask *ask);
#include "tbl/api.h"

/* Answers anything under /v1/. */
void api_handle(const struct exchange *exchange);

static inline struct arena *ask_arena(struct ask *ask)
{
    return &ask->exchange.call->arena;
}

static inline struct span ask_org(const struct ask *ask)
{
    return span_of(ask->token->org);
}

/* A parameter by its name; {NULL, 0} if it was not given. */
struct span ask_param(const struct ask *ask, const char *name);
struct span ask_text(const struct ask *ask, const char *name); /* or "" */
int64_t ask_param_int(const struct ask *ask, const char *name, int64_t otherwise);

/* A member of the body, or `otherwise` where it is absent. */
int64_t ask_int(const struct ask *ask, const char *name, int64_t otherwise);

/*
 * Runs a call in the writer's thread, whose row of the audit it fills in (see note.h), and `finish`
 * afterwards, back here; at once, with the error, if the writer can't take it. `call` finds the ask by
 * ask_of.
 */
void ask_write(struct ask *ask, store_call *call, void (*finish)(struct ask *ask, enum err err));
struct ask *ask_of(struct store_job *job);

/* The same for what makes the store grow: it is refused where a webhook would be, and gives way as one. */
void ask_grow(struct ask *ask, store_call *call, void (*finish)(struct ask *ask, enum err err));

/* The same in the reader's thread; if it is a look, `finish` is called once its row of the audit is on disk.
 */
void ask_read(struct ask *ask, enum err (*run)(struct view *view, struct ask *ask),
              void (*finish)(struct ask *ask, enum err err));

/* Puts a row of the audit on the disk as it stands in ask->entry; refused where a webhook would be. */
void ask_audit(struct ask *ask, void (*finish)(struct ask *ask, enum err err));

/* Whether the request's token is one of the present configuration, too, and may still do this. */
bool ask_is_known(struct ask *ask);

/* Answers, and ends the ask. */
void ask_answer(struct ask *ask, int status, struct span json);
void ask_answer_as(struct ask *ask, int status, const char *type, struct span body);
void ask_refuse(struct ask *ask, enum err err, const char *detail); /* detail may be NULL */
void ask_refuse_token(struct ask *ask);
void ask_refuse_faults(struct ask *ask, enum err err, const struct faults *faults);

/* True for ERR_OK; else a refusal was answered: 404 for ERR_NOT_FOUND, 503 for what is the disk's. */
bool ask_is_good(struct ask *ask, enum err err);

#endif

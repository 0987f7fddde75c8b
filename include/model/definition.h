/*
 * A definition: how a vendor signs and what its fields mean. Loaded once, then read by any thread.
 * The format is described in contrib/manual.md.
 */
#ifndef PICKUPD_MODEL_DEFINITION_H
#define PICKUPD_MODEL_DEFINITION_H

#include "base/faults.h"
#include "model/confirmation.h"
#include "model/reply.h"
#include "model/scheme.h"

#define DEFINITION_ROWS_MAX 1000                /* of a batch */
#define DEFINITION_BODY_MAX (INT64_C(16) << 20) /* bytes, where a definition allows so much */

/*
 * What a webhook's rows become, together: at most so many times its body, and so many bytes more. Beyond it
 * is a fault of the webhook.
 */
#define DEFINITION_KEPT_FACTOR 3
#define DEFINITION_KEPT_MORE   ((size_t)4 << 20)

struct definition {
    struct arena arena; /* holds all of the below */
    char *file;         /* for people */
    struct span vendor;
    const struct scheme *scheme;
    const struct rules *rules;               /* what becomes of a webhook; see model/verdict.h */
    const struct confirmation *confirmation; /* or NULL */

    bool form;                /* the body is a form, not JSON */
    struct span *media_types; /* taken beside the usual ones */
    size_t media_type_count;
    int64_t max_body; /* bytes; 0: what the server says */
    bool takes_get;   /* for a handshake */

    struct reply accepted, ignored, quarantined;

    struct example *examples; /* see model/example.h */
    size_t example_count;
};

/*
 * The definition in that text, owned by the caller; NULL with every mistake added to `faults`, as
 * "FILE:LINE: path.of.the.key: what". A file called NAME.json must be of the vendor NAME.
 */
struct definition *definition_load(struct span text, const char *file, struct faults *faults);
void definition_free(struct definition *definition);

/* The path of a field whose times carry no zone and are given none, so that a source needs one; or NULL. */
const char *definition_zoneless(const struct definition *definition);

/* Whether the definition reads bodies of this media type. */
bool definition_takes(const struct definition *definition, struct span media_type);

#endif

/*
 * What a JSON object must look like, as a table of its fields: checked against what arrives, all faults at
 * once, and written into the API's description as JSON Schema.
 */
#ifndef PICKUPD_MODEL_SHAPE_H
#define PICKUPD_MODEL_SHAPE_H

#include "base/faults.h"
#include "base/json.h"

enum shape_type {
    SHAPE_TEXT,   /* least to most bytes */
    SHAPE_ID,     /* a text of least to most bytes, or a whole number, which stands for its digits */
    SHAPE_WORD,   /* one of `words` */
    SHAPE_WHOLE,  /* a whole number from least to most */
    SHAPE_NUMBER, /* any number from least to most */
    SHAPE_BOOL,
    SHAPE_DATE,   /* YYYY-MM-DD */
    SHAPE_TIME,   /* ISO 8601 with a zone */
    SHAPE_CLOCK,  /* HH:MM */
    SHAPE_FROM,   /* a seq of at least 1, or one of `words` */
    SHAPE_OBJECT, /* as `of`; any object if that is NULL */
    SHAPE_LIST,   /* least to most elements, each as `element` */
    SHAPE_ANY,
};

struct shape_field {
    const char *name;
    enum shape_type type;
    bool required;
    int64_t least, most; /* both 0: no bounds */
    const char *words;   /* with '|' between them */
    const struct shape *of;
    const struct shape_field *element;
    const char *help;
};

struct shape {
    const char *name; /* in the description */
    const char *help;
    bool open; /* whether it may have members that are not in the table */
    const struct shape_field *fields;
    size_t count;
    const char *keyword; /* in place of a table: one of JSON Schema, such as anyOf, */
    const char *schema;  /* and its value, as text; whoever takes it checks it */
};

#define SHAPE_FAULTS_MAX 100 /* beyond which no more are told */

#define SHAPE_FIELDS(list) .fields = (list), .count = sizeof(list) / sizeof((list)[0])

/*
 * True if the value is an object as the table says. Else false, with faults such as "Missing clinicId",
 * "Invalid proofOfDelivery.geoHash", "Unknown colour": they name fields, never values. null counts as absent.
 */
bool shape_check(const struct shape *shape, const struct json *value, struct faults *faults);

/* The row of that name, or NULL. */
const struct shape_field *shape_find(const struct shape *shape, const char *name);

/* The schema of the shape alone; those it holds are referred to as #/components/schemas/NAME. */
void shape_schema(const struct shape *shape, struct buf *out);

/* The schema of one field, with its help; for the parameters of a query, too. */
void shape_field_schema(const struct shape_field *field, struct buf *out);

/* Whether a text, as it stands in a query, is what a field may be. Of texts, words, whole numbers and times.
 */
bool shape_check_text(const struct shape_field *field, struct span text);

#endif

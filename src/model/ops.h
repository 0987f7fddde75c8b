/* The compiled form of a mapping: what the loader writes and the runner reads. */
#ifndef PICKUPD_MODEL_OPS_H
#define PICKUPD_MODEL_OPS_H

#include "literal.h"
#include "model/mapping.h"
#include "path.h"

enum map_act { MAP_OPEN, MAP_CLOSE, MAP_FIELD };

enum map_type {
    MAP_STRING,
    MAP_ID,
    MAP_WHOLE,
    MAP_NUMBER,
    MAP_BOOL,
    MAP_TIME,
    MAP_TABLE,
    MAP_SCALAR,
    MAP_ANY,
    MAP_TEXT,
    MAP_TYPE_COUNT
};

/* How a time is written. */
enum map_format { MAP_ISO8601, MAP_UNIX, MAP_UNIX_MS, MAP_PATTERN };

/* A text with words in braces: each part is a literal, a variable, or the text of an earlier field. */
struct template
{
    struct template_part {
        enum { PART_LITERAL, PART_VAR, PART_FIELD } kind;
        struct span literal;
        size_t index; /* a map_var, or an op */
    } * parts;
    size_t count;
};

struct map_row {
    struct literal sent;
    struct span gives; /* JSON text */
};

struct map_op {
    enum map_act act;
    enum map_type type;
    struct span key;    /* in the object it is written to, as JSON with its colon */
    struct span target; /* "metadata.externalId" */
    struct path *paths; /* the first that leads to a value counts; faults name the first */
    size_t path_count;
    bool required;
    bool ignore_case;
    bool from_text; /* a text is read as what the type asks for */
    bool has_default;
    bool default_is_text;
    struct template default_text;
    struct span default_json;
    struct template text; /* the prefix of an id, or the whole of a MAP_TEXT */
    struct map_row *rows;
    size_t row_count;
    struct span otherwise; /* JSON text of what a value gives that is in no row; empty: it is a fault */
    struct literal *nulls; /* what means absent */
    size_t null_count;
    enum map_format format;
    struct span pattern;     /* of a time that is MAP_PATTERN */
    const struct zone *zone; /* of a time without one; NULL: the source's */
    int64_t offset;          /* added to a time, ms */
    int64_t min, max;
};

struct mapping {
    struct map_op *ops;
    size_t count;
    size_t pickup_id, external_id, window_start, request_time; /* ops, or `count` where there is none */
};

#endif

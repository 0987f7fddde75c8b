/* Finds the line on which a value stands, which a document does not keep. */
#include "base/json.h"

#include <string.h>

#include "base/num.h"

struct scan {
    struct span rest;
    int line; /* of the first byte of the rest */
};

static void advance(struct scan *scan)
{
    scan->line += scan->rest.at[0] == '\n';
    span_skip(&scan->rest, 1);
}

/* Whether the next byte is one of these; false at the end of the text. */
static bool is_at(const struct scan *scan, const char *bytes)
{
    return scan->rest.len > 0 && scan->rest.at[0] != '\0' && strchr(bytes, scan->rest.at[0]) != NULL;
}

static void skip_space(struct scan *scan)
{
    while (is_at(scan, " \t\r\n"))
        advance(scan);
}

/* A token of one byte, and the white space on both of its sides. */
static bool take(struct scan *scan, const char *bytes)
{
    skip_space(scan);
    if (!is_at(scan, bytes))
        return false;
    advance(scan);
    skip_space(scan);
    return true;
}

/* Gives the text with its quotes. An escape hides a quote, and that is all that is known of it here. */
static struct span take_quoted(struct scan *scan)
{
    struct span start = scan->rest;
    do {
        if (is_at(scan, "\\"))
            advance(scan);
        if (scan->rest.len > 0)
            advance(scan);
    } while (scan->rest.len > 0 && !is_at(scan, "\""));
    if (scan->rest.len > 0)
        advance(scan);
    return (struct span){start.at, start.len - scan->rest.len};
}

/* Counts brackets, so that no nesting is too deep for it. */
static void skip_value(struct scan *scan)
{
    size_t depth = 0;
    do {
        skip_space(scan);
        if (is_at(scan, "\"")) {
            take_quoted(scan);
        } else if (take(scan, "{[")) {
            depth++;
        } else if (depth > 0 && take(scan, "}]")) {
            depth--;
        } else if (!take(scan, ",:")) {
            while (scan->rest.len > 0 && !is_at(scan, "{}[]\",: \t\r\n"))
                advance(scan);
        }
    } while (depth > 0 && scan->rest.len > 0);
}

/* Whether a name is meant by this text with quotes, which the parser decodes if it holds escapes. */
static bool is_quoted(struct span quoted, struct span name)
{
    if (memchr(quoted.at, '\\', quoted.len) == NULL)
        return span_is((struct span){quoted.at + 1, quoted.len - 2}, name);
    struct json_fault fault;
    struct json *decoded = json_parse(quoted, &fault);
    bool is_same = decoded != NULL && span_is(json_str(decoded), name);
    json_free(decoded);
    return is_same;
}

/* Moves from an object to a member's value, and *line to its name. */
static bool enter_member(struct scan *scan, struct span name, int *line)
{
    take(scan, "{");
    while (is_at(scan, "\"")) {
        int at = scan->line;
        struct span quoted = take_quoted(scan);
        if (!take(scan, ":"))
            return false;
        if (is_quoted(quoted, name)) {
            *line = at;
            return true;
        }
        skip_value(scan);
        if (!take(scan, ","))
            return false;
    }
    return false;
}

static bool enter_element(struct scan *scan, struct span number, int *line)
{
    int64_t index;
    if (!num_parse(number, &index) || index < 0 || !take(scan, "["))
        return false;
    for (; index > 0; index--) {
        skip_value(scan);
        if (!take(scan, ","))
            return false;
    }
    if (is_at(scan, "]"))
        return false;
    *line = scan->line;
    return true;
}

int json_line(struct span text, struct span path)
{
    struct scan scan = {text, 1};
    skip_space(&scan);
    int line = scan.line;
    bool is_more = path.len > 0;
    while (is_more) {
        size_t left = path.len;
        struct span step = span_cut(&path, '\n');
        is_more = step.len < left; /* a separator was there, and behind it is a step, if an empty one */
        bool is_object = is_at(&scan, "{");
        if (!(is_object ? enter_member(&scan, step, &line) : enter_element(&scan, step, &line)))
            break;
    }
    return line;
}

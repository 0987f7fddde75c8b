/* inih, fed line by line so that we know the line numbers and can refuse what it would cut. */
#include "base/ini.h"

#include <ini.h>
#include <string.h>

struct reader {
    struct span rest;
    int line;
    const char *file;
    ini_row *row;
    void *arg;
    struct faults *faults;
};

static void refuse(struct reader *reader, const char *why)
{
    faults_add(reader->faults, "%s:%d: %s", reader->file, reader->line, why);
}

/* Says a section once, at its own line, also when no key follows. */
static void announce(struct reader *reader, struct span line)
{
    struct span inside = {line.at + 1, line.len - 1};
    struct span name = span_cut(&inside, ']');
    if (name.len > INI_SECTION_MAX) {
        refuse(reader, "section name is longer than 49 characters");
        reader->row(reader->arg, reader->line, NULL, NULL, NULL);
    } else {
        char text[INI_SECTION_MAX + 1] = "";
        memcpy(text, name.at, name.len);
        reader->row(reader->arg, reader->line, text, NULL, NULL);
    }
}

static bool acceptable(struct reader *reader, struct span line)
{
    if (line.len > INI_LINE_MAX) {
        refuse(reader, "line is longer than 199 characters");
        return false;
    }
    if (line.len > 0 && memchr(line.at, '\0', line.len) != NULL) {
        refuse(reader, "line holds a NUL byte");
        return false;
    }
    if (line.len == 0 || line.at[0] == ';' || line.at[0] == '#' || line.at[0] == '[')
        return true;
    struct span value = line;
    if (span_trim(span_cut(&value, '=')).len > INI_NAME_MAX) {
        refuse(reader, "key is longer than 49 characters");
        return false;
    }
    return true;
}

/* fgets for inih: one trimmed line, so that an indented line is never taken as a continuation. */
static char *next_line(char *text, int size, void *arg)
{
    struct reader *reader = arg;
    if (reader->rest.len == 0)
        return NULL;
    reader->line++;
    struct span line = span_trim(span_cut(&reader->rest, '\n'));
    text[0] = '\0';
    if (acceptable(reader, line) && line.len < (size_t)size) {
        memcpy(text, line.at, line.len);
        text[line.len] = '\0';
        if (line.len > 0 && line.at[0] == '[')
            announce(reader, line);
    }
    return text;
}

static int take(void *arg, const char *section, const char *name, const char *value)
{
    struct reader *reader = arg;
    reader->row(reader->arg, reader->line, section, name, value);
    return 1;
}

void ini_read(struct span text, const char *file, ini_row *row, void *arg, struct faults *faults)
{
    if (span_starts(text, SPAN("\xef\xbb\xbf")))
        span_skip(&text, 3); /* what some editors put in front */
    struct reader reader = {text, 0, file, row, arg, faults};
    int bad = ini_parse_stream(next_line, &reader, take, &reader);
    if (bad > 0)
        faults_add(faults, "%s:%d: neither [section] nor key = value", file, bad);
}

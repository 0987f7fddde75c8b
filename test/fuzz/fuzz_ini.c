/* A config file: it is read, or every mistake is said with the file's name and a line. */
#include "base/ini.h"

#include "fuzz.h"
#include "model/config.h"

struct reading {
    struct span text;
    int line;
};

/* Rows come in their order, from lines that are there, and no name or section is longer than promised. */
static void check_row(void *arg, int line, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    HOLDS(line >= reading->line);
    HOLDS((name == NULL) == (value == NULL));
    HOLDS(section == NULL || strlen(section) <= INI_SECTION_MAX);
    HOLDS(name == NULL || (strlen(name) <= INI_NAME_MAX && strlen(value) <= INI_LINE_MAX));
    HOLDS(value == NULL || fuzz_has(reading->text, span_of(value)));
    reading->line = line;
}

static void check_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        HOLDS(span_starts(span_of(faults->texts[i]), SPAN("fuzz.ini:")));
}

/* Too long a line is refused, never cut. */
static bool has_long_line(struct span text)
{
    while (text.len > 0)
        if (span_trim(span_cut(&text, '\n')).len > INI_LINE_MAX + 3) /* a byte order mark is no part of it */
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct faults faults CLEANUP(faults_free) = {0};
    struct reading reading = {fuzz_span(data, size), 1};
    struct config config = {0};
    ini_read(reading.text, "fuzz.ini", check_row, &reading, &faults);
    check_faults(&faults);
    HOLDS(faults.count > 0 || !has_long_line(reading.text));
    config_defaults(&config);
    config_read(&config, reading.text, "fuzz.ini", &faults);
    check_faults(&faults);
    HOLDS(faults.count > 0 || config.server.max_body > 0);
    for (size_t i = 0; i < config.source_count; i++)
        HOLDS(config.sources[i].name != NULL && strlen(config.sources[i].name) <= CONFIG_NAME_MAX);
    config_free(&config);
    return 0;
}

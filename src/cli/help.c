/* Texts of --help. */
#include "help.h"

#include <string.h>

#include "base/span.h"

static const struct {
    const char *name, *forms, *help, *example;
} rows[] = {
#define COMMAND(name, forms, help, example) {#name, forms, help, example},
#include "tbl/command.h"
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

void help_overview(FILE *out)
{
    fputs("pickupd receives signed webhooks from dental practice systems and has each on disk before it says "
          "yes.\n\n"
          "usage: pickupd COMMAND [OPTIONS]\n\n",
          out);
    for (size_t i = 0; i < ROW_COUNT; i++)
        fprintf(out, "  %-11s %s\n", rows[i].name, rows[i].help);
    fputs("\n-c FILE or $PICKUPD_CONFIG names the configuration. `pickupd COMMAND --help` tells more.\n"
          "example: pickupd serve -c /etc/pickupd/pickupd.ini\n",
          out);
}

static void print_forms(FILE *out, const char *name, struct span forms)
{
    const char *lead = "usage:";
    do {
        struct span form = span_cut(&forms, '|');
        fprintf(out, "%-6s pickupd %s %.*s%s[-c FILE]\n", lead, name, (int)form.len, form.at,
                form.len > 0 ? " " : "");
        lead = "";
    } while (forms.len > 0);
}

void help_command(FILE *out, const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        print_forms(out, name, span_of(rows[i].forms));
        fprintf(out, "\n%s\n\nexample: %s\n", rows[i].help, rows[i].example);
    }
}

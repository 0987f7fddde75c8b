/* Texts of --help. */
#include "help.h"

#include <string.h>

static const struct {
    const char *name, *usage, *help, *example;
} rows[] = {
#define COMMAND(name, usage, help, example) {#name, usage, help, example},
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

void help_command(FILE *out, const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            fprintf(out, "usage: pickupd %s %s\n\n%s\n\nexample: %s\n", name, rows[i].usage, rows[i].help,
                    rows[i].example);
}

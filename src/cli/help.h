/* Texts of --help, from the table of commands. */
#ifndef PICKUPD_CLI_HELP_H
#define PICKUPD_CLI_HELP_H

#include <stdio.h>

void help_overview(FILE *out);
void help_command(FILE *out, const char *name);

#endif

/* The command line: finds the subcommand, and explains itself. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "help.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(name, forms, help, example) {#name, cmd_##name},
#include "tbl/command.h"
};

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* `pickupd -c FILE serve` is `pickupd serve -c FILE`. */
static void move_config_behind(int argc, char **argv)
{
    if (argc < 4 || strcmp(argv[1], "-c") != 0)
        return;
    char *option = argv[1];
    char *file = argv[2];
    argv[1] = argv[3];
    argv[2] = option;
    argv[3] = file;
}

int main(int argc, char **argv)
{
    char version[] = "version";
    move_config_behind(argc, argv);
    if (argc < 2) {
        help_overview(stderr);
        return EXIT_USAGE;
    }
    if (asks_for_help(argv[1])) {
        help_overview(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = version;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, argv[1]) != 0)
            continue;
        for (int word = 2; word < argc; word++)
            if (asks_for_help(argv[word]))
                return help_command(stdout, argv[1]), EXIT_GOOD;
        int code = commands[i].run(argc - 1, argv + 1);
        return fflush(stdout) == 0 && ferror(stdout) == 0 ? code : EXIT_FAILED;
    }
    fprintf(stderr, "pickupd: there is no command %s; see pickupd --help\n", argv[1]);
    return EXIT_USAGE;
}

/* pickupd limits: ends what rate limits hold back. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "flow/control.h"

static int clear(const struct setup *setup)
{
    char *path CLEANUP(mem_drop) = setup_beside(setup, ".control");
    enum err err = control_clear_limits(path);
    if (err != ERR_OK)
        fprintf(stderr, "%s: %s\n", path,
                err == ERR_NOT_FOUND ? "no server is running" : "the running server did not answer");
    return err == ERR_OK ? EXIT_GOOD : EXIT_FAILED;
}

int cmd_limits(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, 0, &args))
        return EXIT_USAGE;
    if (args.word_count != 1 || strcmp(args.words[0], "clear") != 0)
        return args_refuse(argv[0], "takes `clear`");
    int code =
        setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? clear(&setup) : print_faults(&faults);
    setup_free(&setup);
    return code;
}

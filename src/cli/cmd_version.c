/* pickupd version */
#include <stdio.h>

#include "cli/command.h"
#include "store/store.h"
#include "sys/db.h"

int cmd_version(int argc, char **argv)
{
    struct args args;
    if (!args_read(argc, argv, 0, &args))
        return EXIT_USAGE;
    if (args.word_count > 0)
        return args_refuse(argv[0], "takes no further words");
    printf("pickupd %s\ndatabase file version %d\nSQLite %s\n", PICKUPD_VERSION, store_version(),
           db_library_version());
    return EXIT_GOOD;
}

/* Subcommands: what they are given and what they return. */
#ifndef PICKUPD_CLI_COMMAND_H
#define PICKUPD_CLI_COMMAND_H

#include <stdint.h>

#include "base/faults.h"

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define ARGS_WORDS_MAX 64

/* What a command line may hold behind the subcommand. Zero-initialised; texts are borrowed from argv. */
struct args {
    const char *config; /* -c, or $PICKUPD_CONFIG, or NULL */
    const char *source, *type, *since, *limit;
    const char *headers, *body, *url, *method, *at, *quarantine, *org, *every, *keep, *who, *head, *from;
    const char *log_level, *log_format;
    bool json, show_phi, all, keys, help, check;
    const char *words[ARGS_WORDS_MAX]; /* what is no option */
    int word_count;
};

/* Which options a command knows. */
enum args_known {
    ARGS_SOURCE = 1 << 0,
    ARGS_TYPE = 1 << 1,
    ARGS_SINCE = 1 << 2,
    ARGS_LIMIT = 1 << 3,
    ARGS_JSON = 1 << 4,
    ARGS_SHOW_PHI = 1 << 5,
    ARGS_ALL = 1 << 6,
    ARGS_KEYS = 1 << 7,
    ARGS_CAPTURE = 1 << 8, /* --headers, --body, --url, --method and --at */
    ARGS_QUARANTINE = 1 << 9,
    ARGS_ORG = 1 << 10,
    ARGS_EVERY = 1 << 11, /* and --keep */
    ARGS_CHECK = 1 << 12,
    ARGS_AUDIT = 1 << 13, /* --who and --head */
    ARGS_LOG = 1 << 14,   /* --log-level and --log-format */
    ARGS_FROM = 1 << 15,
};

/* False with a line on standard error if the command line holds anything else. */
bool args_read(int argc, char **argv, unsigned known, struct args *args);

/* --since, ms since 1970, and --limit, at least 1; what is not given stays. False, and said, if one is none.
 */
bool args_read_window(const char *command, const struct args *args, int64_t *since, int64_t *limit);

/* Prints a line on standard error, and how the command is used; returns EXIT_USAGE. */
int args_refuse(const char *command, const char *why);

/* Prints faults, one a line, on standard error; returns EXIT_FAILED. */
int print_faults(const struct faults *faults);

/* Each returns an exit code. */
#define COMMAND(name, forms, help, example) int cmd_##name(int argc, char **argv);
#include "tbl/command.h"

#endif

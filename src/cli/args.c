/* Reading options. */
#include "cli/command.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/time.h"
#include "help.h"
#include "model/config.h"

static const struct {
    const char *name;
    unsigned known; /* 0: every command knows it */
    size_t text;    /* where its value goes, or 0 */
    size_t flag;    /* else where true goes */
} options[] = {
    {"-c", 0, offsetof(struct args, config) + 1, 0},
    {"--source", ARGS_SOURCE, offsetof(struct args, source) + 1, 0},
    {"--type", ARGS_TYPE, offsetof(struct args, type) + 1, 0},
    {"--since", ARGS_SINCE, offsetof(struct args, since) + 1, 0},
    {"--limit", ARGS_LIMIT, offsetof(struct args, limit) + 1, 0},
    {"--headers", ARGS_CAPTURE, offsetof(struct args, headers) + 1, 0},
    {"--body", ARGS_CAPTURE, offsetof(struct args, body) + 1, 0},
    {"--url", ARGS_CAPTURE, offsetof(struct args, url) + 1, 0},
    {"--method", ARGS_CAPTURE, offsetof(struct args, method) + 1, 0},
    {"--at", ARGS_CAPTURE, offsetof(struct args, at) + 1, 0},
    {"--quarantine", ARGS_QUARANTINE, offsetof(struct args, quarantine) + 1, 0},
    {"--org", ARGS_ORG, offsetof(struct args, org) + 1, 0},
    {"--from", ARGS_FROM, offsetof(struct args, from) + 1, 0},
    {"--every", ARGS_EVERY, offsetof(struct args, every) + 1, 0},
    {"--keep", ARGS_EVERY, offsetof(struct args, keep) + 1, 0},
    {"--log-level", ARGS_LOG, offsetof(struct args, log_level) + 1, 0},
    {"--log-format", ARGS_LOG, offsetof(struct args, log_format) + 1, 0},
    {"--check", ARGS_CHECK, 0, offsetof(struct args, check)},
    {"--who", ARGS_AUDIT, offsetof(struct args, who) + 1, 0},
    {"--head", ARGS_AUDIT, offsetof(struct args, head) + 1, 0},
    {"--json", ARGS_JSON, 0, offsetof(struct args, json)},
    {"--show-phi", ARGS_SHOW_PHI, 0, offsetof(struct args, show_phi)},
    {"--all", ARGS_ALL, 0, offsetof(struct args, all)},
    {"--keys", ARGS_KEYS, 0, offsetof(struct args, keys)},
};

static const char *take_option(int argc, char **argv, int *at, unsigned known, struct args *args)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, argv[*at]) != 0)
            continue;
        if (options[i].known != 0 && (options[i].known & known) == 0)
            break;
        if (options[i].text == 0) {
            *(bool *)((char *)args + options[i].flag) = true;
            return NULL;
        }
        if (*at + 1 >= argc)
            return "an option lacks its value";
        *(const char **)((char *)args + options[i].text - 1) = argv[++*at];
        return NULL;
    }
    return "unknown option";
}

bool args_read(int argc, char **argv, unsigned known, struct args *args)
{
    const char *why = NULL;
    const char *config = getenv("PICKUPD_CONFIG");
    *args = (struct args){.config = config != NULL && *config != '\0' ? config : NULL};
    for (int at = 1; at < argc && why == NULL; at++) {
        const char *word = argv[at];
        if (word[0] == '-' && word[1] != '\0')
            why = take_option(argc, argv, &at, known, args);
        else if (args->word_count == ARGS_WORDS_MAX)
            why = "one word too many";
        else
            args->words[args->word_count++] = word;
        if (why != NULL) {
            struct buf text CLEANUP(buf_free) = {0};
            buf_printf(&text, "%s: %s", word, why);
            args_refuse(argv[0], buf_text(&text));
        }
    }
    if (why == NULL && args->org != NULL && !config_is_org(span_of(args->org))) {
        args_refuse(argv[0],
                    "--org takes the name of an organization, 1 to 64 bytes without control characters");
        return false;
    }
    return why == NULL;
}

int args_refuse(const char *command, const char *why)
{
    fprintf(stderr, "pickupd %s: %s\n\n", command, why);
    help_command(stderr, command);
    return EXIT_USAGE;
}

bool args_read_window(const char *command, const struct args *args, int64_t *since, int64_t *limit)
{
    if (args->since != NULL && !time_parse(span_of(args->since), NULL, since)) {
        args_refuse(command, "--since takes a time such as 2026-01-31T00:00:00Z");
        return false;
    }
    if (args->limit != NULL && (!num_parse(span_of(args->limit), limit) || *limit < 1)) {
        args_refuse(command, "--limit takes a number of at least 1");
        return false;
    }
    return true;
}

int print_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "%s\n", faults->texts[i]);
    return EXIT_FAILED;
}

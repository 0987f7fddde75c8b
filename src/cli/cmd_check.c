/* pickupd check: says what serve would do, without doing it. */
#include <stdio.h>

#include "base/time.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "model/scheme.h"

static size_t live_secrets(const struct source *source)
{
    size_t live = 0;
    for (size_t i = 0; i < source->secret_count; i++)
        live += secret_live(&source->secrets[i], time_now());
    return live;
}

static void print_sources(const struct setup *setup)
{
    printf("config    %s\ndatabase  %s\nlisten    %s\nprivate   %s\n\n", setup->config.file,
           setup->config.server.database, setup->config.server.listen, setup->config.server.api_listen);
    printf("%-16s %-12s %-10s %-8s %-20s %s\n", "SOURCE", "VENDOR", "ORG", "SECRETS", "TIMEZONE", "STATE");
    for (size_t i = 0; i < setup->sources.count; i++) {
        const struct source *source = &setup->sources.all[i];
        const char *zone = setup->config.sources[i].timezone;
        printf("%-16s %-12.*s %-10s %zu/%-6zu %-20s ", source->name, (int)source->definition->vendor.len,
               source->definition->vendor.at, source->org, live_secrets(source), source->secret_count,
               *zone ? zone : "-");
        if (source->disabled != NULL)
            printf("disabled: %s\n", source->disabled);
        else if (live_secrets(source) == 0)
            printf("enabled, but no secret is live now\n");
        else
            printf("enabled at /webhooks/ehr/%s\n", source->name);
    }
    printf("\nSECRETS are live now / in all.\n");
}

static void print_warnings(const struct setup *setup)
{
    for (size_t i = 0; i < setup->sources.count; i++) {
        const struct source *source = &setup->sources.all[i];
        if (source->disabled == NULL && !scheme_signs(source->definition->scheme) &&
            source->allow_from.count == 0)
            printf("warning: %s authenticates no byte of the body; set allow_from\n", source->name);
    }
}

static int print_keys(void)
{
    struct buf out CLEANUP(buf_free) = {0};
    config_describe(&out);
    fputs(buf_text(&out), stdout);
    return EXIT_GOOD;
}

int cmd_check(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_KEYS, &args))
        return EXIT_USAGE;
    if (args.word_count > 0)
        return args_refuse(argv[0], "takes no further words");
    if (args.keys)
        return print_keys();
    int code = EXIT_FAILED;
    if (!setup_load(&setup, args.config, SETUP_WITH_SECRETS, &faults)) {
        print_faults(&faults);
    } else {
        print_sources(&setup);
        print_warnings(&setup);
        code = sources_enabled(&setup.sources) > 0 ? EXIT_GOOD : EXIT_FAILED;
        if (code == EXIT_FAILED)
            fprintf(stderr, "no source is enabled: serve would not start\n");
    }
    setup_free(&setup);
    return code;
}

/* pickupd check: says what serve would do, without doing it. */
#include <stdio.h>

#include "audit_key.h"
#include "base/err.h"
#include "base/time.h"
#include "certificates.h"
#include "cli/command.h"
#include "cli/open.h"
#include "model/example.h"
#include "print.h"
#include "sys/privileges.h"

static size_t live_secrets(const struct source *source)
{
    size_t live = 0;
    for (size_t i = 0; i < source->secret_count; i++)
        live += secret_live(&source->secrets[i], time_now());
    return live;
}

static void print_sources(const struct setup *setup)
{
    printf("config    %s\ndatabase  %s\nlisten    %s\nprivate   %s\n", setup->config.file,
           setup->config.server.database, setup->config.server.listen, setup->config.server.api_listen);
    certificates_print(setup);
    putchar('\n');
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

/* Never their texts, which nobody keeps. */
static void print_tokens(const struct tokens *tokens)
{
    if (tokens->count == 0) {
        printf("\nThe private API has no token, and answers 401.\n");
        return;
    }
    printf("\n%-16s %-12s %-10s %s\n", "TOKEN", "ROLE", "ORG", "PUBLISHES AS");
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->all[i];
        bool publishes = (token->role & (TOKEN_PUBLISH | TOKEN_ADMIN)) != 0;
        printf("%-16s %-12s %-10s %s\n", token->name, token_role_text(token->role), token->org,
               !publishes                ? "-"
               : *token->sources == '\0' ? "any but our own"
                                         : token->sources);
    }
}

static void print_key(void *arg, const struct view_key *row)
{
    (void)arg;
    printf("%-16.*s %lld\n", (int)row->id.len, row->id.at, (long long)row->used);
}

/* False, and said, if they can't be read. */
static bool read_keys(struct setup *setup)
{
    struct faults faults CLEANUP(faults_free) = {0};
    if (*setup->config.server.seal_key_file != '\0')
        setup->seal = setup_read_seal(setup->config.server.seal_key_file, &faults);
    print_faults(&faults);
    return faults.count == 0;
}

/* What seals, and what does in the database; false, and said, if serve would refuse to start for it. */
static bool print_seal(struct setup *setup)
{
    bool remnants;
    struct buf why CLEANUP(buf_free) = {0};
    if (!read_keys(setup))
        return false;
    struct seal_key *key = seal_current(setup->seal);
    printf("\nWhat may hold patient data is %s%s.\n", key != NULL ? "sealed with the key " : "kept in clear",
           key != NULL ? seal_id(key).at : "");
    seal_release(key);
    struct view *view = view_open(setup->config.server.database, &why);
    if (view == NULL)
        return true; /* serve makes it, or brings it up to date */
    view_close(view);
    view = open_view(setup, &why);
    if (view == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        return false;
    }
    if (setup->seal != NULL)
        printf("\n%-16s %s\n", "KEY IN USE", "VALUES AT MOST");
    if (view_keys(view, print_key, NULL, &remnants) == ERR_OK && remnants)
        printf("warning: the database may still hold in clear what was there before it was sealed; run"
               " pickupd reseal\n");
    view_close(view);
    return true;
}

/*
 * False, and said, if [server] names a user or a key of the audit without which serve would refuse to start;
 * a key that is not named is made.
 */
static bool check_server(const struct setup *setup)
{
    struct faults faults CLEANUP(faults_free) = {0};
    bool good = privileges_know(setup->config.server.user, &faults);
    if (*setup->config.server.audit_key_file != '\0')
        hmac_key_free(audit_key_read(setup, &faults));
    print_faults(&faults);
    return good && faults.count == 0;
}

static void print_warnings(const struct setup *setup)
{
    for (size_t i = 0; i < setup->sources.count; i++) {
        const struct source *source = &setup->sources.all[i];
        if (source->disabled == NULL && !scheme_signs(source->definition->scheme) &&
            source->allow_from.count == 0)
            printf("warning: %s authenticates no byte of the body; set allow_from\n", source->name);
        const char *zoneless = definition_zoneless(source->definition);
        if (source->disabled == NULL && source->zone == NULL && zoneless != NULL)
            printf("warning: %s: the times at %s carry no zone; set timezone\n", source->name, zoneless);
    }
}

/* What the server noted of a secret's use, by the names of its source and its own. */
struct last_match {
    const char *source, *secret;
    int64_t time; /* 0: never */
};

static void find_match(void *arg, const struct view_match *row)
{
    struct last_match *last = arg;
    if (span_is(row->origin, span_of(last->source)) && span_is(row->secret, span_of(last->secret)))
        last->time = row->time;
}

static void print_secret(struct view *view, const struct source *source, const struct secret *secret)
{
    struct last_match last = {source->name, secret->name, 0};
    int64_t now = time_now();
    const char *state = now < secret->not_before ? "not yet" : now >= secret->not_after ? "over" : "live";
    enum err err = view_matches(view, find_match, &last);
    printf("%-16s %-16s %-8s ", source->name, secret->name, state);
    if (err != ERR_OK)
        printf("not known\n");
    else if (last.time == 0)
        printf("never\n");
    else
        print_time(last.time), putchar('\n');
}

/* Without a database that can be read, nothing has matched yet that we could know of. */
static void print_secrets(const struct setup *setup)
{
    struct buf why CLEANUP(buf_free) = {0};
    struct view *view = view_open(setup->config.server.database, &why);
    if (view == NULL)
        return;
    printf("\n%-16s %-16s %-8s %s\n", "SOURCE", "SECRET", "STATE", "LAST MATCH");
    for (size_t i = 0; i < setup->sources.count; i++)
        for (size_t k = 0; k < setup->sources.all[i].secret_count; k++)
            print_secret(view, &setup->sources.all[i], &setup->sources.all[i].secrets[k]);
    printf("\nLAST MATCH is noted once a minute.\n");
    view_close(view);
}

static int print_keys(void)
{
    struct buf out CLEANUP(buf_free) = {0};
    config_describe(&out);
    fputs(buf_text(&out), stdout);
    return EXIT_GOOD;
}

/* False, and said, if an example does not become what it should. */
static bool run_examples(const struct definition *definition)
{
    struct faults faults CLEANUP(faults_free) = {0};
    examples_run(definition, &faults);
    if (faults.count > 0)
        print_faults(&faults);
    else if (definition->example_count > 0)
        printf("%s: %zu examples become what they should\n", definition->file, definition->example_count);
    else
        printf("%s: no mistakes; it has no examples\n", definition->file);
    return faults.count == 0;
}

static bool check_file(const char *path)
{
    struct buf text CLEANUP(buf_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    struct definition *definition = NULL;
    if (setup_read_file(path, SETUP_FILE_MAX, &text, &faults))
        definition = definition_load(buf_span(&text), path, &faults);
    print_faults(&faults);
    bool good = faults.count == 0 && run_examples(definition);
    definition_free(definition);
    return good;
}

/* Definitions by themselves, whatever the configuration says. */
static int check_files(const struct args *args)
{
    bool good = true;
    for (int i = 0; i < args->word_count; i++)
        good &= check_file(args->words[i]);
    return good ? EXIT_GOOD : EXIT_FAILED;
}

static int check_setup(struct setup *setup)
{
    bool good = true;
    print_sources(setup);
    print_secrets(setup);
    print_tokens(&setup->sources.tokens);
    good &= print_seal(setup);
    good &= check_server(setup);
    putchar('\n');
    for (size_t i = 0; i < setup->definition_count; i++)
        good &= run_examples(setup->definitions[i]);
    print_warnings(setup);
    if (sources_enabled(&setup->sources) == 0)
        fprintf(stderr, "no source is enabled: serve would not start\n");
    return good && sources_enabled(&setup->sources) > 0 ? EXIT_GOOD : EXIT_FAILED;
}

int cmd_check(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_KEYS, &args))
        return EXIT_USAGE;
    if (args.keys && args.word_count > 0)
        return args_refuse(argv[0], "--keys takes no further words");
    if (args.keys)
        return print_keys();
    if (args.word_count > 0)
        return check_files(&args);
    int code = setup_load(&setup, args.config, SETUP_WITH_SECRETS, &faults) ? check_setup(&setup)
                                                                            : print_faults(&faults);
    setup_free(&setup);
    return code;
}

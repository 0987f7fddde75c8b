/* pickupd status: asks the running server, or looks at the file if there is none. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "flow/control.h"
#include "status.h"

#define PATIENCE_S 10

/* A server that hangs is told of, too. */
static void on_alarm(int signal)
{
    static const char text[] = "the running server does not answer\n";
    (void)signal;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(EXIT_FAILED);
}

/* Without a server. */

struct looking {
    struct snapshot snapshot;
    struct tallies tallies;
};

static void add_match(void *arg, const struct view_match *row)
{
    struct looking *looking = arg;
    atomic_store(&tallies_match(&looking->tallies, row->origin, row->secret)->last, row->time);
}

static void add_row(void *arg, const struct view_quarantine *row)
{
    struct looking *looking = arg;
    snapshot_add_use(&looking->snapshot, row->origin, 1, row->bytes);
}

/* No secret is read, so the configuration has to tell which there are. */
static void add_secrets(struct snapshot *snapshot, const struct source_config *source)
{
    struct span name = span_of(source->name);
    if (*source->secret_env != '\0' || *source->secret_file != '\0')
        snapshot_add_secret(snapshot, name, name, INT64_MIN, INT64_MAX);
    for (size_t i = 0; i < source->secret_count; i++)
        snapshot_add_secret(snapshot, name, span_of(source->secrets[i].name), source->secrets[i].not_before,
                            source->secrets[i].not_after);
}

static enum err look(const struct setup *setup, struct view *view, struct buf *json)
{
    struct looking looking = {0};
    const struct server_config *server = &setup->config.server;
    snapshot_begin(&looking.snapshot, server->database, time_now());
    snapshot_look(&looking.snapshot, view, server->flows != 0);
    looking.snapshot.disk_reserve = server->disk_reserve;
    enum err err = view_matches(view, add_match, &looking);
    snapshot_add_sources(&looking.snapshot, &setup->sources, &looking.tallies);
    for (size_t i = 0; i < setup->config.source_count; i++)
        add_secrets(&looking.snapshot, &setup->config.sources[i]);
    if (err == ERR_OK)
        err = view_quarantine(view, SPAN(""), add_row, &looking);
    if (err == ERR_OK)
        snapshot_write(&looking.snapshot, json);
    tallies_free(&looking.tallies);
    snapshot_free(&looking.snapshot);
    return err;
}

static bool look_alone(const struct setup *setup, struct buf *json)
{
    struct buf why CLEANUP(buf_free) = {0};
    struct view *view = view_open(setup->config.server.database, &why);
    if (view == NULL) {
        fprintf(stderr, "no server answers, and the database can't be read: %s\n", buf_text(&why));
        return false;
    }
    enum err err = look(setup, view, json);
    view_close(view);
    if (err != ERR_OK)
        fprintf(stderr, "%s: the database can't be read\n", setup->config.server.database);
    return err == ERR_OK;
}

/* Printing. */

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

static int print(const struct buf *text, const struct args *args)
{
    struct json_fault fault;
    struct json *snapshot = json_parse(buf_span(text), &fault);
    if (snapshot == NULL) {
        fputs("the running server answered something else\n", stderr);
        return EXIT_FAILED;
    }
    if (args->json)
        printf("%.*s\n", (int)text->len, text->at);
    else
        status_print(snapshot, wants_colour());
    int code = json_count(json_get(snapshot, "attention")) == 0 ? EXIT_GOOD : EXIT_FAILED;
    json_free(snapshot);
    return code;
}

static int tell(const struct setup *setup, const struct args *args)
{
    struct buf json CLEANUP(buf_free) = {0};
    char *path CLEANUP(mem_drop) = setup_beside(setup, ".control");
    signal(SIGALRM, on_alarm);
    alarm(PATIENCE_S);
    enum err err = control_status(path, &json);
    alarm(0);
    if (err == ERR_NOT_FOUND)
        return look_alone(setup, &json) ? print(&json, args) : EXIT_FAILED;
    if (err == ERR_OK)
        return print(&json, args);
    fprintf(stderr, "%s: the running server did not answer\n", path);
    return EXIT_FAILED;
}

int cmd_status(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_JSON, &args))
        return EXIT_USAGE;
    if (args.word_count > 0)
        return args_refuse(argv[0], "takes no further words");
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? tell(&setup, &args)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}

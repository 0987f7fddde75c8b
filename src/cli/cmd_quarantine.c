/* pickupd quarantine: what could not be mapped, and trying again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "change.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/open.h"
#include "flow/caller.h"
#include "flow/control.h"
#include "print.h"

static void print_faults_text(struct span faults)
{
    struct json_fault fault;
    struct json *list = json_parse(faults, &fault);
    for (size_t i = 0; i < json_count(list); i++) {
        printf("%s", i > 0 ? ", " : "");
        print_clean(json_str(json_at(list, i)));
    }
    json_free(list);
}

static void print_row(void *arg, const struct view_quarantine *row)
{
    const struct args *args = arg;
    char id[EVENT_ID_TEXT];
    if (args->json) {
        print_quarantine_json(row, false);
        return;
    }
    event_id_write(id, &row->id);
    printf("%s %-16.*s ", id, (int)row->origin.len, row->origin.at);
    print_time(row->first_seen);
    putchar(' ');
    print_time(row->last_seen);
    printf(" %5lld %8lld ", (long long)row->count, (long long)row->bytes);
    print_faults_text(row->faults);
    putchar('\n');
}

static void print_whole(void *arg, const struct view_quarantine *row)
{
    const struct args *args = arg;
    char id[EVENT_ID_TEXT];
    if (args->json) {
        print_quarantine_json(row, args->show_phi);
        return;
    }
    event_id_write(id, &row->id);
    printf("id         %s\norigin     %.*s\norg        %.*s\nfirst seen ", id, (int)row->origin.len,
           row->origin.at, (int)row->org.len, row->org.at);
    print_time(row->first_seen);
    printf("\nlast seen  ");
    print_time(row->last_seen);
    printf("\ncount      %lld\nbytes      %lld\nfaults     ", (long long)row->count, (long long)row->bytes);
    print_faults_text(row->faults);
    printf("\nhead       ");
    print_clean(args->show_phi ? row->head : SPAN("*** (--show-phi prints it)"));
    printf("\nbody       ");
    print_lines(args->show_phi ? row->body : SPAN("*** (--show-phi prints it)"));
    putchar('\n');
}

static void note_found(void *arg, const struct view_quarantine *row)
{
    (void)row;
    *(bool *)arg = true;
}

/* What is not there is nobody's to look at, and is told of as ever. */
static bool may_show(struct setup *setup, struct view *view, const struct event_id *id)
{
    bool found = false;
    char text[EVENT_ID_TEXT];
    struct arena arena CLEANUP(arena_free) = {0};
    event_id_write(text, id);
    enum err err = view_quarantine_one(view, id, note_found, &found);
    return err != ERR_OK || !found ||
           audited(setup, "quarantine show", SPAN(""), caller_id(&arena, span_of(text)));
}

static int look(struct setup *setup, const char *command, struct args *args)
{
    struct event_id id;
    enum err err;
    bool lists = args->word_count == 1;
    if (!lists && !event_id_read(span_of(args->words[1]), &id))
        return args_refuse(command, "show takes an id of 32 hexadecimal digits");
    struct view *view = print_open(setup);
    if (view == NULL)
        return EXIT_FAILED;
    if (!lists && args->show_phi && !may_show(setup, view, &id)) {
        view_close(view);
        return EXIT_FAILED;
    }
    if (lists && !args->json)
        printf("%-32s %-16s %-20s %-20s %5s %8s %s\n", "ID", "ORIGIN", "FIRST SEEN", "LAST SEEN", "COUNT",
               "BYTES", "FAULTS");
    err = lists ? view_quarantine(view, span_of(args->source), print_row, args)
                : view_quarantine_one(view, &id, print_whole, args);
    view_close(view);
    if (err != ERR_OK)
        fprintf(stderr, "%s: %s\n", lists ? "quarantine" : args->words[1],
                err == ERR_NOT_FOUND ? "not in quarantine" : print_failure(err));
    return err == ERR_OK ? EXIT_GOOD : EXIT_FAILED;
}

static void print_result(void *arg, const char *id, const char *result, const struct faults *faults)
{
    (void)arg;
    printf("%s %s", id, result);
    for (size_t i = 0; faults != NULL && i < faults->count; i++)
        printf("%s%s", i > 0 ? ", " : ": ", faults->texts[i]);
    putchar('\n');
}

/* Without a server this process is the writer, with a loop of its own for as long as it takes. */
struct alone {
    struct caller caller;
    const struct sources *sources;
    struct view *view;
    struct writer *writer;
    struct loop *loop;
    const struct retry_scope *scope;
    size_t failed;
};

static void on_done(void *arg, size_t failed)
{
    struct alone *alone = arg;
    alone->failed = failed;
    loop_stop(alone->loop);
}

/* Begun inside the loop, because a loop can't be stopped before it runs. */
static void on_start(void *arg)
{
    struct alone *alone = arg;
    retry_start(&alone->sources, alone->view, alone->writer, alone->loop, alone->scope, &alone->caller.entry,
                print_result, on_done, alone);
}

static bool retry_alone(struct setup *setup, void *scope)
{
    struct buf why CLEANUP(buf_free) = {0};
    const struct server_config *server = &setup->config.server;
    struct writer_limits queue = {(size_t)server->queue_rows, (size_t)server->queue_bytes,
                                  server->queue_wait * 1000000};
    struct store *store = open_store(setup, &why);
    struct view *view = store ? open_view(setup, &why) : NULL;
    if (view == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        if (store != NULL)
            store_close(store);
        return false;
    }
    struct alone alone = {
        .sources = &setup->sources,
        .view = view,
        .writer = writer_start(store, &queue, NULL, NULL),
        .loop = loop_new(),
        .scope = scope,
    };
    caller_self(&alone.caller, "quarantine retry");
    loop_after(alone.loop, 0, on_start, &alone);
    loop_run(alone.loop);
    writer_stop(alone.writer);
    loop_free(alone.loop);
    view_close(view); /* before the writer's connection, which then is the last and checkpoints */
    writer_free(alone.writer);
    return alone.failed == 0;
}

static enum err ask_server(const char *control, bool *good, void *scope)
{
    size_t failed;
    TRY(control_retry(control, scope, print_result, NULL, &failed));
    *good = failed == 0;
    return ERR_OK;
}

static int retry(struct setup *setup, const char *command, struct args *args)
{
    static const struct change retrying = {retry_alone, ask_server, "nothing was retried by this command"};
    struct retry_scope scope = {.all = args->all, .source = span_of(args->source)};
    if (!args->all && !event_id_read(span_of(args->words[1]), &scope.id))
        return args_refuse(command, "retry takes an id of 32 hexadecimal digits, or --all");
    return change_make(setup, &retrying, &scope) ? EXIT_GOOD : EXIT_FAILED;
}

static int run(struct setup *setup, const char *command, struct args *args)
{
    const char *verb = args->word_count > 0 ? args->words[0] : "";
    bool lists = strcmp(verb, "list") == 0 && args->word_count == 1;
    bool shows = strcmp(verb, "show") == 0 && args->word_count == 2;
    bool retries = strcmp(verb, "retry") == 0 && args->word_count == (args->all ? 1 : 2);
    if (!lists && !shows && !retries)
        return args_refuse(command, "takes `list`, `show` and an id, `retry` and an id, or `retry --all`");
    if ((args->show_phi && !shows) || (args->json && retries) || (args->all && !retries) ||
        (args->source != NULL && !lists && !args->all))
        return args_refuse(command, "an option does not go with this form");
    if (access(setup->config.server.database, F_OK) != 0) {
        fprintf(stderr, "%s: %s\n", setup->config.server.database, strerror(errno));
        return EXIT_FAILED;
    }
    return retries ? retry(setup, command, args) : look(setup, command, args);
}

int cmd_quarantine(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_SOURCE | ARGS_JSON | ARGS_SHOW_PHI | ARGS_ALL, &args))
        return EXIT_USAGE;
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? run(&setup, argv[0], &args)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}

/* pickupd reseal: has everything sealed with the first key of seal_key_file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "change.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/open.h"
#include "flow/reseal.h"

static void print_written(const struct reseal_report *report)
{
    if (!report->was_remnants)
        return;
    if (report->written_anew == ERR_OK)
        printf("the file was written anew: nothing of what was in clear is left in it\n");
    else
        fprintf(stderr,
                "the file could not be written anew, and may still hold what was in clear: %s; try again\n",
                report->written_anew == ERR_BUSY ? "somebody keeps reading it"
                                                 : err_text(report->written_anew));
}

static void print_report(void *arg, const struct reseal_report *report)
{
    bool *good = arg;
    *good = reseal_is_good(report);
    if (report->err == ERR_NOT_FOUND) {
        fprintf(stderr, "there are no keys: set seal_key_file, and start serve anew\n");
        return;
    }
    printf("%lld values sealed with %.*s, of which %lld were in clear\n", (long long)report->sealed,
           (int)report->key.len, report->key.at, (long long)report->clear);
    if (report->damaged > 0)
        fprintf(stderr, "%lld values can't be unsealed, and stay as they are; all keys stay in use\n",
                (long long)report->damaged);
    if (report->err != ERR_OK)
        fprintf(stderr, "not done: %s\n", err_text(report->err));
    else
        print_written(report);
}

/* Without a server this process is the writer, with a loop of its own for as long as it takes. */
struct alone {
    struct writer *writer;
    struct loop *loop;
    bool good;
};

static void on_done(void *arg, const struct reseal_report *report)
{
    struct alone *alone = arg;
    print_report(&alone->good, report);
    loop_stop(alone->loop);
}

/* Begun inside the loop, because a loop can't be stopped before it runs. */
static void on_start(void *arg)
{
    struct alone *alone = arg;
    reseal_start(alone->writer, alone->loop, on_done, alone);
}

static bool reseal_alone(struct setup *setup, void *arg)
{
    (void)arg;
    struct buf why CLEANUP(buf_free) = {0};
    struct writer_limits queue = {1, (size_t)setup->config.server.queue_bytes, 0};
    struct store *store = open_store(setup, &why);
    if (store == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        return false;
    }
    enum err err = audited_here(store, "reseal", SPAN(""), SPAN("{}"));
    if (err != ERR_OK) {
        fprintf(stderr, "not audited, and so not done: %s\n", err_text(err));
        store_close(store);
        return false;
    }
    struct alone alone = {.writer = writer_start(store, &queue, NULL, NULL), .loop = loop_new()};
    loop_after(alone.loop, 0, on_start, &alone);
    loop_run(alone.loop);
    writer_stop(alone.writer);
    loop_free(alone.loop);
    writer_free(alone.writer);
    return alone.good;
}

static enum err ask_server(const char *control, bool *good, void *arg)
{
    (void)arg;
    return control_reseal(control, print_report, good);
}

static bool run(struct setup *setup)
{
    static const struct change resealing = {reseal_alone, ask_server, "nothing was resealed by this command"};
    if (access(setup->config.server.database, F_OK) == 0)
        return change_make(setup, &resealing, NULL);
    fprintf(stderr, "%s: %s\n", setup->config.server.database, strerror(errno));
    return false;
}

int cmd_reseal(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, 0, &args))
        return EXIT_USAGE;
    if (args.word_count > 0)
        return args_refuse(argv[0], "takes no further words");
    bool loaded = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults);
    if (!loaded)
        print_faults(&faults);
    bool good = loaded && run(&setup);
    setup_free(&setup);
    return good ? EXIT_GOOD : EXIT_FAILED;
}

/* pickupd serve: wires everything, runs until told to stop, and takes it apart in the order that loses
 * nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/locked.h"
#include "base/log.h"
#include "base/variable.h"
#include "belongings.h"
#include "cli/command.h"
#include "cli/open.h"
#include "flow/control.h"
#include "flow/flows.h"
#include "flow/horizon.h"
#include "flow/matches.h"
#include "flow/notify.h"
#include "flow/watch.h"
#include "flow/retention.h"

#include "pulse.h"
#include "listener.h"
#include "reload.h"
#include "store/reader.h"
#include "sys/lock.h"
#include "sys/privileges.h"
#include "sys/supervisor.h"
#include "sys/thread.h"
#include "web/face.h"

/* Open connections get this long to finish; after it the writer still commits what was accepted. */
#define STOP_MS 5000

/* Connections to the private face at once, and descriptors for everything but senders' connections. */
#define PRIVATE_CONNECTIONS 256
#define STRANGERS_PATIENCE  3 /* seconds; nobody shows a token on the public face */
#define OTHER_FILES         (PRIVATE_CONNECTIONS + 256)

/* One hook loop, on a thread of its own. */
struct hooks {
    struct serve *serve;
    struct loop *loop;
    struct http_server *http;
    struct thread *thread;
    struct face face; /* its own, because its sources are swapped in its own thread */
    struct mail stop; /* tells it to stop */
};

struct serve {
    struct setup setup;
    const char *config; /* the file's name, or NULL */
    struct setup_log log;
    struct reload *reload;
    struct faults faults;
    int lock;
    struct writer *writer;
    struct view *view;
    struct reader *reader;
    struct news *news;
    struct flows *flows;
    struct horizon *horizon;
    struct notify *notify;
    struct retention *retention;
    struct polls *polls;
    struct streams *streams;
    struct tallies tallies;
    struct matches *matches;
    struct allowance *allowance;
    struct crowd *crowd;
    struct http_room room;
    struct http_counts hooks_counts, api_counts;
    struct listener hooks_at, api_at;
    struct face private_face;
    struct hooks *hooks;
    size_t hook_count;
    struct loop *loop; /* control */
    struct http_server *http;
    struct control control;
    struct line_server *lines;
    bool private_done;
    size_t hooks_running;
    struct ready *ready;
    struct watch *watch;
    struct pulse *pulse;
    struct mail sync_failed; /* from the writer */
    bool has_failed;
};

/* A hook loop has ended; delivered to the control loop. */
struct ended {
    struct mail mail; /* first */
    struct serve *serve;
};

/* Starting. */

static bool has_sources(struct serve *serve)
{
    const struct sources *sources = &serve->setup.sources;
    setup_start_log(&serve->setup, &serve->log);
    setup_report(&serve->setup);
    if (sources_enabled(sources) > 0)
        return true;
    faults_add(&serve->faults, "no source is enabled, so there is nobody to receive from");
    for (size_t i = 0; i < sources->count; i++)
        faults_add(&serve->faults, "  %s: %s", sources->all[i].name, sources->all[i].disabled);
    return false;
}

static bool take_lock(struct serve *serve)
{
    char *path CLEANUP(mem_drop) = setup_beside(&serve->setup, ".lock");
    serve->lock = lock_take(path);
    if (serve->lock < 0 && errno == EWOULDBLOCK)
        faults_add(&serve->faults, "%s: another pickupd serves this database", path);
    else if (serve->lock < 0)
        faults_add(&serve->faults, "%s: %s", path, strerror(errno));
    return serve->lock >= 0;
}

static void stop(struct serve *serve);

/* Synced again by the start that follows, in the hope of a disk that can. */
static void on_sync_failed(struct mail *mail)
{
    struct serve *serve = (struct serve *)((char *)mail - offsetof(struct serve, sync_failed));
    serve->has_failed = true;
    stop(serve);
}

/* What waits for the reader is bounded by what may be connected. */
static struct reader *open_reader(struct serve *serve, struct buf *why)
{
    struct view *view = open_view(&serve->setup, why);
    return view != NULL ? reader_start(view, PRIVATE_CONNECTIONS) : NULL;
}

static bool open_database(struct serve *serve)
{
    struct buf why CLEANUP(buf_free) = {0};
    const struct server_config *config = &serve->setup.config.server;
    struct writer_limits queue = {(size_t)config->queue_rows, (size_t)config->queue_bytes,
                                  config->queue_wait * 1000000};
    struct store *store = open_store(&serve->setup, &why);
    serve->sync_failed = (struct mail){.deliver = on_sync_failed};
    if (store != NULL)
        store_tell_audit(store);
    if (store != NULL)
        serve->writer = writer_start(store, &queue, serve->loop, &serve->sync_failed);
    if (store != NULL)
        serve->view = open_view(&serve->setup, &why);
    if (serve->view != NULL)
        serve->reader = open_reader(serve, &why);
    if (serve->reader == NULL)
        faults_add(&serve->faults, "%s", buf_text(&why));
    return serve->reader != NULL;
}

static bool open_public(struct serve *serve)
{
    return listener_open(&serve->hooks_at, serve->setup.config.server.listen, &serve->faults);
}

static bool open_private(struct serve *serve)
{
    return listener_open(&serve->api_at, serve->setup.config.server.api_listen, &serve->faults);
}

/* Ports may need root; a socket's file is to be the user's, who removes it in the end. */
static bool open_ports(struct serve *serve)
{
    const struct server_config *config = &serve->setup.config.server;
    struct span file = SPAN("unix:");
    return (span_starts(span_of(config->listen), file) || open_public(serve)) &&
           (span_starts(span_of(config->api_listen), file) || open_private(serve));
}

/* Secrets' files have been read by now. All other files are opened, and made, by the user. */
static bool become_user(struct serve *serve)
{
    const char *user = serve->setup.config.server.user;
    if (*user != '\0' && privileges_are_root() && !open_ports(serve))
        return false;
    if (!privileges_become(user, &serve->faults))
        return false;
    privileges_forgo(); /* once more: another user is a new beginning */
    if (privileges_are_root())
        log_event(LOG_WARN, "serving as root: set user in [server]", LOG_NUM("pid", getpid()));
    return true;
}

static struct face face_of(const struct serve *serve, enum face_kind kind)
{
    return (struct face){kind,
                         &serve->setup.sources,
                         serve->writer,
                         (size_t)serve->setup.config.server.max_body,
                         &serve->setup.trusted_proxies,
                         serve->allowance,
                         serve->ready,
                         serve->reader,
                         serve->polls,
                         serve->flows,
                         serve->streams,
                         serve->view,
                         serve->watch};
}

static struct http_server *new_http(struct serve *serve, struct loop *loop, struct face *face, int fd,
                                    size_t connections)
{
    const struct server_config *config = &serve->setup.config.server;
    struct http_limits limits = {
        .headers = (size_t)config->max_headers,
        .body = face->kind == FACE_PUBLIC ? (size_t)config->max_body : API_BODY_MAX,
        .connections = connections,
        .timeout = (int)config->request_timeout,
        .patience = face->kind == FACE_PUBLIC ? 0 : STRANGERS_PATIENCE,
        .crowd = face->kind == FACE_PUBLIC ? serve->crowd : NULL,
        .tls = face->kind == FACE_PUBLIC ? serve->setup.tls : serve->setup.api_tls,
        .room = &serve->room,
        .counts = face->kind == FACE_PUBLIC ? &serve->hooks_counts : &serve->api_counts,
        .no_room = face_no_room(face->kind),
    };
    struct http_server *http = http_new(loop, &limits, face_handle, face);
    http_listen(http, fd);
    return http;
}

static void close_faces(struct serve *serve)
{
    listener_close(&serve->hooks_at);
    listener_close(&serve->api_at);
}

/* Stopping: signal, then every listener, then the loops, then the writer. */

static void check_ended(struct serve *serve)
{
    if (serve->private_done && serve->hooks_running == 0)
        loop_stop(serve->loop);
}

static void on_private_done(void *arg)
{
    struct serve *serve = arg;
    serve->private_done = true;
    check_ended(serve);
}

static void on_hooks_done(void *arg)
{
    struct hooks *hooks = arg;
    loop_stop(hooks->loop);
}

static void on_stop_mail(struct mail *mail)
{
    struct hooks *hooks = (struct hooks *)((char *)mail - offsetof(struct hooks, stop));
    loop_after(hooks->loop, STOP_MS, on_hooks_done, hooks);
    http_stop(hooks->http, on_hooks_done, hooks);
}

static void stop(struct serve *serve)
{
    if (serve->control.stopping)
        return;
    serve->control.stopping = true;
    log_event(LOG_INFO, "stopping", LOG_NUM("pid", getpid()));
    for (size_t i = 0; i < serve->hook_count; i++) {
        serve->hooks[i].stop = (struct mail){.deliver = on_stop_mail};
        loop_post(serve->hooks[i].loop, &serve->hooks[i].stop);
    }
    pulse_stop(serve->pulse);
    reload_stop(serve->reload);
    if (serve->flows != NULL) {
        flows_stop(serve->flows);
        horizon_stop(serve->horizon);
    }
    notify_stop(serve->notify);
    retention_stop(serve->retention);
    polls_stop(serve->polls);
    streams_stop(serve->streams);
    close_faces(serve); /* the loops close their duplicates themselves */
    loop_after(serve->loop, STOP_MS, on_private_done, serve);
    http_stop(serve->http, on_private_done, serve);
}

static void on_signal(void *arg)
{
    stop(arg);
}

static void on_ended(struct mail *mail)
{
    struct ended *ended = (struct ended *)mail;
    struct serve *serve = ended->serve;
    free(ended);
    serve->hooks_running--;
    check_ended(serve);
}

static void run_hooks(void *arg)
{
    struct hooks *hooks = arg;
    loop_run(hooks->loop);
    struct ended *ended = mem_alloc(sizeof *ended);
    *ended = (struct ended){{.deliver = on_ended}, hooks->serve};
    loop_post(hooks->serve->loop, &ended->mail);
}

static void on_hangup(void *arg)
{
    struct serve *serve = arg;
    if (serve->control.stopping)
        return;
    pulse_reloading(serve->pulse);
    reload_now(serve->reload);
}

/* For better or worse: what is served now is served on. */
static void on_reloaded(void *arg)
{
    struct serve *serve = arg;
    if (serve->control.stopping)
        return;
    pulse_reloaded(serve->pulse, sources_enabled(serve->control.sources));
}

/* Threads. */

static size_t loop_count(const struct serve *serve)
{
    int64_t wanted = serve->setup.config.server.loops;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted > 0)
        return (size_t)wanted;
    return cores < 1 ? 1 : cores > 64 ? 64 : (size_t)cores;
}

/* The senders' connections must leave descriptors for everything else. */
static size_t connection_limit(const struct serve *serve)
{
    struct rlimit files;
    size_t wanted = (size_t)serve->setup.config.server.max_connections;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted + OTHER_FILES)
        return wanted;
    size_t possible = files.rlim_cur > 2 * OTHER_FILES ? files.rlim_cur - OTHER_FILES : files.rlim_cur / 2;
    log_event(LOG_WARN, "max_connections is more than open files allow",
              LOG_NUM("connections", (int64_t)possible));
    return possible;
}

/* The longest body that anybody may send has changed; shorter ones are told apart once they are there. */
static void on_swapped(void *arg)
{
    struct hooks *hooks = arg;
    http_allow_body(hooks->http, setup_longest_body(hooks->face.sources, hooks->face.max_body));
}

static void start_hooks(struct serve *serve)
{
    serve->hook_count = loop_count(serve);
    serve->hooks_running = serve->hook_count;
    serve->hooks = mem_alloc(serve->hook_count * sizeof *serve->hooks);
    size_t connections = connection_limit(serve) / serve->hook_count;
    connections += connections == 0;
    for (size_t i = 0; i < serve->hook_count; i++) {
        struct hooks *hooks = &serve->hooks[i];
        hooks->serve = serve;
        hooks->loop = loop_new();
        pulse_add(serve->pulse, hooks->loop);
        hooks->face = face_of(serve, FACE_PUBLIC);
        hooks->http = new_http(serve, hooks->loop, &hooks->face, serve->hooks_at.fd, connections);
        reload_add_user(serve->reload, hooks->loop, &hooks->face.sources, on_swapped, hooks);
        on_swapped(hooks);
        hooks->thread = thread_start("hooks", run_hooks, hooks);
    }
}

/* The operator's word that whoever was held back may go on. */
static void clear_limits(void *arg)
{
    struct serve *serve = arg;
    allowance_clear(serve->allowance);
    tallies_clear_rates(&serve->tallies);
    log_event(LOG_INFO, "limits cleared", LOG_NUM("pid", getpid()));
}

static struct notify *start_notify(struct serve *serve)
{
    const struct server_config *config = &serve->setup.config.server;
    struct notify_target target = {
        *config->notify_url ? config->notify_url : NULL, serve->setup.notify_secret,
        *config->notify_ca_file ? config->notify_ca_file : NULL, NOTIFY_ATTEMPTS, NOTIFY_WAIT_MS};
    return notify_start(serve->news, serve->view, serve->writer, serve->loop, &target);
}

/* Whose token is gone must not read on. */
static void on_tokens_swapped(void *arg)
{
    streams_end(arg);
}

/* Strangers may have gone before a line told what was held back. */
static void on_second(void *arg)
{
    (void)arg;
    log_tell_held(false);
}

static bool start_control(struct serve *serve)
{
    char *path CLEANUP(mem_drop) = setup_beside(&serve->setup, ".control");
    serve->control = (struct control){.sources = &serve->setup.sources,
                                      .view = serve->view,
                                      .writer = serve->writer,
                                      .loop = serve->loop,
                                      .clear_limits = clear_limits,
                                      .clear_arg = serve};
    serve->allowance = allowance_new(&serve->setup.address_rate);
    serve->ready = ready_new(serve->loop);
    serve->crowd =
        crowd_new((size_t)serve->setup.config.server.address_connections, &serve->setup.trusted_proxies);
    serve->room.bytes = (size_t)serve->setup.config.server.body_bytes;
    serve->control.news = serve->news = news_new(serve->writer);
    serve->polls = polls_new(serve->news, serve->view, serve->loop);
    serve->streams =
        streams_new(serve->news, serve->reader, serve->loop, serve->setup.config.server.request_timeout);
    if (serve->setup.config.server.flows) {
        serve->flows = flows_start(serve->news, serve->view, serve->writer, serve->loop);
        serve->control.flows = serve->flows;
        serve->horizon = horizon_start(serve->writer, serve->loop);
    }
    serve->notify = start_notify(serve);
    serve->watch =
        watch_start(&(struct watch_parts){&serve->tallies,
                                          serve->writer,
                                          serve->reader,
                                          serve->loop,
                                          serve->setup.config.server.database,
                                          serve->setup.config.server.disk_reserve,
                                          serve->flows != NULL,
                                          {{"public", serve->setup.tls, &serve->hooks_counts},
                                           {"private", serve->setup.api_tls, &serve->api_counts}}});
    serve->control.watch = serve->watch;
    serve->retention = retention_start(serve->setup.config.server.retention_days, serve->flows == NULL,
                                       serve->view, serve->writer, serve->loop);
    serve->private_face = face_of(serve, FACE_PRIVATE);
    serve->pulse = pulse_new(serve->loop, serve->writer);
    pulse_sources(serve->pulse, sources_enabled(&serve->setup.sources));
    serve->reload =
        reload_new(serve->loop, serve->writer, &serve->setup, serve->config, &serve->log, &serve->tallies);
    reload_tell(serve->reload, on_reloaded, serve);
    reload_add_user(serve->reload, serve->loop, &serve->control.sources, NULL, NULL);
    reload_add_user(serve->reload, serve->loop, &serve->private_face.sources, on_tokens_swapped,
                    serve->streams);
    serve->matches = matches_start(&serve->tallies, serve->view, serve->writer, serve->loop);
    serve->lines = line_serve(serve->loop, path, control_handle, &serve->control, &serve->faults);
    if (serve->lines == NULL)
        return false;
    loop_every(serve->loop, 1000, on_second, NULL);
    loop_on_signal(serve->loop, SIGTERM, on_signal, serve);
    loop_on_signal(serve->loop, SIGINT, on_signal, serve);
    loop_on_signal(serve->loop, SIGHUP, on_hangup, serve);
    serve->http = new_http(serve, serve->loop, &serve->private_face, serve->api_at.fd, PRIVATE_CONNECTIONS);
    return true;
}

static bool start(struct serve *serve)
{
    if (!has_sources(serve) || !become_user(serve) || !take_lock(serve) ||
        !belongings_close(&serve->setup, &serve->faults))
        return false;
    serve->loop = loop_new();
    if (!open_database(serve) || !open_public(serve) || !open_private(serve))
        return false;
    if (!start_control(serve))
        return false;
    start_hooks(serve);
    listener_report(&serve->hooks_at);
    listener_report(&serve->api_at);
    log_event(LOG_INFO, "ready", LOG_NUM("loops", (int64_t)serve->hook_count));
    return true;
}

/*
 * The hook threads end first, so that nothing more is put but what comes of what the reader had, such as the
 * rows of the audit for streams; then the writer commits what it has; then its answers are delivered, which
 * frees what they belong to; then the servers go. The view is closed before the
 * writer's connection, which then is the last one and checkpoints.
 */
static void finish(struct serve *serve)
{
    sigset_t all;
    serve->control.stopping = true;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL); /* a further SIGTERM must not end this halfway */
    for (size_t i = 0; i < serve->hook_count; i++)
        thread_join(serve->hooks[i].thread);
    if (serve->matches != NULL)
        matches_flush(serve->matches);
    if (serve->reader != NULL)
        reader_stop(serve->reader);
    if (serve->loop != NULL)
        loop_drain(serve->loop);
    if (serve->writer != NULL)
        writer_stop(serve->writer);
    for (size_t i = 0; i < serve->hook_count; i++) {
        loop_drain(serve->hooks[i].loop);
        http_free(serve->hooks[i].http);
        loop_free(serve->hooks[i].loop);
    }
    free(serve->hooks);
    if (serve->loop != NULL)
        loop_drain(serve->loop);
    if (serve->lines != NULL)
        line_stop(serve->lines);
    if (serve->http != NULL)
        http_free(serve->http);
    if (serve->reload != NULL)
        reload_free(serve->reload);
    if (serve->matches != NULL)
        matches_free(serve->matches);
    flows_free(serve->flows);
    horizon_free(serve->horizon);
    notify_free(serve->notify);
    watch_free(serve->watch);
    retention_free(serve->retention);
    polls_free(serve->polls);
    streams_free(serve->streams);
    news_free(serve->news);
    tallies_free(&serve->tallies);
    if (serve->allowance != NULL)
        allowance_free(serve->allowance);
    if (serve->ready != NULL)
        ready_free(serve->ready);
    if (serve->crowd != NULL)
        crowd_free(serve->crowd);
    pulse_free(serve->pulse);
    if (serve->loop != NULL)
        loop_free(serve->loop);
    if (serve->reader != NULL)
        reader_free(serve->reader);
    if (serve->view != NULL)
        view_close(serve->view);
    if (serve->writer != NULL)
        writer_free(serve->writer);
    close_faces(serve);
    if (serve->lock >= 0)
        lock_release(serve->lock);
}

int cmd_serve(int argc, char **argv)
{
    struct args args;
    struct serve serve = {.lock = -1,
                          .hooks_at = LISTENER_CLOSED("public", "hooks"),
                          .api_at = LISTENER_CLOSED("private", "api")};
    bool has_run = false;
    if (!args_read(argc, argv, ARGS_LOG, &args))
        return EXIT_USAGE;
    if (args.word_count > 0)
        return args_refuse(argv[0], "takes no further words");
    if (args.log_level != NULL && !log_level_read(span_of(args.log_level), &(enum log_level){LOG_INFO}))
        return args_refuse(argv[0], "--log-level is debug, info, warn or error");
    if (args.log_format != NULL && !log_format_read(span_of(args.log_format), &(enum log_format){LOG_JSON}))
        return args_refuse(argv[0], "--log-format is json or text");
    serve.config = args.config;
    serve.log = (struct setup_log){args.log_level, args.log_format};
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);  /* until there is something to reload */
    signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is a failed write, as a full disk is */
    privileges_forgo();
    if (!locked_start())
        log_event(LOG_WARN, "secrets may be swapped out: memory can't be locked, see LimitMEMLOCK",
                  LOG_NUM("pid", getpid()));
    if (setup_load(&serve.setup, args.config, SETUP_WITH_SECRETS, &serve.faults) && start(&serve)) {
        loop_run(serve.loop);
        has_run = true;
    }
    finish(&serve);
    log_tell_held(true);
    if (has_run)
        log_event(LOG_INFO, "stopped", LOG_NUM("pid", getpid()));
    print_faults(&serve.faults);
    faults_free(&serve.faults);
    setup_free(&serve.setup);
    variables_forget();
    return has_run && !serve.has_failed ? EXIT_GOOD : EXIT_FAILED;
}

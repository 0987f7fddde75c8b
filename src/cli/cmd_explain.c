/* pickupd explain: walks one captured request through every step. */
#include "model/explain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/hmac.h"
#include "base/time.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "flow/caller.h"
#include "print.h"

#define HEADERS_MAX 1000

/* A request as it was captured; its spans lie in the arena. */
struct capture {
    struct arena arena;
    struct request request;
    struct header headers[HEADERS_MAX];
    struct explain_secret *secrets;
    size_t secret_count;
};

static void add_secret(void *arg, const char *name, struct span text)
{
    struct capture *capture = arg;
    capture->secrets = mem_resize(capture->secrets, (capture->secret_count + 1) * sizeof *capture->secrets);
    capture->secrets[capture->secret_count++] = (struct explain_secret){name, {mem_copy(text), text.len}};
}

static void capture_free(struct capture **capture)
{
    for (size_t i = 0; i < (*capture)->secret_count; i++) {
        char *text = (char *)(*capture)->secrets[i].text.at;
        hmac_wipe(text, (*capture)->secrets[i].text.len);
        free(text);
    }
    free((*capture)->secrets);
    arena_free(&(*capture)->arena);
    free(*capture);
}

static bool add_header(struct capture *capture, struct span name, struct span value)
{
    if (capture->request.header_count == HEADERS_MAX)
        return false;
    capture->headers[capture->request.header_count++] = (struct header){name, value};
    return true;
}

/* "/path?query", "?query", or a whole URL, whose host is taken if no header names one. */
static void take_target(struct capture *capture, struct span target)
{
    struct span rest = target;
    struct span protocol = span_cut(&rest, ':');
    struct span host = SPAN("");
    struct span other;
    target = span_cut(&target, '#');
    if ((span_is_nocase(protocol, SPAN("https")) || span_is_nocase(protocol, SPAN("http"))) &&
        span_starts(rest, SPAN("//"))) {
        span_skip(&target, protocol.len + 3);
        host.at = target.at;
        for (; target.len > 0 && target.at[0] != '/' && target.at[0] != '?'; span_skip(&target, 1))
            host.len++;
        capture->request.path = SPAN("/");
    }
    if (host.len > 0 && request_header(&capture->request, SPAN("Host"), &other) == 0)
        add_header(capture, SPAN("Host"), host);
    struct span path = span_cut(&target, '?');
    if (path.len > 0)
        capture->request.path = path;
    capture->request.query = target;
}

/* "Name: value"; or, as the first line, "POST /path HTTP/1.1". */
static bool take_line(struct capture *capture, struct span line, bool first)
{
    struct span value = line;
    struct span name = span_cut(&value, ':');
    struct request *request = &capture->request;
    if (line.len == 0)
        return true;
    if (first && !request_is_name(name)) {
        struct span rest = line;
        request->method = span_cut(&rest, ' ');
        take_target(capture, span_cut(&rest, ' '));
        return span_starts(rest, SPAN("HTTP/"));
    }
    return request_is_name(name) && name.len < line.len && add_header(capture, name, span_trim(value));
}

static void read_headers(struct capture *capture, const char *path, size_t max, struct faults *faults)
{
    struct buf text = {.arena = &capture->arena};
    if (path == NULL || !setup_read_file(path, max, &text, faults))
        return;
    struct span rest = buf_span(&text);
    for (int line = 1; rest.len > 0; line++)
        if (!take_line(capture, span_trim(span_cut(&rest, '\n')), line == 1))
            faults_add(faults, "%s:%d: is no line \"Name: value\"", path, line);
}

/* The longest body that the server takes for the source, in bytes. */
static size_t longest_body(const struct setup *setup, const struct source *source)
{
    int64_t own = source->definition->max_body;
    return (size_t)(own > 0 ? own : setup->config.server.max_body);
}

static void read_capture(struct capture *capture, const struct args *args, const struct setup *setup,
                         const struct source *source, int64_t received, struct faults *faults)
{
    struct buf body = {.arena = &capture->arena};
    struct buf path = {.arena = &capture->arena};
    struct request *request = &capture->request;
    buf_printf(&path, "/webhooks/ehr/%s", args->words[0]);
    *request = (struct request){.method = SPAN("POST"), .path = buf_span(&path), .headers = capture->headers};
    read_headers(capture, args->headers, (size_t)setup->config.server.max_headers, faults);
    if (args->url != NULL)
        take_target(capture, span_of(args->url));
    if (args->method != NULL)
        request->method = span_of(args->method);
    if (args->body != NULL && setup_read_file(args->body, longest_body(setup, source), &body, faults))
        request->body = buf_span(&body);
    request->received = received;
}

static int explain_capture(struct setup *setup, const struct args *args, int64_t received)
{
    struct capture *capture CLEANUP(capture_free) = mem_alloc(sizeof *capture);
    struct buf out CLEANUP(buf_free) = {0};
    struct faults faults CLEANUP(faults_free) = {0};
    const struct source *source = sources_find(&setup->sources, span_of(args->words[0]));
    if (source == NULL)
        faults_add(&faults, "%s: no such source, or it is disabled; see pickupd check", args->words[0]);
    else
        read_capture(capture, args, setup, source, received, &faults);
    if (faults.count > 0)
        return print_faults(&faults);
    setup_with_secrets(setup, source->name, add_secret, capture);
    struct explain_case asked = {&setup->sources,       source,        &capture->request, capture->secrets,
                                 capture->secret_count, args->show_phi};
    bool good = explain_request(&asked, &out);
    print_lines(buf_span(&out));
    putchar('\n');
    return good ? EXIT_GOOD : EXIT_FAILED;
}

/* A webhook in quarantine. */
struct kept {
    const struct setup *setup;
    const struct args *args;
    struct buf out;
    bool good;
};

static void explain_row(void *arg, const struct view_quarantine *row)
{
    struct kept *kept = arg;
    const struct source *source = sources_find(&kept->setup->sources, row->origin);
    if (source == NULL) {
        fprintf(stderr, "%.*s: no such source, or it is disabled\n", (int)row->origin.len, row->origin.at);
        return;
    }
    kept->good =
        explain_kept(source, row->body, row->head, row->first_seen, kept->args->show_phi, &kept->out);
}

static bool may_show(struct setup *setup, const struct args *args)
{
    struct arena arena CLEANUP(arena_free) = {0};
    return !args->show_phi ||
           audited(setup, "explain", SPAN(""), caller_id(&arena, span_of(args->quarantine)));
}

static int explain_quarantine(struct setup *setup, const struct args *args, const struct event_id *id)
{
    struct kept kept = {.setup = setup, .args = args};
    struct view *view = print_open(setup);
    if (view == NULL)
        return EXIT_FAILED;
    enum err err = view_quarantine_one(view, id, explain_row, &kept);
    view_close(view);
    bool shows = kept.out.len > 0 && may_show(setup, args);
    if (shows) {
        print_lines(buf_span(&kept.out));
        putchar('\n');
    }
    buf_free(&kept.out);
    if (err != ERR_OK)
        fprintf(stderr, "%s: %s\n", args->quarantine,
                err == ERR_NOT_FOUND ? "not in quarantine" : print_failure(err));
    return err == ERR_OK && shows && kept.good ? EXIT_GOOD : EXIT_FAILED;
}

int cmd_explain(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct event_id id;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_CAPTURE | ARGS_QUARANTINE | ARGS_SHOW_PHI, &args))
        return EXIT_USAGE;
    bool captured = args.headers || args.body || args.url || args.method || args.at || args.word_count > 0;
    if (args.quarantine != NULL ? captured : args.word_count != 1)
        return args_refuse(argv[0], "takes a source with --headers and --body, or --quarantine and an id");
    if (args.quarantine != NULL && !event_id_read(span_of(args.quarantine), &id))
        return args_refuse(argv[0], "--quarantine takes an id of 32 hexadecimal digits");
    int64_t received = time_now();
    if (args.at != NULL && !time_parse(span_of(args.at), NULL, &received))
        return args_refuse(argv[0], "--at takes a time with its zone, such as 2026-01-31T00:00:00Z");
    enum setup_secrets secrets = args.quarantine != NULL ? SETUP_NO_SECRETS : SETUP_WITH_SECRETS;
    int code = EXIT_FAILED;
    if (!setup_load(&setup, args.config, secrets, &faults))
        print_faults(&faults);
    else
        code = args.quarantine != NULL ? explain_quarantine(&setup, &args, &id)
                                       : explain_capture(&setup, &args, received);
    setup_free(&setup);
    return code;
}

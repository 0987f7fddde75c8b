/* pickupd sign: the headers a sender would send with a body. */
#include <stdio.h>

#include "base/time.h"
#include "cli/command.h"
#include "cli/setup.h"

static bool read_body(size_t max, struct buf *body, struct faults *faults)
{
    char bytes[4096];
    size_t got;
    while ((got = fread(bytes, 1, sizeof bytes, stdin)) > 0 && body->len <= max)
        buf_add(body, (struct span){bytes, got});
    if (ferror(stdin))
        faults_add(faults, "standard input can't be read");
    else if (body->len > max)
        faults_add(faults, "the body is longer than max_body, %zu bytes", max);
    return faults->count == 0;
}

static int sign(const struct setup *setup, const char *name, struct faults *faults)
{
    struct buf body CLEANUP(buf_free) = {0};
    struct buf headers CLEANUP(buf_free) = {0};
    const char *why;
    const struct source *source = sources_find(&setup->sources, span_of(name));
    if (source == NULL) {
        faults_add(faults, "%s: no such source, or it is disabled; see pickupd check", name);
        return print_faults(faults);
    }
    int64_t own = source->definition->max_body;
    if (!read_body((size_t)(own > 0 ? own : setup->config.server.max_body), &body, faults))
        return print_faults(faults);
    struct buf path CLEANUP(buf_free) = {0};
    buf_printf(&path, "/webhooks/ehr/%s", name);
    struct request request = {
        .method = SPAN("POST"), .path = buf_span(&path), .body = buf_span(&body), .received = time_now()};
    if (!scheme_sign(source->definition->scheme, source, &request, &headers, &why)) {
        faults_add(faults, "%s: can't sign for it: %s", name, why);
        return print_faults(faults);
    }
    fputs(buf_text(&headers), stdout);
    return EXIT_GOOD;
}

int cmd_sign(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, 0, &args))
        return EXIT_USAGE;
    if (args.word_count != 1)
        return args_refuse(argv[0], "takes one source");
    int code = setup_load(&setup, args.config, SETUP_WITH_SECRETS, &faults)
                   ? sign(&setup, args.words[0], &faults)
                   : print_faults(&faults);
    setup_free(&setup);
    return code;
}

/* pickupd events: looking at the log. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "print.h"

#define DEFAULT_LIMIT 100

static void print_cell(const struct json *detail, const char *key, int width)
{
    struct span text = json_str(json_get(detail, key));
    print_clean(text);
    printf("%*s ", text.len < (size_t)width ? width - (int)text.len : 0, "");
}

static void print_row(void *arg, const struct view_event *row)
{
    const struct args *args = arg;
    if (args->json) {
        print_event_json(row, args->show_phi);
        return;
    }
    char id[EVENT_ID_TEXT];
    struct json_fault fault;
    struct json *detail = row->event.detail
                              ? json_parse((struct span){row->event.detail, row->event.detail_len}, &fault)
                              : NULL;
    event_id_write(id, &row->event.id);
    printf("%-6lld ", (long long)row->seq);
    print_time(row->event.time);
    printf(" %-16.*s %-22.*s %s ", (int)row->event.origin.len, row->event.origin.at, (int)row->event.type.len,
           row->event.type.at, id);
    print_cell(detail, "pickupId", 24);
    print_cell(detail, "clinicId", 12);
    printf("%s%s\n", json_bool(json_get(detail, "isRush")) ? "rush" : "",
           row->event.detail ? "" : "(purged)");
    json_free(detail);
}

static void print_fields(const struct json *object, const char *prefix)
{
    void *at = NULL;
    const char *key;
    const struct json *value;
    while (json_next(object, &at, &key, &value)) {
        struct buf name CLEANUP(buf_free) = {0};
        struct buf text CLEANUP(buf_free) = {0};
        buf_printf(&name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_kind(value) == JSON_OBJ) {
            print_fields(value, buf_text(&name));
            continue;
        }
        json_put(&text, value);
        printf("  %-28s ", buf_text(&name));
        print_clean(json_kind(value) == JSON_STR ? json_str(value) : buf_span(&text));
        putchar('\n');
    }
}

static void print_whole(void *arg, const struct view_event *row)
{
    const struct args *args = arg;
    if (args->json) {
        print_event_json(row, args->show_phi);
        return;
    }
    char id[EVENT_ID_TEXT];
    struct buf masked CLEANUP(buf_free) = {0};
    struct json_fault fault;
    event_id_write(id, &row->event.id);
    printf("id         %s\nseq        %lld\norigin     %.*s\nsource     %.*s\ntype       %.*s\norg        "
           "%.*s\ntime       ",
           id, (long long)row->seq, (int)row->event.origin.len, row->event.origin.at,
           (int)row->event.source.len, row->event.source.at, (int)row->event.type.len, row->event.type.at,
           (int)row->event.org.len, row->event.org.at);
    print_time(row->event.time);
    if (row->event.detail == NULL) {
        printf("\ndetail     (purged)\n");
        return;
    }
    printf("\ndetail\n");
    mask_detail(&masked, (struct span){row->event.detail, row->event.detail_len}, args->show_phi);
    struct json *detail = json_parse(buf_span(&masked), &fault);
    print_fields(detail, "");
    json_free(detail);
}

/* False, and said, if an option is none. */
static bool read_filter(const char *command, const struct args *args, struct view_filter *filter)
{
    *filter = (struct view_filter){span_of(args->source), span_of(args->type), INT64_MIN, DEFAULT_LIMIT};
    if (args->since != NULL && !time_parse(span_of(args->since), NULL, &filter->since)) {
        args_refuse(command, "--since takes a time such as 2026-01-31T00:00:00Z");
        return false;
    }
    if (args->limit != NULL && (!num_parse(span_of(args->limit), &filter->limit) || filter->limit < 1)) {
        args_refuse(command, "--limit takes a number of at least 1");
        return false;
    }
    return true;
}

static int list(struct view *view, const struct view_filter *filter, struct args *args)
{
    if (!args->json)
        printf("%-6s %-20s %-16s %-22s %-32s %-24s %-12s %s\n", "SEQ", "TIME", "ORIGIN", "TYPE", "ID",
               "PICKUP", "CLINIC", "RUSH");
    if (view_events(view, filter, print_row, args) == ERR_OK)
        return EXIT_GOOD;
    fprintf(stderr, "events: the database can't be read\n");
    return EXIT_FAILED;
}

static int show(struct view *view, const struct event_id *id, struct args *args)
{
    enum err err = view_event(view, id, print_whole, args);
    if (err != ERR_OK)
        fprintf(stderr, "%s: %s\n", args->words[1],
                err == ERR_NOT_FOUND ? "no such event" : "the database can't be read");
    return err == ERR_OK ? EXIT_GOOD : EXIT_FAILED;
}

static int run(struct setup *setup, const char *command, struct args *args)
{
    struct view_filter filter;
    struct event_id id;
    bool lists = args->word_count == 1;
    if (lists && !read_filter(command, args, &filter))
        return EXIT_USAGE;
    if (!lists && !event_id_read(span_of(args->words[1]), &id))
        return args_refuse(command, "show takes an id of 32 hexadecimal digits");
    struct view *view = print_open(setup->config.server.database);
    if (view == NULL)
        return EXIT_FAILED;
    int code = lists ? list(view, &filter, args) : show(view, &id, args);
    view_close(view);
    return code;
}

int cmd_events(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_SOURCE | ARGS_TYPE | ARGS_SINCE | ARGS_LIMIT | ARGS_JSON | ARGS_SHOW_PHI,
                   &args))
        return EXIT_USAGE;
    bool lists = args.word_count == 1 && strcmp(args.words[0], "list") == 0;
    bool shows = args.word_count == 2 && strcmp(args.words[0], "show") == 0;
    if (!lists && !shows)
        return args_refuse(argv[0], "takes `list`, or `show` and an id");
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? run(&setup, argv[0], &args)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}

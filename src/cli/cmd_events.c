/* pickupd events: looking at the log. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "print.h"

#define DEFAULT_LIMIT 100

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
    putchar(' ');
    print_name(row->event.origin, 16);
    print_name(row->event.type, 22);
    printf("%s ", id);
    print_name(json_str(json_get(detail, "pickupId")), 24);
    print_name(json_str(json_get(detail, "clinicId")), 12);
    printf("%s%s\n", json_bool(json_get(detail, "isRush")) ? "rush" : "",
           row->event.detail ? ""
           : row->damaged    ? "(can't be unsealed)"
                             : "(purged)");
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
        fputs("  ", stdout);
        print_name(buf_span(&name), 28);
        print_clean(json_kind(value) == JSON_STR ? json_str(value) : buf_span(&text));
        putchar('\n');
    }
}

static void print_line(const char *label, struct span text)
{
    printf("\n%-10s ", label);
    print_clean(text);
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
    printf("id         %s\nseq        %lld", id, (long long)row->seq);
    print_line("origin", row->event.origin);
    print_line("source", row->event.source);
    print_line("type", row->event.type);
    print_line("org", row->event.org);
    printf("\ntime       ");
    print_time(row->event.time);
    if (row->event.detail == NULL) {
        printf("\ndetail     (purged)\n");
        return;
    }
    printf("\ndetail\n");
    mask_detail(&masked, &row->event, args->show_phi);
    struct json *detail = json_parse(buf_span(&masked), &fault);
    print_fields(detail, "");
    json_free(detail);
}

/* What is about to be printed; what has come since then is not. */
struct gathered {
    struct args *args;
    int64_t count, first, last; /* seqs */
};

static void gather(void *arg, const struct view_event *row)
{
    struct gathered *gathered = arg;
    gathered->first = gathered->count++ == 0 ? row->seq : gathered->first;
    gathered->last = row->seq;
}

static void print_gathered(void *arg, const struct view_event *row)
{
    const struct gathered *gathered = arg;
    if (row->seq >= gathered->first && row->seq <= gathered->last)
        print_row(gathered->args, row);
}

static bool may_show(struct setup *setup, const char *action, const struct gathered *gathered)
{
    struct buf what CLEANUP(buf_free) = {0};
    json_open(&what, '{');
    json_add_int(&what, "count", gathered->count);
    json_add_int(&what, "first", gathered->first);
    json_add_int(&what, "last", gathered->last);
    json_close(&what, '}');
    return gathered->count == 0 || audited(setup, action, SPAN(""), buf_span(&what));
}

static int list(struct setup *setup, struct view *view, const struct view_filter *filter, struct args *args)
{
    struct gathered gathered = {.args = args, .last = args->show_phi ? 0 : INT64_MAX};
    enum err err = args->show_phi ? view_events(view, filter, gather, &gathered) : ERR_OK;
    if (err == ERR_OK && args->show_phi && !may_show(setup, "events list", &gathered))
        return EXIT_FAILED;
    if (!args->json)
        printf("%-6s %-20s %-16s %-22s %-32s %-24s %-12s %s\n", "SEQ", "TIME", "ORIGIN", "TYPE", "ID",
               "PICKUP", "CLINIC", "RUSH");
    if (err == ERR_OK)
        err = view_events(view, filter, print_gathered, &gathered);
    if (err == ERR_OK)
        return EXIT_GOOD;
    fprintf(stderr, "events: %s\n", print_failure(err));
    return EXIT_FAILED;
}

static int show(struct setup *setup, struct view *view, const struct event_id *id, struct args *args)
{
    struct gathered gathered = {.args = args};
    enum err err = view_event(view, id, gather, &gathered);
    if (err == ERR_OK && args->show_phi && !may_show(setup, "events show", &gathered))
        return EXIT_FAILED;
    if (err == ERR_OK)
        err = view_event(view, id, print_whole, args);
    if (err != ERR_OK)
        fprintf(stderr, "%s: %s\n", args->words[1],
                err == ERR_NOT_FOUND ? "no such event" : print_failure(err));
    return err == ERR_OK ? EXIT_GOOD : EXIT_FAILED;
}

static int run(struct setup *setup, const char *command, struct args *args)
{
    struct view_filter filter = {span_of(args->source), span_of(args->type), INT64_MIN, DEFAULT_LIMIT};
    struct event_id id;
    bool lists = args->word_count == 1;
    if (lists && !args_read_window(command, args, &filter.since, &filter.limit))
        return EXIT_USAGE;
    if (!lists && !event_id_read(span_of(args->words[1]), &id))
        return args_refuse(command, "show takes an id of 32 hexadecimal digits");
    struct view *view = print_open(setup);
    if (view == NULL)
        return EXIT_FAILED;
    int code = lists ? list(setup, view, &filter, args) : show(setup, view, &id, args);
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

/* pickupd consumers: how they are, what they gave up, and what an operator does about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/time.h"
#include "change.h"
#include "cli/audited.h"
#include "cli/command.h"
#include "cli/open.h"
#include "flow/consumers.h"
#include "flow/control.h"
#include "model/envelope.h"
#include "print.h"

#define DEFAULT_LIMIT 100

/* What is asked for. */
struct asked {
    const struct args *args;
    struct consumers_change change; /* its org and name count for looks, too; a list has no name */
    int64_t now;
    int64_t limit;              /* of dead letters */
    int64_t count, first, last; /* of those, and their seqs */
    struct buf letters;         /* JSON, one a line */
};

static int fail(const struct asked *asked, enum err err)
{
    struct buf why CLEANUP(buf_free) = {0};
    struct span name = asked->change.name;
    if (!consumers_is_name(name))
        name = SPAN("consumers");
    if (err == ERR_NOT_FOUND)
        consumers_explain(&asked->change, err, &why);
    fprintf(stderr, "%.*s: %s\n", (int)name.len, name.at,
            err == ERR_NOT_FOUND ? buf_text(&why) : print_failure(err));
    return EXIT_FAILED;
}

/* Consumers. */

/* As wide as a terminal, without the organization: it is the one that was asked for. */
static void print_row(const struct json *consumer, int64_t now)
{
    char oldest[PRINT_SPAN], seen[PRINT_SPAN];
    print_name(json_str(json_get(consumer, "name")), 15);
    printf("%7lld %9lld %7lld %5lld %14s %9s%s\n", print_number_of(consumer, "lag"),
           print_number_of(consumer, "inFlight"), print_number_of(consumer, "waiting"),
           print_number_of(consumer, "dead"),
           print_since(oldest, json_get(consumer, "oldestWaiting"), now, "-"),
           print_since(seen, json_get(consumer, "seen"), now, "never"),
           json_bool(json_get(consumer, "paused")) ? "  paused" : "");
}

static void print_list(const char *label, const struct json *list)
{
    printf("%-15s %s", label, json_count(list) == 0 ? "all" : "");
    for (size_t i = 0; i < json_count(list); i++) {
        printf("%s", i > 0 ? ", " : "");
        print_clean(json_str(json_at(list, i)));
    }
    putchar('\n');
}

static void print_moment(const char *label, const struct json *at, int64_t now)
{
    char text[PRINT_SPAN];
    struct span time = json_str(at);
    printf("%-15s %.*s", label, (int)time.len, time.at);
    if (time.len > 0)
        printf(" (%s ago)\n", print_since(text, at, now, "?"));
    else
        puts("-");
}

static void print_whole(const struct json *consumer, int64_t now)
{
    struct span org = json_str(json_get(consumer, "org"));
    printf("%-15s ", "name");
    print_clean(json_str(json_get(consumer, "name")));
    printf("\n%-15s ", "organization");
    print_clean(org.len > 0 ? org : SPAN("all"));
    printf("\n%-15s %s\n", "state", json_bool(json_get(consumer, "paused")) ? "paused" : "active");
    print_list("types", json_get(consumer, "detailTypes"));
    print_list("sources", json_get(consumer, "sources"));
    print_list("origins", json_get(consumer, "origins"));
    printf("%-15s %lld\n%-15s %lld s\n%-15s %lld\n", "max attempts", print_number_of(consumer, "maxAttempts"),
           "lease", print_number_of(consumer, "leaseSeconds"), "cursor", print_number_of(consumer, "cursor"));
    printf("%-15s %lld\n%-15s %lld\n%-15s %lld\n%-15s %lld\n", "lag", print_number_of(consumer, "lag"),
           "in flight", print_number_of(consumer, "inFlight"), "waiting",
           print_number_of(consumer, "waiting"), "dead", print_number_of(consumer, "dead"));
    print_moment("oldest waiting", json_get(consumer, "oldestWaiting"), now);
    print_moment("last seen", json_get(consumer, "seen"), now);
    print_moment("created", json_get(consumer, "created"), now);
    printf("%-15s %lld\n", "missed", print_number_of(consumer, "missed"));
}

static void print_consumer(void *arg, const struct consumer *consumer, const struct consumer_state *state)
{
    struct asked *asked = arg;
    struct buf line CLEANUP(buf_free) = {0};
    struct json_fault fault;
    json_open(&line, '{');
    json_add_str(&line, "org", consumer->org);
    consumers_write(&line, consumer, state);
    json_close(&line, '}');
    if (asked->args->json) {
        printf("%s\n", buf_text(&line));
        return;
    }
    struct json *json = json_parse(buf_span(&line), &fault);
    if (asked->change.name.len > 0)
        print_whole(json, asked->now);
    else
        print_row(json, asked->now);
    json_free(json);
}

static int look(struct setup *setup, struct view *view, struct asked *asked)
{
    enum err err;
    (void)setup;
    if (asked->change.name.len > 0) {
        err = consumers_look(view, asked->change.org, asked->change.name, print_consumer, asked);
    } else {
        if (!asked->args->json)
            printf("%-15s %7s %9s %7s %5s %14s %9s\n", "CONSUMER", "LAG", "IN FLIGHT", "WAITING", "DEAD",
                   "OLDEST WAITING", "LAST SEEN");
        err = consumers_each(view, asked->change.org, print_consumer, asked);
    }
    return err == ERR_OK ? EXIT_GOOD : fail(asked, err);
}

/* Dead letters. */

/* Kept until it is audited that they are looked at. */
static void keep_letter(void *arg, const struct dead_letter *letter)
{
    struct asked *asked = arg;
    struct buf line CLEANUP(buf_free) = {0}, detail CLEANUP(buf_free) = {0};
    struct event event = letter->event;
    asked->first = asked->count++ == 0 ? letter->seq : asked->first;
    asked->last = letter->seq;
    if (event.detail != NULL) {
        mask_detail(&detail, &event, asked->args->show_phi);
        event.detail = buf_text(&detail);
        event.detail_len = detail.len;
    }
    json_open(&line, '{');
    json_key(&line, SPAN("event"));
    envelope_write(&line, letter->seq, &event);
    json_add_int(&line, "attempts", letter->attempts);
    time_add(&line, "died", letter->died);
    json_key(&line, SPAN("history"));
    mask_history(&line, letter->history, asked->args->show_phi);
    json_close(&line, '}');
    buf_add_char(&line, '\n');
    buf_add(&asked->letters, buf_span(&line));
}

static bool may_show(struct setup *setup, const struct asked *asked)
{
    struct buf what CLEANUP(buf_free) = {0};
    json_open(&what, '{');
    json_add_str(&what, "name", asked->change.name);
    json_add_int(&what, "count", asked->count);
    json_add_int(&what, "first", asked->first);
    json_add_int(&what, "last", asked->last);
    json_close(&what, '}');
    return asked->count == 0 || audited(setup, "consumers dead", asked->change.org, buf_span(&what));
}

static void print_letter(struct span line)
{
    struct json_fault fault;
    struct json *json = json_parse(line, &fault);
    const struct json *event = json_get(json, "event"), *history = json_get(json, "history");
    size_t attempts = json_count(history);
    print_name(json_str(json_get(event, "id")), 32);
    print_name(json_str(json_get(event, "detailType")), 22);
    printf("%8lld ", print_number_of(json, "attempts"));
    print_name(json_str(json_get(json, "died")), 20);
    print_clean(attempts > 0 ? json_str(json_get(json_at(history, attempts - 1), "error")) : SPAN("-"));
    putchar('\n');
    json_free(json);
}

static void print_letters(const struct asked *asked)
{
    struct span rest = buf_span(&asked->letters);
    if (asked->args->json) {
        fwrite(rest.at, 1, rest.len, stdout);
        return;
    }
    printf("%-32s %-22s %8s %-20s %s\n", "ID", "TYPE", "ATTEMPTS", "DIED", "LAST ERROR");
    while (rest.len > 0)
        print_letter(span_cut(&rest, '\n'));
}

static enum err gather(struct view *view, struct asked *asked)
{
    struct arena arena CLEANUP(arena_free) = {0};
    struct consumer consumer;
    TRY(consumers_find(view, &arena, asked->change.org, asked->change.name, &consumer));
    return claim_each_dead(view, consumer.id, asked->change.org, 0, asked->limit, keep_letter, asked);
}

static int look_dead(struct setup *setup, struct view *view, struct asked *asked)
{
    enum err err = gather(view, asked);
    if (err != ERR_OK)
        return fail(asked, err);
    if (asked->args->show_phi && !may_show(setup, asked))
        return EXIT_FAILED;
    print_letters(asked);
    return EXIT_GOOD;
}

/* Changes. */

static void print_done(const struct consumers_change *change)
{
    static const char *const words[CONSUMERS_VERBS] = {
        [CONSUMERS_PAUSE] = "paused", [CONSUMERS_RESUME] = "resumed", [CONSUMERS_DELETE] = "deleted"};
    printf("%.*s ", (int)change->name.len, change->name.at);
    if (change->verb == CONSUMERS_REPLAY)
        printf("replays from %lld\n", (long long)change->after + 1);
    else if (change->verb == CONSUMERS_RETRY)
        printf("retries %lld\n", (long long)change->total);
    else
        puts(words[change->verb]);
}

/* Of a retry some may have been made before one failed. */
static bool tell(const struct consumers_change *change, const struct buf *why)
{
    if (why->len == 0 || change->total > 0)
        print_done(change);
    if (why->len > 0)
        fprintf(stderr, "%.*s: %.*s\n", (int)change->name.len, change->name.at, (int)why->len, why->at);
    return why->len == 0;
}

/* Without a server there is nobody to wake. */
static bool change_alone(struct setup *setup, void *arg)
{
    struct consumers_change *change = arg;
    struct consumers_order order = {.change = *change};
    struct buf why CLEANUP(buf_free) = {0};
    struct store *store = open_store(setup, &why);
    if (store == NULL) {
        fprintf(stderr, "%s\n", buf_text(&why));
        return false;
    }
    caller_self(&order.caller, consumers_action(change->verb));
    consumers_order_begin(&order);
    do {
        store_write(store, &order.job);
    } while (order.job.err == ERR_OK && consumers_goes_on(&order.change));
    store_close(store);
    if (order.job.err != ERR_OK)
        consumers_explain(&order.change, order.job.err, &why);
    arena_free(&order.arena);
    return tell(&order.change, &why);
}

static enum err change_by_server(const char *control, bool *good, void *arg)
{
    struct consumers_change *change = arg;
    struct buf why CLEANUP(buf_free) = {0};
    TRY(control_change_consumer(control, change, &why));
    *good = tell(change, &why);
    return ERR_OK;
}

/* The command line. */

static const struct form {
    const char *verb;
    int words;
    unsigned needs, takes;                                                    /* of enum args_known */
    int (*look)(struct setup *setup, struct view *view, struct asked *asked); /* NULL: it changes */
} forms[] = {
    {"list", 1, 0, ARGS_JSON, look},
    {"show", 2, 0, ARGS_JSON, look},
    {"dead", 2, 0, ARGS_JSON | ARGS_LIMIT | ARGS_SHOW_PHI, look_dead},
    {"retry", 3, 0, 0, NULL},
    {"retry", 2, ARGS_ALL, ARGS_ALL, NULL},
    {"pause", 2, 0, 0, NULL},
    {"resume", 2, 0, 0, NULL},
    {"replay", 2, ARGS_FROM, ARGS_FROM, NULL},
    {"delete", 2, 0, 0, NULL},
};

static unsigned given(const struct args *args)
{
    return (args->json ? ARGS_JSON : 0) | (args->show_phi ? ARGS_SHOW_PHI : 0) |
           (args->limit != NULL ? ARGS_LIMIT : 0) | (args->all ? ARGS_ALL : 0) |
           (args->from != NULL ? ARGS_FROM : 0);
}

static const struct form *find_form(const struct args *args)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (args->word_count == forms[i].words && strcmp(args->words[0], forms[i].verb) == 0)
            return &forms[i];
    return NULL;
}

/* As the API would be sent it. */
static bool read_from(const char *text, int64_t *from)
{
    struct buf body CLEANUP(buf_free) = {0};
    struct json_fault fault;
    int64_t seq;
    json_open(&body, '{');
    if (num_parse(span_of(text), &seq))
        json_add_int(&body, "from", seq);
    else
        json_add_str(&body, "from", span_of(text));
    json_close(&body, '}');
    struct json *json = json_parse(buf_span(&body), &fault);
    bool good = consumers_read_from(json, from);
    json_free(json);
    return good;
}

/* NULL, or what is wrong. */
static const char *read_asked(const struct args *args, const struct form *form, struct asked *asked)
{
    struct consumers_change *change = &asked->change;
    change->verb = consumers_verb_read(span_of(form->verb));
    change->org = span_of(args->org != NULL ? args->org : "default");
    change->name = span_of(args->word_count > 1 ? args->words[1] : "");
    change->all = args->all;
    if ((given(args) & ~form->takes) != 0)
        return "an option does not go with this form";
    if ((given(args) & form->needs) != form->needs)
        return "retry takes an id or --all, and replay takes --from";
    if (form->words == 3 && !event_id_read(span_of(args->words[2]), &change->id))
        return "retry takes an id of 32 hexadecimal digits, or --all";
    if (args->from != NULL && !read_from(args->from, &change->from))
        return "--from takes a seq of at least 1, start or now";
    return NULL;
}

static int run(struct setup *setup, const struct form *form, struct asked *asked)
{
    static const struct change changing = {change_alone, change_by_server, "nothing was changed"};
    const char *database = setup->config.server.database;
    if (access(database, F_OK) != 0) {
        fprintf(stderr, "%s: %s\n", database, strerror(errno));
        return EXIT_FAILED;
    }
    if (form->words > 1 && !consumers_is_name(asked->change.name))
        return fail(asked, ERR_NOT_FOUND);
    if (form->look == NULL)
        return change_make(setup, &changing, &asked->change) ? EXIT_GOOD : EXIT_FAILED;
    struct view *view = print_open(setup);
    if (view == NULL)
        return EXIT_FAILED;
    int code = form->look(setup, view, asked);
    view_close(view);
    return code;
}

int cmd_consumers(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    struct asked asked = {.args = &args, .now = time_now(), .limit = DEFAULT_LIMIT};
    int64_t since;
    if (!args_read(argc, argv, ARGS_ORG | ARGS_JSON | ARGS_SHOW_PHI | ARGS_LIMIT | ARGS_ALL | ARGS_FROM,
                   &args) ||
        !args_read_window(argv[0], &args, &since, &asked.limit))
        return EXIT_USAGE;
    const struct form *form = find_form(&args);
    const char *why = form == NULL
                          ? "takes `list`, or `show`, `dead`, `retry`, `pause`, `resume`, `replay` or "
                            "`delete` and a name"
                          : read_asked(&args, form, &asked);
    if (why != NULL)
        return args_refuse(argv[0], why);
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? run(&setup, form, &asked)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    buf_free(&asked.letters);
    return code;
}

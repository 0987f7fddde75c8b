/* pickupd audit: looking at what was audited, and proving that it is all there. */
#include <stdio.h>
#include <string.h>

#include "audit_key.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/open.h"
#include "print.h"
#include "store/audit.h"

#define DEFAULT_LIMIT 100

static void print_row(void *arg, const struct audit_row *row)
{
    (void)arg;
    printf("%-8lld ", (long long)row->seq);
    print_time(row->time);
    printf(" %-20.*s %-12.*s %-15.*s %-20.*s %-6lld ", (int)row->entry.who.len, row->entry.who.at,
           (int)row->entry.org.len, row->entry.org.at, (int)row->entry.via.len, row->entry.via.at,
           (int)row->entry.action.len, row->entry.action.at, (long long)row->entry.status);
    print_clean(row->entry.what);
    putchar('\n');
}

static void print_json(void *arg, const struct audit_row *row)
{
    (void)arg;
    struct buf line CLEANUP(buf_free) = {0};
    char time[TIME_TEXT], mac[2 * AUDIT_MAC_BYTES + 1];
    time_write(time, row->time);
    hex_write(mac, (const uint8_t *)row->mac.at, row->mac.len == AUDIT_MAC_BYTES ? AUDIT_MAC_BYTES : 0);
    json_open(&line, '{');
    json_add_int(&line, "seq", row->seq);
    json_add_str(&line, "time", span_of(time));
    json_add_str(&line, "who", row->entry.who);
    json_add_str(&line, "org", row->entry.org);
    json_add_str(&line, "via", row->entry.via);
    json_add_str(&line, "action", row->entry.action);
    json_add_raw(&line, "what", row->entry.what);
    json_add_int(&line, "status", row->entry.status);
    json_add_str(&line, "mac", span_of(mac));
    json_close(&line, '}');
    printf("%s\n", buf_text(&line));
}

static int list(struct view *view, const struct audit_filter *filter, const struct args *args)
{
    if (!args->json)
        printf("%-8s %-20s %-20s %-12s %-15s %-20s %-6s %s\n", "SEQ", "TIME", "WHO", "ORG", "VIA", "ACTION",
               "STATUS", "WHAT");
    if (audit_list(view, filter, args->json ? print_json : print_row, NULL) == ERR_OK)
        return EXIT_GOOD;
    fprintf(stderr, "audit: the database can't be read\n");
    return EXIT_FAILED;
}

static void print_flaw(void *arg, enum audit_flaw flaw, int64_t first, int64_t last)
{
    static const char *const words[AUDIT_FLAWS] = {
        [AUDIT_MISSING] = "missing, though some behind are there",
        [AUDIT_CHANGED] = "not as written: changed, in another's place, or of another key",
        [AUDIT_UNPROVEN] = "can't be proven, as what was before it is missing",
        [AUDIT_CUT_OFF] = "missing at the end, though they were there when the head was noted",
        [AUDIT_OTHER] = "another than it was when the head was noted",
    };
    (void)arg;
    if (first == last)
        printf("row %lld: %s\n", (long long)first, words[flaw]);
    else
        printf("rows %lld to %lld: %s\n", (long long)first, (long long)last, words[flaw]);
}

static int verify(const struct setup *setup, struct view *view, const struct audit_head *noted)
{
    char head[AUDIT_HEAD_TEXT];
    struct audit_verdict verdict;
    struct faults faults CLEANUP(faults_free) = {0};
    struct hmac_key *key = audit_key_read(setup, &faults);
    if (key == NULL)
        return print_faults(&faults);
    enum err err = audit_verify(view, key, noted, print_flaw, NULL, &verdict);
    hmac_key_free(key);
    if (err != ERR_OK) {
        fprintf(stderr, "audit: the database can't be read\n");
        return EXIT_FAILED;
    }
    audit_head_write(head, &verdict.head);
    printf("%lld rows, %s\nhead %s\n", (long long)verdict.rows,
           verdict.flaws == 0 ? "all as they were written" : "not all as they were written", head);
    return verdict.flaws == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static int run(struct setup *setup, const char *command, const struct args *args, bool lists)
{
    struct audit_filter filter = {INT64_MIN, span_of(args->who), DEFAULT_LIMIT};
    struct audit_head noted;
    if (!args_read_window(command, args, &filter.since, &filter.limit))
        return EXIT_USAGE;
    if (args->head != NULL && !audit_head_read(span_of(args->head), &noted))
        return args_refuse(command, "--head takes a head as the log has it, such as 12:0123...");
    struct view *view = print_open(setup);
    if (view == NULL)
        return EXIT_FAILED;
    int code = lists ? list(view, &filter, args) : verify(setup, view, args->head != NULL ? &noted : NULL);
    view_close(view);
    return code;
}

int cmd_audit(int argc, char **argv)
{
    struct args args;
    struct setup setup;
    struct faults faults CLEANUP(faults_free) = {0};
    if (!args_read(argc, argv, ARGS_SINCE | ARGS_LIMIT | ARGS_JSON | ARGS_AUDIT, &args))
        return EXIT_USAGE;
    bool lists = args.word_count == 1 && strcmp(args.words[0], "list") == 0;
    bool verifies = args.word_count == 1 && strcmp(args.words[0], "verify") == 0;
    if (!lists && !verifies)
        return args_refuse(argv[0], "takes `list` or `verify`");
    if (lists ? args.head != NULL : args.since != NULL || args.who != NULL || args.limit != NULL || args.json)
        return args_refuse(argv[0], "an option does not go with this form");
    int code = setup_load(&setup, args.config, SETUP_NO_SECRETS, &faults) ? run(&setup, argv[0], &args, lists)
                                                                          : print_faults(&faults);
    setup_free(&setup);
    return code;
}

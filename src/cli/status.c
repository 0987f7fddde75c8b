/* One screen: what needs attention, then all the rest in tables. */
#include "status.h"

#include <stdio.h>

#include "base/time.h"
#include "print.h"

#define RED   "\033[1;31m"
#define GREEN "\033[1;32m"
#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

static void paint(bool colour, const char *code)
{
    if (colour)
        fputs(code, stdout);
}

static void print_head(bool colour, const char *text)
{
    paint(colour, BOLD);
    fputs(text, stdout);
    paint(colour, PLAIN);
    putchar('\n');
}

static const char *size_text(char text[32], const struct json *bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = json_number(bytes);
    size_t i = 0;
    if (json_kind(bytes) != JSON_INT)
        return "?";
    for (; size >= 1024 && i < sizeof units / sizeof units[0] - 1; i++)
        size /= 1024;
    snprintf(text, 32, i == 0 ? "%.0f %s" : "%.1f %s", size, units[i]);
    return text;
}

static void print_attention(const struct json *snapshot, bool colour)
{
    const struct json *list = json_get(snapshot, "attention");
    if (json_count(list) == 0) {
        paint(colour, GREEN);
        fputs("All is well.", stdout);
        paint(colour, PLAIN);
        putchar('\n');
        return;
    }
    paint(colour, RED);
    printf("%zu thing%s need%s attention:", json_count(list), json_count(list) == 1 ? "" : "s",
           json_count(list) == 1 ? "s" : "");
    paint(colour, PLAIN);
    putchar('\n');
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *one = json_at(list, i);
        paint(colour, RED);
        fputs("! ", stdout);
        paint(colour, PLAIN);
        print_clean(json_str(json_get(one, "text")));
        fputs(" (manual, 28: ", stdout);
        print_clean(json_str(json_get(one, "see")));
        fputs(")\n", stdout);
    }
}

static void print_secrets(const struct json *list, int64_t now)
{
    char text[PRINT_SPAN];
    for (size_t i = 0; i < json_count(list); i++) {
        int64_t at;
        const struct json *secret = json_at(list, i);
        fputs("    secret ", stdout);
        print_name(json_str(json_get(secret, "name")), 16);
        print_name(json_str(json_get(secret, "state")), 7);
        if (print_time_of(json_get(secret, "since"), &at))
            printf(" %s %s,", at > now ? "begins in" : "for",
                   print_span(text, at > now ? at - now : now - at));
        if (print_time_of(json_get(secret, "lastMatch"), &at))
            printf(" proved a webhook %s ago", print_span(text, now > at ? now - at : 0));
        else
            fputs(" never proved a webhook", stdout);
        if (print_time_of(json_get(secret, "ends"), &at))
            printf(", %s %s%s", at > now ? "ends in" : "ended",
                   print_span(text, at > now ? at - now : now - at), at > now ? "" : " ago");
        putchar('\n');
    }
}

static void print_source(const struct json *source, int64_t now)
{
    char text[PRINT_SPAN];
    const struct json *webhooks = json_get(source, "webhooks");
    print_name(json_str(json_get(source, "name")), 15);
    printf("%12s %8.1f %9lld %8lld %11lld %10lld\n",
           print_since(text, json_get(source, "lastWebhook"), now, "never"),
           json_number(json_get(source, "perMinute")), print_number_of(webhooks, "accepted"),
           print_number_of(webhooks, "refused"),
           print_number_of(webhooks, "limited") + print_number_of(webhooks, "shed"),
           print_number_of(json_get(source, "quarantine"), "webhooks"));
    if (json_kind(json_get(source, "disabled")) == JSON_STR) {
        fputs("    disabled: ", stdout);
        print_clean(json_str(json_get(source, "disabled")));
        putchar('\n');
    }
    print_secrets(json_get(source, "secrets"), now);
}

/* One that is not configured any more is shown for what quarantine still holds of it. */
static void print_sources(const struct json *snapshot, int64_t now, bool colour)
{
    char head[128];
    const struct json *list = json_get(snapshot, "sources");
    snprintf(head, sizeof head, "\n%-15s %12s %8s %9s %8s %11s %10s", "SOURCE", "LAST WEBHOOK", "A MINUTE",
             "ACCEPTED", "REFUSED", "TURNED AWAY", "QUARANTINE");
    print_head(colour, head);
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *source = json_at(list, i);
        if (json_bool(json_get(source, "configured")) ||
            print_number_of(json_get(source, "quarantine"), "webhooks") > 0)
            print_source(source, now);
    }
}

static void print_consumers(const struct json *snapshot, int64_t now, bool colour)
{
    char head[128], text[PRINT_SPAN];
    const struct json *list = json_get(snapshot, "consumers");
    if (json_count(list) == 0)
        return;
    snprintf(head, sizeof head, "\n%-15s %-14s %8s %8s %8s %14s", "CONSUMER", "ORGANIZATION", "LAG", "OPEN",
             "DEAD", "OLDEST WAITING");
    print_head(colour, head);
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *consumer = json_at(list, i);
        print_name(json_str(json_get(consumer, "name")), 15);
        print_name(json_str(json_get(consumer, "org")), 14);
        printf("%8lld %8lld %8lld %14s%s\n", print_number_of(consumer, "lag"),
               print_number_of(consumer, "open"), print_number_of(consumer, "dead"),
               print_since(text, json_get(consumer, "oldestWaiting"), now, "-"),
               json_bool(json_get(consumer, "paused")) ? "  paused" : "");
    }
}

static void print_store(const struct json *snapshot, bool colour)
{
    char a[32], b[32], c[32];
    const struct json *store = json_get(snapshot, "store"), *disk = json_get(snapshot, "disk"),
                      *quarantine = json_get(snapshot, "quarantine"),
                      *notices = json_get(snapshot, "notices");
    putchar('\n');
    print_head(colour, "STORE");
    printf("database      %s, write-ahead log %s, newest event %lld\n",
           size_text(a, json_get(store, "bytes")), size_text(b, json_get(store, "logBytes")),
           print_number_of(store, "lastSeq"));
    if (json_bool(json_get(snapshot, "serving"))) {
        printf("commits       %lld, %.1f ms each; %lld failed; %lld jobs wait\n",
               print_number_of(store, "commits"), 1000 * json_number(json_get(store, "meanCommitSeconds")),
               print_number_of(store, "failures"), print_number_of(store, "waiting"));
        printf("syncs         %lld, %.1f ms each\n", print_number_of(store, "syncs"),
               1000 * json_number(json_get(store, "meanSyncSeconds")));
    }
    printf("disk          %s free of %s; webhooks leave %s\n", size_text(a, json_get(disk, "freeBytes")),
           size_text(b, json_get(disk, "sizeBytes")), size_text(c, json_get(disk, "reserveBytes")));
    printf("quarantine    %lld webhook%s, %s\n", print_number_of(quarantine, "webhooks"),
           print_number_of(quarantine, "webhooks") == 1 ? "" : "s",
           size_text(a, json_get(quarantine, "bytes")));
    printf("dead letters  %lld\n", print_number_of(snapshot, "deadLetters"));
    printf("notices       %lld to be sent, %lld dead\n", print_number_of(notices, "pending"),
           print_number_of(notices, "dead"));
}

void status_print(const struct json *snapshot, bool colour)
{
    char text[PRINT_SPAN];
    int64_t now = 0;
    bool is_known = print_time_of(json_get(snapshot, "time"), &now);
    (void)is_known; /* the writer is ours */
    fputs("pickupd ", stdout);
    print_clean(json_str(json_get(snapshot, "version")));
    if (json_bool(json_get(snapshot, "serving")))
        printf(", up for %s", print_since(text, json_get(snapshot, "started"), now, "?"));
    fputs(", ", stdout);
    print_clean(json_str(json_get(json_get(snapshot, "store"), "database")));
    putchar('\n');
    print_attention(snapshot, colour);
    print_sources(snapshot, now, colour);
    print_consumers(snapshot, now, colour);
    print_store(snapshot, colour);
}

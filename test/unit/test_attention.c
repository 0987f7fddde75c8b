/* What needs attention: a snapshot for each reason, and none for a server that is well. */
#include "flow/snapshot.h"

#include "unit.h"

#define NOW INT64_C(1780000000000)
#define DAY INT64_C(86400000)
#define MIB INT64_C(1048576)

static void note(void *arg, const char *text, const char *see)
{
    buf_printf(arg, "%s[%s] %s", ((struct buf *)arg)->len > 0 ? "; " : "", see, text);
}

static void check_attention(const char *row, const struct snapshot *snapshot, const char *want)
{
    struct buf seen CLEANUP(buf_free) = {0};
    snapshot_attention(snapshot, note, &seen);
    check_text(row, buf_span(&seen), want);
}

/* One that is well. */
static struct snapshot well(void)
{
    return (struct snapshot){
        .now = NOW,
        .served = true,
        .looked = true,
        .disk = {.free_bytes = 1000 * MIB, .held_bytes = 0, .log_bytes = 64 * MIB},
        .disk_reserve = 100 * MIB,
        .syncs_lately = 10,
        .sync_us_lately = 2500000,
    };
}

static void the_server_and_the_disk(void **state)
{
    (void)state;
    struct snapshot snapshot = well();
    check_attention("well", &snapshot, "");
    snapshot.takes = ERR_FULL;
    check_attention("full", &snapshot, "[Disk full] webhooks are answered 503: store is full");
    snapshot.takes = ERR_BUSY;
    check_attention("busy", &snapshot,
                    "[Webhooks are answered 503] webhooks are answered 503: too much waits for the disk");
    snapshot = well();
    snapshot.disk.free_bytes = 949 * MIB;
    snapshot.disk.held_bytes = 50 * MIB;
    check_attention("short", &snapshot,
                    "[Disk full] the disk has 999 MiB left; below 100 MiB webhooks are answered 503");
    snapshot.disk.free_bytes = -1; /* as of a file system without an end */
    check_attention("endless", &snapshot, "");
    snapshot.disk.log_bytes++;
    check_attention("log", &snapshot,
                    "[The log grows] the write-ahead log has 64 MiB: somebody keeps reading the database");
    snapshot = well();
    snapshot.sync_us_lately += 10;
    check_attention("slow", &snapshot, "[The disk is slow] the disk is slow: a sync takes 250 ms");
    snapshot.syncs_lately = 9;
    check_attention("too few", &snapshot, "");
    snapshot.looked = false;
    check_attention(
        "not looked", &snapshot,
        "[Webhooks are answered 503] the store could not be looked at: only what is in memory is told");
}

static void consumers_beyond_the_list(void **state)
{
    (void)state;
    struct snapshot snapshot = well();
    snapshot.consumer_count = snapshot.all_consumers = 200;
    check_attention("all", &snapshot, "");
    snapshot.all_consumers++;
    check_attention("one more", &snapshot,
                    "[Too many consumers] there are 201 consumers: only the first 200 are watched");
    snapshot.looked = false; /* the list may have ended early */
    check_attention(
        "not looked", &snapshot,
        "[Webhooks are answered 503] the store could not be looked at: only what is in memory is told");
}

static void connections(void **state)
{
    (void)state;
    struct snapshot snapshot = well();
    snapshot.faces[1] = (struct snapshot_face){.name = "private", .open = 255, .most = 256};
    check_attention("room for one", &snapshot, "");
    snapshot.faces[1].open++;
    check_attention("none", &snapshot,
                    "[No more connections] the private face has all of its 256 connections: who else comes "
                    "has to wait");
}

static void certificates(void **state)
{
    (void)state;
    struct snapshot snapshot = well();
    snapshot.faces[0].name = "public";
    snapshot.faces[1].name = "private";
    snapshot.faces[1].until = NOW + 14 * DAY + 1;
    check_attention("not yet", &snapshot, "");
    snapshot.faces[1].until--;
    check_attention("soon", &snapshot,
                    "[A certificate ends] the certificate of the private face ends at 2026-06-11T20:26:40Z");
    snapshot.faces[1].until = 0;
    snapshot.faces[0].until = NOW;
    check_attention(
        "over", &snapshot,
        "[A certificate ends] the certificate of the public face has ended at 2026-05-28T20:26:40Z");
}

static char *disabled = "no secret: set secret_env";

static void sources_and_their_secrets(void **state)
{
    (void)state;
    struct snapshot snapshot = well();
    struct snapshot_secret own = {
        .name = "own", .is_configured = true, .not_before = INT64_MIN, .not_after = INT64_MAX};
    struct snapshot_secret old = {.next = &own, .name = "old", .is_configured = true, .not_after = NOW - DAY};
    struct snapshot_source source = {.name = "north", .is_configured = true, .secrets = &old, .in_a_row = 9};
    snapshot.sources = &source;
    check_attention("one has no end", &snapshot, "");
    own.not_after = NOW + 14 * DAY + 1;
    check_attention("not yet", &snapshot, "");
    own.not_after = NOW + 14 * DAY;
    check_attention("soon", &snapshot, "[A secret ends] north: its last secret ends at 2026-06-11T20:26:40Z");
    own.not_after = NOW;
    check_attention("over", &snapshot,
                    "[A secret ends] north: its last secret has ended at 2026-05-28T20:26:40Z");
    own.not_after = INT64_MAX;
    source.last = NOW - 4 * DAY;
    check_attention("came 4 days ago", &snapshot, "");
    source.last--;
    check_attention("silent", &snapshot, "[A source is silent] north: its last webhook came 4 days ago");
    source.disabled = disabled;
    source.is_off = true;
    check_attention("off by intent", &snapshot, "");
    source.is_off = false;
    check_attention("disabled", &snapshot,
                    "[A source is disabled] north: is disabled: no secret: set secret_env");
    source = (struct snapshot_source){.name = "north", .in_a_row = 10, .last = NOW, .rows = 2};
    check_attention("alarm", &snapshot,
                    "[Signatures fail] north: 10 signatures in a row were refused, and it used to work,"
                    " last at 2026-05-28T20:26:40Z; [Quarantine grows] north: 2 webhooks in quarantine");
}

static void consumers_and_notices(void **state)
{
    (void)state;
    struct snapshot snapshot = well();
    struct snapshot_consumer consumer = {.org = "default", .name = "night", .oldest = NOW - 3600000};
    snapshot.consumers = &consumer;
    consumer.seen = NOW - 23 * DAY;
    check_attention("not yet", &snapshot, "");
    consumer.seen--;
    check_attention("silent", &snapshot,
                    "[Consumer stuck] consumer night: silent for 23 days; after 30 it holds back no purge");
    consumer.org = "north";
    consumer.dead = 1;
    check_attention("of another organization", &snapshot,
                    "[Dead letters] consumer night of north: 1 dead letter; [Consumer stuck] consumer night"
                    " of north: silent for 23 days; after 30 it holds back no purge");
    consumer.dead = 0;
    consumer.org = "";
    check_attention("the flows say nothing of that", &snapshot, "");
    consumer.oldest--;
    check_attention("stuck", &snapshot,
                    "[Consumer stuck] consumer night: an event has waited for 60 minutes");
    consumer.paused = true;
    consumer.dead = 2;
    check_attention("paused", &snapshot,
                    "[Consumer stuck] consumer night: an event has waited for 60 minutes; it is paused; "
                    "[Dead letters] consumer night: 2 dead letters");
    consumer.dead = 0;
    consumer.oldest = NOW - DAY;
    check_attention("for a day", &snapshot,
                    "[Consumer stuck] consumer night: an event has waited for 24 hours; it is paused");
    consumer.oldest = NOW - 40 * DAY;
    check_attention("for long", &snapshot,
                    "[Consumer stuck] consumer night: an event has waited for 40 days; it is paused");
    snapshot = well();
    snapshot.notices.dead = 3;
    check_attention("long ago", &snapshot, "");
    snapshot.notices.dead_since = 1;
    check_attention(
        "lately", &snapshot,
        "[Notices are not delivered] 1 notice to the dispatcher could not be delivered in the last day");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_and_the_disk),
        cmocka_unit_test(consumers_beyond_the_list),
        cmocka_unit_test(connections),
        cmocka_unit_test(certificates),
        cmocka_unit_test(sources_and_their_secrets),
        cmocka_unit_test(consumers_and_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

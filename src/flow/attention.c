/* What needs attention, in words. No name of a patient can be in here: all names are the configuration's, or
 * those of consumers. */
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "flow/snapshot.h"
#include "store/consumers.h"

struct telling {
    const struct snapshot *snapshot;
    attention_fn *fn;
    void *arg;
};

static void tell(const struct telling *telling, struct buf *text, const char *see)
{
    telling->fn(telling->arg, buf_text(text), see);
    buf_free(text);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void tell_of_server(const struct telling *telling)
{
    struct buf text = {0};
    const struct snapshot *snapshot = telling->snapshot;
    if (!snapshot->served) {
        buf_printf(&text, "no server is running: nobody takes webhooks");
        tell(telling, &text, "pickupd is down");
    } else if (snapshot->takes != ERR_OK) {
        buf_printf(&text, "webhooks are answered 503: %s",
                   snapshot->takes == ERR_BUSY ? "too much waits for the disk" : err_text(snapshot->takes));
        tell(telling, &text, snapshot->takes == ERR_FULL ? "Disk full" : "Webhooks are answered 503");
    }
    if (!snapshot->looked) {
        buf_printf(&text, "the store could not be looked at: only what is in memory is told");
        tell(telling, &text, "Webhooks are answered 503");
    }
}

#define MIB 1048576.0

static void tell_of_disk(const struct telling *telling)
{
    struct buf text = {0};
    const struct snapshot *snapshot = telling->snapshot;
    const struct disk_use *disk = &snapshot->disk;
    int64_t room = disk->free_bytes + (disk->held_bytes > 0 ? disk->held_bytes : 0);
    if (!snapshot->looked)
        return;
    if (disk->free_bytes >= 0 && room < SNAPSHOT_RESERVES * snapshot->disk_reserve) {
        buf_printf(&text, "the disk has %.0f MiB left; below %.0f MiB webhooks are answered 503",
                   (double)room / MIB, (double)snapshot->disk_reserve / MIB);
        tell(telling, &text, "Disk full");
    }
    if (disk->log_bytes > SNAPSHOT_LOG_BYTES) {
        buf_printf(&text, "the write-ahead log has %.0f MiB: somebody keeps reading the database",
                   (double)disk->log_bytes / MIB);
        tell(telling, &text, "The log grows");
    }
    if (snapshot->syncs_lately >= SNAPSHOT_SYNCS &&
        snapshot->sync_us_lately / snapshot->syncs_lately > SNAPSHOT_SYNC_US) {
        buf_printf(&text, "the disk is slow: a sync takes %.0f ms",
                   (double)snapshot->sync_us_lately / (double)snapshot->syncs_lately / 1000);
        tell(telling, &text, "The disk is slow");
    }
}

/* When the last of its secrets ends; INT64_MIN if it has none. */
static int64_t last_end(const struct snapshot_source *source)
{
    int64_t end = INT64_MIN;
    for (const struct snapshot_secret *secret = source->secrets; secret != NULL; secret = secret->next)
        if (secret->is_configured && secret->not_after > end)
            end = secret->not_after;
    return end;
}

static void tell_of_secrets(const struct telling *telling, const struct snapshot_source *source)
{
    struct buf text = {0};
    char at[TIME_TEXT];
    int64_t end = last_end(source), now = telling->snapshot->now;
    if (end == INT64_MIN || end == INT64_MAX || end - now > SNAPSHOT_EXPIRY_MS)
        return;
    time_write(at, end);
    buf_printf(&text, "%s: its last secret %s at %s", source->name, end > now ? "ends" : "has ended", at);
    tell(telling, &text, "A secret ends");
}

static void tell_of_face(const struct telling *telling, const struct snapshot_face *face)
{
    struct buf text = {0};
    char at[TIME_TEXT];
    int64_t now = telling->snapshot->now;
    if (face->until != 0 && face->until - now <= SNAPSHOT_EXPIRY_MS) {
        time_write(at, face->until);
        buf_printf(&text, "the certificate of the %s face %s at %s", face->name,
                   face->until > now ? "ends" : "has ended", at);
        tell(telling, &text, "A certificate ends");
    }
    if (face->most > 0 && face->open >= face->most) {
        buf_printf(&text, "the %s face has all of its %llu connections: who else comes has to wait",
                   face->name, (unsigned long long)face->most);
        tell(telling, &text, "No more connections");
    }
}

static void put_span(struct buf *text, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{INT64_C(86400000), "days"}, {3600000, "hours"}, {60000, "minutes"}};
    size_t i = 0;
    while (i < sizeof units / sizeof units[0] - 1 && ms < 2 * units[i].ms)
        i++;
    buf_printf(text, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
}

static void tell_of_silence(const struct telling *telling, const struct snapshot_source *source)
{
    struct buf text = {0};
    int64_t silent = telling->snapshot->now - source->last;
    if (source->last == 0 || silent <= SNAPSHOT_SILENT_MS)
        return;
    buf_printf(&text, "%s: its last webhook came ", source->name);
    put_span(&text, silent);
    buf_printf(&text, " ago");
    tell(telling, &text, "A source is silent");
}

static void tell_of_source(const struct telling *telling, const struct snapshot_source *source)
{
    struct buf text = {0};
    if (source->disabled != NULL && !source->is_off) {
        buf_printf(&text, "%s: is disabled: %s", source->name, source->disabled);
        tell(telling, &text, "A source is disabled");
    }
    if (source->in_a_row >= SNAPSHOT_REFUSED_IN_A_ROW) {
        char last[TIME_TEXT];
        time_write(last, source->last);
        buf_printf(&text, "%s: %llu signatures in a row were refused, and it used to work, last at %s",
                   source->name, (unsigned long long)source->in_a_row, last);
        tell(telling, &text, "Signatures fail");
    }
    if (source->is_configured && source->disabled == NULL) {
        tell_of_secrets(telling, source);
        tell_of_silence(telling, source);
    }
    if (source->rows > 0) {
        buf_printf(&text, "%s: %lld webhook%s in quarantine", source->name, (long long)source->rows,
                   plural(source->rows));
        tell(telling, &text, "Quarantine grows");
    }
}

/* Organizations may have consumers of one name. */
static void put_consumer(struct buf *text, const struct snapshot_consumer *consumer)
{
    bool is_plain = *consumer->org == '\0' || strcmp(consumer->org, "default") == 0;
    buf_printf(text, "consumer %s%s%s: ", consumer->name, is_plain ? "" : " of ",
               is_plain ? "" : consumer->org);
}

static void tell_of_consumer(const struct telling *telling, const struct snapshot_consumer *consumer)
{
    struct buf text = {0};
    int64_t now = telling->snapshot->now, waits = snapshot_waits(telling->snapshot, consumer);
    bool is_silent = *consumer->org != '\0' && consumer->seen > 0 && now - consumer->seen > CONSUMER_WARN_MS;
    if (waits > SNAPSHOT_STUCK_MS) {
        put_consumer(&text, consumer);
        buf_printf(&text, "an event has waited for ");
        put_span(&text, waits);
        buf_printf(&text, "%s", consumer->paused ? "; it is paused" : "");
        tell(telling, &text, "Consumer stuck");
    }
    if (consumer->dead > 0) {
        put_consumer(&text, consumer);
        buf_printf(&text, "%lld dead letter%s", (long long)consumer->dead, plural(consumer->dead));
        tell(telling, &text, "Dead letters");
    }
    if (is_silent) {
        put_consumer(&text, consumer);
        buf_printf(&text, "silent for %lld days; after 30 it holds back no purge",
                   (long long)(now - consumer->seen) / 86400000);
        tell(telling, &text, "Consumer stuck");
    }
}

/* Nobody would miss the rest. */
static void tell_of_all_consumers(const struct telling *telling)
{
    struct buf text = {0};
    const struct snapshot *snapshot = telling->snapshot;
    if (!snapshot->looked || snapshot->all_consumers <= snapshot->consumer_count)
        return;
    buf_printf(&text, "there are %lld consumers: only the first %lld are watched",
               (long long)snapshot->all_consumers, (long long)snapshot->consumer_count);
    tell(telling, &text, "Too many consumers");
}

void snapshot_attention(const struct snapshot *snapshot, attention_fn *fn, void *arg)
{
    struct buf text = {0};
    struct telling telling = {snapshot, fn, arg};
    tell_of_server(&telling);
    tell_of_disk(&telling);
    for (const struct snapshot_source *source = snapshot->sources; source != NULL; source = source->next)
        tell_of_source(&telling, source);
    for (size_t i = 0; i < SNAPSHOT_FACES; i++)
        tell_of_face(&telling, &snapshot->faces[i]);
    for (const struct snapshot_consumer *one = snapshot->consumers; one != NULL; one = one->next)
        tell_of_consumer(&telling, one);
    tell_of_all_consumers(&telling);
    if (snapshot->notices.dead_since > 0) {
        buf_printf(&text, "%lld notice%s to the dispatcher could not be delivered in the last day",
                   (long long)snapshot->notices.dead_since, plural(snapshot->notices.dead_since));
        tell(&telling, &text, "Notices are not delivered");
    }
}

/* GET /metrics: Prometheus' text format. */
#include "handlers.h"

#include "model/tally.h"

static void put_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"%s\"", name, value); /* names hold nothing that would have to be escaped */
}

static void put_pickupd_webhooks_total(struct buf *out, const char *metric, const struct tally *tally)
{
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        buf_printf(out, "%s{", metric);
        put_label(out, "source", tally->source);
        buf_add_char(out, ',');
        put_label(out, "outcome", outcome_label((enum outcome)i));
        buf_printf(out, "} %llu\n", atomic_load(&tally->outcomes[i]));
    }
}

static void put_pickupd_secret_last_match_timestamp_seconds(struct buf *out, const char *metric,
                                                            const struct tally *tally)
{
    for (const struct match_tally *match = tally->secrets; match != NULL; match = match->next) {
        buf_printf(out, "%s{", metric);
        put_label(out, "source", tally->source);
        buf_add_char(out, ',');
        put_label(out, "secret", match->secret);
        buf_printf(out, "} %.3f\n", (double)atomic_load(&match->last) / 1000);
    }
}

static const struct {
    const char *name, *type, *help;
    void (*put)(struct buf *, const char *, const struct tally *);
} metrics[] = {
#define METRIC(name, type, help) {#name, #type, help, put_##name},
#include "tbl/metric.h"
};

void web_metrics(struct exchange *exchange)
{
    struct header type = {SPAN("Content-Type"), SPAN("text/plain; version=0.0.4")};
    struct buf out = {.arena = &exchange->call->arena};
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        buf_printf(&out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help, metrics[i].name,
                   metrics[i].type);
        const struct tally *tally = exchange->face->tallies->first;
        for (; tally != NULL; tally = tally->next)
            metrics[i].put(&out, metrics[i].name, tally);
    }
    http_answer(exchange->call, 200, &type, 1, buf_span(&out));
}

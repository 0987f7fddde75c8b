/* Noting matches. */
#include "flow/matches.h"

#include <stdlib.h>

#define FLUSH_MS 60000

struct matches {
    struct store_job job; /* first: it comes back from the writer */
    struct arena arena;   /* of what the job carries */
    struct tallies *tallies;
    struct writer *writer;
    int64_t noted; /* the latest match that the store knows */
    bool waiting;  /* for the job to come back */
};

static void read_one(void *arg, const struct view_match *row)
{
    struct matches *matches = arg;
    struct match_tally *match = tallies_match(matches->tallies, row->origin, row->secret);
    atomic_store(&match->last, row->time);
    if (row->time > matches->noted)
        matches->noted = row->time;
}

static void on_noted(struct store_job *job)
{
    struct matches *matches = (struct matches *)job;
    matches->waiting = false;
    arena_free(&matches->arena);
}

static size_t count(const struct tallies *tallies)
{
    size_t count = 0;
    for (const struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        for (const struct match_tally *match = tally->secrets; match != NULL; match = match->next)
            count++;
    return count;
}

/* Every match since the last time; the latest of them, or `noted` if there is none. */
static int64_t gather(struct matches *matches)
{
    int64_t latest = matches->noted;
    struct store_match *list = arena_alloc(&matches->arena, (count(matches->tallies) + 1) * sizeof *list);
    matches->job.match_count = 0;
    for (struct tally *tally = matches->tallies->first; tally != NULL; tally = tally->next) {
        for (struct match_tally *match = tally->secrets; match != NULL; match = match->next) {
            int64_t last = atomic_load(&match->last);
            if (last <= matches->noted)
                continue;
            list[matches->job.match_count++] =
                (struct store_match){span_of(tally->source), span_of(match->secret), last};
            latest = last > latest ? last : latest;
        }
    }
    matches->job.matches = list;
    return latest;
}

void matches_flush(struct matches *matches)
{
    if (matches->waiting)
        return;
    int64_t latest = gather(matches);
    if (latest == matches->noted) {
        arena_free(&matches->arena);
        return;
    }
    matches->waiting = writer_put(matches->writer, &matches->job) == ERR_OK;
    if (matches->waiting)
        matches->noted = latest;
    else
        arena_free(&matches->arena);
}

static void on_tick(void *arg)
{
    matches_flush(arg);
}

struct matches *matches_start(struct tallies *tallies, struct view *view, struct writer *writer,
                              struct loop *loop)
{
    struct matches *matches = mem_alloc(sizeof *matches);
    matches->tallies = tallies;
    matches->writer = writer;
    matches->job.kind = STORE_MATCHES;
    matches->job.loop = loop;
    matches->job.done = on_noted;
    enum err err = view_matches(view, read_one, matches);
    (void)err; /* nothing is known, then; it is only for people */
    loop_every(loop, FLUSH_MS, on_tick, matches);
    return matches;
}

void matches_free(struct matches *matches)
{
    arena_free(&matches->arena);
    free(matches);
}

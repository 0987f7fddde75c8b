/* Noting matches. */
#include "flow/matches.h"

#include <stdlib.h>

#define FLUSH_MS 60000

struct matches {
    struct store_job job; /* first: it comes back from the writer */
    struct arena arena;   /* of what the job carries */
    struct tallies *tallies;
    struct writer *writer;
    bool waiting; /* for the job to come back */
};

static void read_one(void *arg, const struct view_match *row)
{
    struct matches *matches = arg;
    struct match_tally *match = tallies_match(matches->tallies, row->origin, row->secret);
    atomic_store(&match->last, row->time);
    match->noted = row->time;
}

static size_t count(const struct tallies *tallies)
{
    size_t count = 0;
    for (const struct tally *tally = tallies->first; tally != NULL; tally = tally->next)
        for (const struct match_tally *match = tally->secrets; match != NULL; match = match->next)
            count++;
    return count;
}

/* What the job carried is known to the store now; if it failed, the next one carries it again. */
static void on_noted(struct store_job *job)
{
    struct matches *matches = (struct matches *)job;
    for (size_t i = 0; job->err == ERR_OK && i < job->match_count; i++) {
        const struct store_match *match = &job->matches[i];
        tallies_match(matches->tallies, match->origin, match->secret)->noted = match->time;
    }
    matches->waiting = false;
    arena_free(&matches->arena);
}

/* Every match that the store does not know. */
static void gather(struct matches *matches)
{
    struct store_match *list = arena_alloc(&matches->arena, (count(matches->tallies) + 1) * sizeof *list);
    matches->job.matches = list;
    matches->job.match_count = 0;
    for (struct tally *tally = matches->tallies->first; tally != NULL; tally = tally->next) {
        for (struct match_tally *match = tally->secrets; match != NULL; match = match->next) {
            int64_t last = atomic_load(&match->last);
            if (last != match->noted)
                list[matches->job.match_count++] =
                    (struct store_match){span_of(tally->source), span_of(match->secret), last};
        }
    }
}

void matches_flush(struct matches *matches)
{
    if (matches->waiting)
        return;
    gather(matches);
    matches->waiting = matches->job.match_count > 0 && writer_put(matches->writer, &matches->job) == ERR_OK;
    if (!matches->waiting)
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

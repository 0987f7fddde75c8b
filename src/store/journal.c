/* Pages of the log, and the way of an event. */
#include "store/journal.h"

#include "room.h"

const char *const journal_state_names[JOURNAL_STATES] = {
    [JOURNAL_NOT_WANTED] = "notWanted",
    [JOURNAL_NOT_REACHED] = "notReached",
    [JOURNAL_LEASED] = "leased",
    [JOURNAL_WAITING] = "waiting",
    [JOURNAL_DEAD] = "dead",
    [JOURNAL_DONE] = "done",
};

/* Pages. */

/* What stands of an event without its detail, which may be long and is not needed to tell. */
static bool is_wanted(struct db *db, enum sql sql, const struct journal_order *order)
{
    int64_t time = db_int(db, sql, 5);
    struct event event = {.origin = db_span(db, sql, 1),
                          .source = db_span(db, sql, 2),
                          .type = db_span(db, sql, 3),
                          .org = db_span(db, sql, 4)};
    return time >= order->since && time < order->until && consumer_wants(order->filter, &event);
}

/* False, and nothing is added, if the page is full. */
static bool add(struct journal_page *page, const struct journal_order *order, struct journal_entry *entry)
{
    int64_t bytes = (int64_t)entry->event.detail_len;
    if (page->count > 0 && page->bytes + bytes > order->bytes)
        return false;
    *page->last = entry;
    page->last = &entry->next;
    page->count++;
    page->bytes += bytes;
    return true;
}

/* Reads an event whole, and adds it; *fits is false if the page is full. */
static enum err take(struct view *view, struct arena *arena, const struct journal_order *order, int64_t seq,
                     struct journal_page *page, bool *fits)
{
    bool row;
    db_bind_int(view->db, SQL_EVENT_AT, 1, seq);
    enum err err = db_step(view->db, SQL_EVENT_AT, &row);
    *fits = true;
    if (err == ERR_OK && row) {
        struct journal_entry *entry = arena_alloc(arena, sizeof *entry);
        *entry = (struct journal_entry){.seq = seq, .event = room_event(arena, view->db, SQL_EVENT_AT)};
        *fits = add(page, order, entry);
    }
    db_reset(view->db, SQL_EVENT_AT);
    return err;
}

enum err journal_read(struct view *view, struct arena *arena, const struct journal_order *order,
                      struct journal_page *page)
{
    bool row, fits = true;
    int64_t looked = 0;
    enum sql sql = order->newest ? SQL_SCAN_BACK : SQL_SCAN;
    *page = (struct journal_page){.last = &page->first, .position = order->after};
    db_bind_int(view->db, sql, 1, order->after);
    db_bind_int(view->db, sql, 2, JOURNAL_SCAN);
    enum err err = db_step(view->db, sql, &row);
    while (err == ERR_OK && row && page->count < order->limit) {
        int64_t seq = db_int(view->db, sql, 0);
        if (is_wanted(view->db, sql, order))
            err = take(view, arena, order, seq, page, &fits);
        if (err != ERR_OK || !fits)
            break;
        page->position = seq;
        looked++;
        err = db_step(view->db, sql, &row);
    }
    page->more = row || looked == JOURNAL_SCAN;
    db_reset(view->db, sql);
    return err;
}

enum err journal_ends(struct view *view, int64_t *first, int64_t *last)
{
    bool row;
    enum err err = db_step(view->db, SQL_FIRST_SEQ, &row);
    *first = err == ERR_OK && row ? db_int(view->db, SQL_FIRST_SEQ, 0) : 0;
    db_reset(view->db, SQL_FIRST_SEQ);
    return err == ERR_OK ? view_last_seq(view, last) : err;
}

/* The way. */

struct walk {
    struct arena *arena;
    const struct journal_entry *entry;
    struct journal_step **last;
};

/* A consumer, with what can be told from it alone. */
struct stop {
    struct journal_step step; /* first */
    int64_t id;
};

static void add_step(void *arg, const struct consumer *consumer)
{
    struct walk *walk = arg;
    struct stop *stop = arena_alloc(walk->arena, sizeof *stop);
    struct consumer_filter *filter = consumer_filter_new(walk->arena, consumer);
    bool is_wanted = consumer_wants(filter, &walk->entry->event);
    stop->id = consumer->id;
    stop->step.consumer = (struct span){arena_copy(walk->arena, consumer->name), consumer->name.len};
    stop->step.state = !is_wanted                             ? JOURNAL_NOT_WANTED
                       : walk->entry->seq <= consumer->cursor ? JOURNAL_DONE
                                                              : JOURNAL_NOT_REACHED;
    *walk->last = &stop->step;
    walk->last = &stop->step.next;
}

/* What was claimed counts, also where the filter has become another meanwhile. */
static enum err look_at_claim(struct view *view, struct arena *arena, int64_t seq, int64_t now,
                              struct journal_step *step)
{
    static const enum journal_state states[] = {JOURNAL_LEASED, JOURNAL_WAITING, JOURNAL_DEAD};
    TRY(claim_look(view, arena, ((struct stop *)step)->id, seq, &step->claim));
    if (!step->claim.known)
        return ERR_OK;
    step->state = states[step->claim.state];
    if (step->state == JOURNAL_LEASED && step->claim.due <= now)
        step->state = JOURNAL_WAITING; /* until somebody claims it */
    return ERR_OK;
}

static void keep_entry(void *arg, const struct view_event *row)
{
    struct walk *walk = arg;
    struct journal_entry *entry = arena_alloc(walk->arena, sizeof *entry);
    *entry = (struct journal_entry){.seq = row->seq, .event = row->event};
    struct event *event = &entry->event;
    event->origin.at = arena_copy(walk->arena, event->origin);
    event->source.at = arena_copy(walk->arena, event->source);
    event->type.at = arena_copy(walk->arena, event->type);
    event->org.at = arena_copy(walk->arena, event->org);
    if (event->detail != NULL)
        event->detail = arena_copy(walk->arena, (struct span){event->detail, event->detail_len});
    walk->entry = entry;
}

enum err journal_way(struct view *view, struct arena *arena, struct span org, const struct event_id *id,
                     int64_t now, struct journal_entry *entry, struct journal_step **steps)
{
    struct walk walk = {.arena = arena, .last = steps};
    *steps = NULL;
    TRY(view_event(view, id, keep_entry, &walk));
    *entry = *walk.entry;
    if (!span_is(entry->event.org, org))
        return ERR_NOT_FOUND;
    TRY(consumer_each(view, org, add_step, &walk));
    TRY(consumer_each(view, SPAN(""), add_step, &walk));
    for (struct journal_step *step = *steps; step != NULL; step = step->next)
        TRY(look_at_claim(view, arena, entry->seq, now, step));
    return ERR_OK;
}

/* The table of consumers, and what their filters let through. */
#include "store/consumers.h"

#include "base/json.h"
#include "base/time.h"
#include "room.h"

struct texts {
    struct span *all;
    size_t count;
};

struct consumer_filter {
    struct span org; /* empty for all */
    struct texts types, sources, origins;
};

static struct consumer read_row(struct db *db, enum sql sql)
{
    return (struct consumer){
        .id = db_int(db, sql, 0),
        .org = db_span(db, sql, 1),
        .name = db_span(db, sql, 2),
        .types = db_span(db, sql, 3),
        .sources = db_span(db, sql, 4),
        .origins = db_span(db, sql, 5),
        .cursor = db_int(db, sql, 6),
        .max_attempts = db_int(db, sql, 7),
        .lease_ms = db_int(db, sql, 8),
        .paused = db_int(db, sql, 9) != 0,
        .created = db_int(db, sql, 10),
        .seen = db_int(db, sql, 11),
        .missed = db_int(db, sql, 12),
    };
}

static struct span keep(struct arena *arena, struct span text)
{
    return (struct span){arena_copy(arena, text), text.len};
}

enum err consumer_find(struct view *view, struct arena *arena, struct span org, struct span name,
                       struct consumer *consumer)
{
    bool row;
    db_bind_text(view->db, SQL_CONSUMER, 1, org);
    db_bind_text(view->db, SQL_CONSUMER, 2, name);
    enum err err = db_step(view->db, SQL_CONSUMER, &row);
    if (err == ERR_OK && row) {
        *consumer = read_row(view->db, SQL_CONSUMER);
        consumer->org = keep(arena, consumer->org);
        consumer->name = keep(arena, consumer->name);
        consumer->types = keep(arena, consumer->types);
        consumer->sources = keep(arena, consumer->sources);
        consumer->origins = keep(arena, consumer->origins);
    }
    db_reset(view->db, SQL_CONSUMER);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

static enum err each_row(struct db *db, enum sql sql, consumer_fn *fn, void *arg)
{
    bool row;
    enum err err = db_step(db, sql, &row);
    while (err == ERR_OK && row) {
        struct consumer consumer = read_row(db, sql);
        fn(arg, &consumer);
        err = db_step(db, sql, &row);
    }
    db_reset(db, sql);
    return err;
}

enum err consumer_each(struct view *view, struct span org, consumer_fn *fn, void *arg)
{
    db_bind_text(view->db, SQL_CONSUMERS, 1, org);
    return each_row(view->db, SQL_CONSUMERS, fn, arg);
}

enum err consumer_each_of_all(struct view *view, consumer_fn *fn, void *arg)
{
    return each_row(view->db, SQL_CONSUMERS_ALL, fn, arg);
}

enum err consumer_owes(struct view *view, const struct consumer *consumer, bool *owes)
{
    bool row;
    db_bind_int(view->db, SQL_CONSUMER_OWES, 1, consumer->id);
    db_bind_int(view->db, SQL_CONSUMER_OWES, 2, consumer->cursor);
    enum err err = db_step(view->db, SQL_CONSUMER_OWES, &row);
    *owes = err == ERR_OK && row && db_int(view->db, SQL_CONSUMER_OWES, 0) != 0;
    db_reset(view->db, SQL_CONSUMER_OWES);
    return err;
}

static struct texts read_texts(struct arena *arena, struct span list)
{
    struct json_fault fault;
    struct json *json = json_parse(list, &fault);
    struct texts texts = {.count = json_count(json)};
    texts.all = arena_alloc(arena, (texts.count + 1) * sizeof *texts.all);
    for (size_t i = 0; i < texts.count; i++)
        texts.all[i] = keep(arena, json_str(json_at(json, i)));
    json_free(json);
    return texts;
}

struct consumer_filter *consumer_filter_new(struct arena *arena, const struct consumer *consumer)
{
    struct consumer_filter *filter = arena_alloc(arena, sizeof *filter);
    *filter = (struct consumer_filter){
        .org = keep(arena, consumer->org),
        .types = read_texts(arena, consumer->types),
        .sources = read_texts(arena, consumer->sources),
        .origins = read_texts(arena, consumer->origins),
    };
    return filter;
}

static bool holds(const struct texts *texts, struct span text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (span_is(texts->all[i], text))
            return true;
    return texts->count == 0;
}

bool consumer_wants(const struct consumer_filter *filter, const struct event *event)
{
    return (filter->org.len == 0 || span_is(filter->org, event->org)) && holds(&filter->types, event->type) &&
           holds(&filter->sources, event->source) && holds(&filter->origins, event->origin);
}

enum err consumer_oldest(struct view *view, const struct consumer *consumer, struct span org, int64_t *scan,
                         int64_t *oldest)
{
    bool row;
    struct arena arena CLEANUP(arena_free) = {0};
    struct consumer_filter *filter = consumer_filter_new(&arena, consumer);
    filter->org = org;
    *oldest = 0;
    db_bind_int(view->db, SQL_SCAN, 1, consumer->cursor);
    db_bind_int(view->db, SQL_SCAN, 2, *scan);
    enum err err = db_step(view->db, SQL_SCAN, &row);
    for (; err == ERR_OK && row && *oldest == 0; --*scan) {
        struct event event = {.origin = db_span(view->db, SQL_SCAN, 1),
                              .source = db_span(view->db, SQL_SCAN, 2),
                              .type = db_span(view->db, SQL_SCAN, 3),
                              .org = db_span(view->db, SQL_SCAN, 4)};
        if (consumer_wants(filter, &event))
            *oldest = db_int(view->db, SQL_SCAN, 5);
        err = db_step(view->db, SQL_SCAN, &row);
    }
    db_reset(view->db, SQL_SCAN);
    return err;
}

static enum err count(struct view *view, const struct consumer *consumer, struct span org,
                      struct consumer_state *state)
{
    bool row;
    db_bind_int(view->db, SQL_CONSUMER_COUNTS, 1, consumer->id);
    db_bind_text(view->db, SQL_CONSUMER_COUNTS, 2, org);
    db_bind_int(view->db, SQL_CONSUMER_COUNTS, 3, time_now());
    enum err err = db_step(view->db, SQL_CONSUMER_COUNTS, &row);
    if (err == ERR_OK && row) {
        state->in_flight = db_int(view->db, SQL_CONSUMER_COUNTS, 0);
        state->waiting = db_int(view->db, SQL_CONSUMER_COUNTS, 1);
        state->dead = db_int(view->db, SQL_CONSUMER_COUNTS, 2);
        state->oldest = db_int(view->db, SQL_CONSUMER_COUNTS, 3);
    }
    db_reset(view->db, SQL_CONSUMER_COUNTS);
    return err;
}

enum err consumer_look(struct view *view, const struct consumer *consumer, struct span org,
                       struct consumer_state *state)
{
    int64_t behind, scan = CONSUMER_LAG_SCAN;
    *state = (struct consumer_state){0};
    TRY(view_last_seq(view, &state->last));
    TRY(count(view, consumer, org, state));
    TRY(consumer_oldest(view, consumer, org, &scan, &behind));
    if (state->oldest == 0)
        state->oldest = behind; /* what was claimed came before it */
    return ERR_OK;
}

enum err consumer_put(struct store *store, const struct consumer *consumer, bool *added)
{
    struct db *db = store_db(store);
    struct arena arena CLEANUP(arena_free) = {0};
    struct consumer before;
    enum err err = consumer_find(store_view(store), &arena, consumer->org, consumer->name, &before);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    *added = err == ERR_NOT_FOUND;
    db_bind_text(db, SQL_CONSUMER_PUT, 1, consumer->org);
    db_bind_text(db, SQL_CONSUMER_PUT, 2, consumer->name);
    db_bind_text(db, SQL_CONSUMER_PUT, 3, consumer->types);
    db_bind_text(db, SQL_CONSUMER_PUT, 4, consumer->sources);
    db_bind_text(db, SQL_CONSUMER_PUT, 5, consumer->origins);
    db_bind_int(db, SQL_CONSUMER_PUT, 6, consumer->cursor);
    db_bind_int(db, SQL_CONSUMER_PUT, 7, consumer->max_attempts);
    db_bind_int(db, SQL_CONSUMER_PUT, 8, consumer->lease_ms);
    db_bind_int(db, SQL_CONSUMER_PUT, 9, consumer->created);
    return db_run(db, SQL_CONSUMER_PUT);
}

enum err consumer_drop(struct store *store, struct span org, struct span name)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_CONSUMER_DROP, 1, org);
    db_bind_text(db, SQL_CONSUMER_DROP, 2, name);
    TRY(db_run(db, SQL_CONSUMER_DROP));
    return db_changes(db) > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err consumer_pause(struct store *store, int64_t consumer, bool paused)
{
    db_bind_int(store_db(store), SQL_CONSUMER_PAUSE, 1, consumer);
    db_bind_int(store_db(store), SQL_CONSUMER_PAUSE, 2, paused);
    return db_run(store_db(store), SQL_CONSUMER_PAUSE);
}

enum err consumer_see(struct store *store, int64_t consumer, int64_t now)
{
    db_bind_int(store_db(store), SQL_CONSUMER_SEEN, 1, consumer);
    db_bind_int(store_db(store), SQL_CONSUMER_SEEN, 2, now);
    db_bind_int(store_db(store), SQL_CONSUMER_SEEN, 3, CONSUMER_SEEN_MS);
    return db_run(store_db(store), SQL_CONSUMER_SEEN);
}

enum err consumer_rewind(struct store *store, int64_t consumer, int64_t cursor)
{
    TRY(consumer_see(store, consumer, time_now()));
    db_bind_int(store_db(store), SQL_CLAIMS_FORGET, 1, consumer);
    TRY(db_run(store_db(store), SQL_CLAIMS_FORGET));
    db_bind_int(store_db(store), SQL_CONSUMER_CURSOR, 1, consumer);
    db_bind_int(store_db(store), SQL_CONSUMER_CURSOR, 2, cursor);
    return db_run(store_db(store), SQL_CONSUMER_CURSOR);
}

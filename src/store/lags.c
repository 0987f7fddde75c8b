/* Lags: one look at each consumer, while the statement that lists them holds the moment. */
#include "store/lags.h"

#include "room.h"

static enum err count(struct view *view, enum sql sql, int64_t consumer, int64_t *count, int64_t *first)
{
    bool row;
    db_bind_int(view->db, sql, 1, consumer);
    db_bind_int(view->db, sql, 2, LAGS_CLAIMS);
    enum err err = db_step(view->db, sql, &row);
    *count = err == ERR_OK && row ? db_int(view->db, sql, 0) : 0;
    if (first != NULL)
        *first = *count > 0 ? db_int(view->db, sql, 1) : 0;
    db_reset(view->db, sql);
    return err;
}

/* Not by the statement for one event, which would unseal it. */
static enum err time_of(struct view *view, int64_t seq, int64_t *time)
{
    bool row;
    db_bind_int(view->db, SQL_SCAN, 1, seq - 1);
    db_bind_int(view->db, SQL_SCAN, 2, 1);
    enum err err = db_step(view->db, SQL_SCAN, &row);
    *time = err == ERR_OK && row ? db_int(view->db, SQL_SCAN, 5) : 0;
    db_reset(view->db, SQL_SCAN);
    return err;
}

/* What was claimed came before all that is behind the cursor. */
static enum err look(struct view *view, const struct consumer *consumer, int64_t *scan, struct lag *lag)
{
    int64_t first, own = *scan < CONSUMER_LAG_SCAN ? *scan : CONSUMER_LAG_SCAN, left = own;
    TRY(count(view, SQL_LAG_DEAD, consumer->id, &lag->dead, NULL));
    TRY(count(view, SQL_LAG_OPEN, consumer->id, &lag->open, &first));
    if (first > 0)
        return time_of(view, first, &lag->oldest);
    TRY(consumer_oldest(view, consumer, consumer->org, &left, &lag->oldest));
    *scan -= own - left;
    return ERR_OK;
}

static struct consumer read_row(struct db *db)
{
    return (struct consumer){.id = db_int(db, SQL_LAGS, 0),
                             .org = db_span(db, SQL_LAGS, 1),
                             .name = db_span(db, SQL_LAGS, 2),
                             .types = db_span(db, SQL_LAGS, 3),
                             .sources = db_span(db, SQL_LAGS, 4),
                             .origins = db_span(db, SQL_LAGS, 5),
                             .cursor = db_int(db, SQL_LAGS, 6),
                             .paused = db_int(db, SQL_LAGS, 7) != 0};
}

static enum err count_consumers(struct view *view, int64_t *count)
{
    bool row;
    db_bind_int(view->db, SQL_LAGS_COUNT, 1, LAGS_COUNTED);
    enum err err = db_step(view->db, SQL_LAGS_COUNT, &row);
    *count = err == ERR_OK && row ? db_int(view->db, SQL_LAGS_COUNT, 0) : 0;
    db_reset(view->db, SQL_LAGS_COUNT);
    return err;
}

enum err lags_each(struct view *view, struct lags *all, lag_fn *fn, void *arg)
{
    bool row;
    int64_t scan = LAGS_SCAN;
    *all = (struct lags){0};
    db_bind_int(view->db, SQL_LAGS, 1, LAGS_CONSUMERS);
    enum err err = db_step(view->db, SQL_LAGS, &row);
    if (err == ERR_OK)
        err = view_last_seq(view, &all->last);
    if (err == ERR_OK)
        err = count_consumers(view, &all->consumers);
    while (err == ERR_OK && row) {
        struct consumer consumer = read_row(view->db);
        struct lag lag = {.org = consumer.org,
                          .name = consumer.name,
                          .paused = consumer.paused,
                          .behind = all->last > consumer.cursor ? all->last - consumer.cursor : 0,
                          .seen = db_int(view->db, SQL_LAGS, 8),
                          .missed = db_int(view->db, SQL_LAGS, 9)};
        err = look(view, &consumer, &scan, &lag);
        if (err == ERR_OK)
            fn(arg, &lag);
        if (err == ERR_OK)
            err = db_step(view->db, SQL_LAGS, &row);
    }
    db_reset(view->db, SQL_LAGS);
    return err;
}

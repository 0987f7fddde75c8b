/* The chain: made, walked along, told. */
#include "store/audit.h"

#include "base/hex.h"
#include "base/num.h"
#include "chain.h"

#define ROWS_AT_ONCE 1000 /* then others may move the log on */

void audit_head_write(char text[AUDIT_HEAD_TEXT], const struct audit_head *head)
{
    char mac[2 * AUDIT_MAC_BYTES + 1];
    struct buf out CLEANUP(buf_free) = {0};
    hex_write(mac, head->mac, AUDIT_MAC_BYTES);
    buf_printf(&out, "%lld:%s", (long long)head->seq, mac);
    memcpy(text, buf_text(&out), out.len + 1);
}

bool audit_head_read(struct span text, struct audit_head *head)
{
    struct span seq = span_cut(&text, ':');
    return num_parse(seq, &head->seq) && head->seq >= 0 && hex_read(text, head->mac, AUDIT_MAC_BYTES);
}

/* Most significant first. */
static void write_number(uint8_t out[8], int64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)number >> (8 * (7 - i)));
}

static struct span bytes_of(const uint8_t *bytes, size_t count)
{
    return (struct span){(const char *)bytes, count};
}

enum { TEXTS = 5 };

void audit_sign(struct hmac_key *key, const uint8_t before[AUDIT_MAC_BYTES], const struct audit_row *row,
                uint8_t mac[AUDIT_MAC_BYTES])
{
    const struct audit_entry *entry = &row->entry;
    const struct span texts[TEXTS] = {entry->who, entry->org, entry->via, entry->action, entry->what};
    uint8_t numbers[3][8], lengths[TEXTS][8], digest[HMAC_BYTES_MAX];
    struct span parts[4 + 2 * TEXTS];
    size_t count = 0;
    write_number(numbers[0], row->seq);
    write_number(numbers[1], row->time);
    write_number(numbers[2], entry->status);
    parts[count++] = bytes_of(before, AUDIT_MAC_BYTES);
    for (size_t i = 0; i < 3; i++)
        parts[count++] = bytes_of(numbers[i], sizeof numbers[i]);
    for (size_t i = 0; i < TEXTS; i++) {
        write_number(lengths[i], (int64_t)texts[i].len);
        parts[count++] = bytes_of(lengths[i], sizeof lengths[i]);
        parts[count++] = texts[i];
    }
    hmac_sign(key, parts, count, digest);
    memcpy(mac, digest, AUDIT_MAC_BYTES);
}

/* Reading. */

static void read_row(struct db *db, enum sql sql, struct audit_row *row)
{
    *row = (struct audit_row){
        .seq = db_int(db, sql, 0),
        .time = db_int(db, sql, 1),
        .entry = {.who = db_span(db, sql, 2),
                  .org = db_span(db, sql, 3),
                  .via = db_span(db, sql, 4),
                  .action = db_span(db, sql, 5),
                  .what = db_span(db, sql, 6),
                  .status = db_int(db, sql, 7)},
        .mac = db_span(db, sql, 8),
    };
}

static enum err read_all(struct db *db, enum sql sql, audit_row_fn *fn, void *arg)
{
    bool more;
    enum err err = db_step(db, sql, &more);
    while (err == ERR_OK && more) {
        struct audit_row row;
        read_row(db, sql, &row);
        fn(arg, &row);
        err = db_step(db, sql, &more);
    }
    db_reset(db, sql);
    return err;
}

enum err audit_last(struct view *view, struct audit_head *head)
{
    return chain_find_head(view->db, head);
}

enum err audit_list(struct view *view, const struct audit_filter *filter, audit_row_fn *row, void *arg)
{
    db_bind_int(view->db, SQL_AUDIT_LIST, 1, filter->since);
    db_bind_text(view->db, SQL_AUDIT_LIST, 2, room_filter(filter->who));
    db_bind_int(view->db, SQL_AUDIT_LIST, 3, filter->limit);
    return read_all(view->db, SQL_AUDIT_LIST, row, arg);
}

/* Verifying. */

struct walk {
    struct hmac_key *key;
    const struct audit_head *noted;
    audit_flaw_fn *flaw;
    void *arg;
    struct audit_verdict *verdict;
    int64_t at, looked;           /* the seq of the last row; rows of this step */
    int64_t first_bad;            /* of the stretch at hand, */
    bool is_bad;                  /* if there is one */
    uint8_t mac[AUDIT_MAC_BYTES]; /* as it stands in the last row */
};

static void tell(struct walk *walk, enum audit_flaw flaw, int64_t first, int64_t last)
{
    walk->verdict->flaws++;
    walk->flaw(walk->arg, flaw, first, last);
}

static void end_stretch(struct walk *walk)
{
    if (walk->is_bad)
        tell(walk, AUDIT_CHANGED, walk->first_bad, walk->at);
    walk->is_bad = false;
}

static void compare_noted(struct walk *walk, const struct audit_row *row)
{
    if (walk->noted == NULL || walk->noted->seq != row->seq)
        return;
    if (row->mac.len != AUDIT_MAC_BYTES ||
        !hmac_equal((const uint8_t *)row->mac.at, walk->noted->mac, AUDIT_MAC_BYTES))
        tell(walk, AUDIT_OTHER, row->seq, row->seq);
}

/* Whether rows are missing before this one: then it can't be told whether it is as it was. */
static bool find_gap(struct walk *walk, const struct audit_row *row)
{
    int64_t next = (walk->at > 0 ? walk->at : 0) + 1;
    if (row->seq <= next)
        return false;
    end_stretch(walk);
    tell(walk, AUDIT_MISSING, next, row->seq - 1);
    return true;
}

static bool is_signed(const struct walk *walk, const struct audit_row *row)
{
    uint8_t mac[AUDIT_MAC_BYTES];
    audit_sign(walk->key, walk->mac, row, mac);
    return row->seq > 0 && row->mac.len == AUDIT_MAC_BYTES &&
           hmac_equal(mac, (const uint8_t *)row->mac.at, AUDIT_MAC_BYTES);
}

static void follow(struct walk *walk, const struct audit_row *row)
{
    walk->at = row->seq;
    memset(walk->mac, 0, sizeof walk->mac);
    memcpy(walk->mac, row->mac.at, row->mac.len < sizeof walk->mac ? row->mac.len : sizeof walk->mac);
}

/*
 * Goes on from the MAC that stands in a row, right or wrong: so one row that was changed is one row that is
 * told, and not all behind it.
 */
static void look_at(void *arg, const struct audit_row *row)
{
    struct walk *walk = arg;
    bool is_behind_gap = find_gap(walk, row), is_good = is_signed(walk, row);
    if (is_good) {
        end_stretch(walk);
    } else if (is_behind_gap) {
        tell(walk, AUDIT_UNPROVEN, row->seq, row->seq);
    } else if (!walk->is_bad) {
        walk->is_bad = true;
        walk->first_bad = row->seq;
    }
    compare_noted(walk, row);
    follow(walk, row);
    walk->looked++;
    walk->verdict->rows++;
}

enum err audit_verify(struct view *view, struct hmac_key *key, const struct audit_head *noted,
                      audit_flaw_fn *flaw, void *arg, struct audit_verdict *verdict)
{
    struct walk walk = {.key = key, .noted = noted, .flaw = flaw, .arg = arg, .verdict = verdict};
    int64_t next = INT64_MIN; /* which somebody may have put there */
    *verdict = (struct audit_verdict){0};
    do {
        walk.looked = 0;
        db_bind_int(view->db, SQL_AUDIT_FROM, 1, next);
        db_bind_int(view->db, SQL_AUDIT_FROM, 2, ROWS_AT_ONCE);
        TRY(read_all(view->db, SQL_AUDIT_FROM, look_at, &walk));
        next = walk.at + (walk.at < INT64_MAX);
    } while (walk.looked == ROWS_AT_ONCE && next > walk.at);
    end_stretch(&walk);
    if (noted != NULL && noted->seq > walk.at)
        tell(&walk, AUDIT_CUT_OFF, walk.at + 1, noted->seq);
    verdict->head.seq = walk.at;
    memcpy(verdict->head.mac, walk.mac, sizeof walk.mac);
    return ERR_OK;
}

static void look_at_end(void *arg, const struct audit_row *row)
{
    struct walk *walk = arg;
    walk->is_bad = !is_signed(walk, row);
    follow(walk, row);
}

enum err audit_suits(struct view *view, struct hmac_key *key, bool *suits)
{
    struct audit_head head;
    struct walk walk = {.key = key};
    TRY(audit_last(view, &head));
    db_bind_int(view->db, SQL_AUDIT_FROM, 1, head.seq - (head.seq > INT64_MIN));
    db_bind_int(view->db, SQL_AUDIT_FROM, 2, 2);
    TRY(read_all(view->db, SQL_AUDIT_FROM, look_at_end, &walk));
    *suits = !walk.is_bad;
    return ERR_OK;
}

/* One row more. */
#include "chain.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"

#define TELL_US INT64_C(3600000000)

enum err chain_find_head(struct db *db, struct audit_head *head)
{
    bool row;
    *head = (struct audit_head){0};
    enum err err = db_step(db, SQL_AUDIT_LAST, &row);
    if (err == ERR_OK && row) {
        struct span mac = db_span(db, SQL_AUDIT_LAST, 1);
        head->seq = db_int(db, SQL_AUDIT_LAST, 0);
        memcpy(head->mac, mac.at, mac.len < sizeof head->mac ? mac.len : sizeof head->mac);
    }
    db_reset(db, SQL_AUDIT_LAST);
    return err;
}

static void tell(struct chain *chain, int64_t now)
{
    char head[AUDIT_HEAD_TEXT];
    audit_head_write(head, &chain->head);
    log_event(LOG_INFO, "audit head", LOG_STR("head", head));
    chain->told = now;
}

enum err chain_begin(struct chain *chain, struct db *db, struct hmac_key *key)
{
    chain->key = key;
    return chain_find_head(db, &chain->head);
}

void chain_end(struct chain *chain)
{
    if (chain->tells)
        tell(chain, time_monotonic());
    hmac_key_free(chain->key);
    chain->key = NULL;
}

bool chain_tell(struct chain *chain, int64_t now)
{
    bool is_due = chain->tells && (chain->told == 0 || now - chain->told >= TELL_US);
    if (is_due)
        tell(chain, now);
    return is_due;
}

static enum err put(struct chain *chain, struct db *db, const struct audit_entry *entry)
{
    uint8_t mac[AUDIT_MAC_BYTES];
    struct audit_row row = {.seq = chain->head.seq + 1, .time = time_now(), .entry = *entry};
    audit_sign(chain->key, chain->head.mac, &row, mac);
    db_bind_int(db, SQL_AUDIT_ADD, 1, row.seq);
    db_bind_int(db, SQL_AUDIT_ADD, 2, row.time);
    db_bind_text(db, SQL_AUDIT_ADD, 3, entry->who);
    db_bind_text(db, SQL_AUDIT_ADD, 4, entry->org);
    db_bind_text(db, SQL_AUDIT_ADD, 5, entry->via);
    db_bind_text(db, SQL_AUDIT_ADD, 6, entry->action);
    db_bind_text(db, SQL_AUDIT_ADD, 7, entry->what);
    db_bind_int(db, SQL_AUDIT_ADD, 8, entry->status);
    db_bind_blob(db, SQL_AUDIT_ADD, 9, (struct span){(const char *)mac, sizeof mac});
    TRY(db_run(db, SQL_AUDIT_ADD));
    chain->head.seq = row.seq;
    memcpy(chain->head.mac, mac, sizeof mac);
    return ERR_OK;
}

/* A row that somebody else has put in our place stays there for `verify` to find, and stops nobody. */
enum err chain_add(struct chain *chain, struct db *db, const struct audit_entry *entry)
{
    struct audit_head found;
    if (entry->silent)
        return ERR_OK;
    if (chain->key == NULL)
        abort();
    enum err err = put(chain, db, entry);
    if (err != ERR_INTERNAL)
        return err;
    TRY(chain_find_head(db, &found));
    log_event_limited(LOG_ERROR, "a row of the audit is not ours: see pickupd audit verify",
                      LOG_NUM("seq", found.seq));
    chain->head.seq = found.seq;
    return put(chain, db, entry);
}

/* One way to the file for all commands. */
#include "cli/open.h"

#include "audit_key.h"
#include "base/log.h"

/* The keys are read once. */
static bool read_keys(struct setup *setup, struct buf *why)
{
    struct faults faults CLEANUP(faults_free) = {0};
    if (setup->seal != NULL || *setup->config.server.seal_key_file == '\0')
        return true;
    setup->seal = setup_read_seal(setup->config.server.seal_key_file, &faults);
    if (setup->seal == NULL)
        buf_add(why, span_of(faults.texts[0]));
    return setup->seal != NULL;
}

/* What is written through it is audited. */
static bool begin_audit(struct setup *setup, struct store *store, struct buf *why)
{
    struct audit_head head;
    struct faults faults CLEANUP(faults_free) = {0};
    if (audit_last(store_view(store), &head) != ERR_OK) {
        buf_printf(why, "%s: the audit can't be read", setup->config.server.database);
        return false;
    }
    struct hmac_key *key = audit_key_own(setup, head.seq > 0, &faults);
    if (key == NULL) {
        buf_add(why, span_of(faults.texts[0]));
        return false;
    }
    bool suits = true, good = audit_suits(store_view(store), key, &suits) == ERR_OK;
    good = store_audit(store, key) == ERR_OK && good;
    if (!suits)
        log_event(LOG_WARN, "the last row of the audit was changed, or is of another key: see audit verify",
                  LOG_NUM("seq", head.seq));
    if (!good)
        buf_printf(why, "%s: the audit can't be read", setup->config.server.database);
    return good;
}

struct store *open_store(struct setup *setup, struct buf *why)
{
    const struct server_config *server = &setup->config.server;
    struct store_limits limits = {server->quarantine_rows, server->quarantine_bytes, server->disk_reserve,
                                  STORE_LOG_PAGES};
    if (!read_keys(setup, why))
        return NULL;
    struct store *store = store_open_sealed(server->database, &limits, setup->seal, why);
    if (store == NULL || begin_audit(setup, store, why))
        return store;
    store_close(store);
    return NULL;
}

struct view *open_view(struct setup *setup, struct buf *why)
{
    return read_keys(setup, why) ? view_open_sealed(setup->config.server.database, setup->seal, why) : NULL;
}

/* The table of clinics. */
#include "store/clinics.h"

#include "room.h"
#include "store/claims.h"

static struct clinic_row read_row(struct db *db, enum sql sql)
{
    return (struct clinic_row){db_span(db, sql, 0), db_span(db, sql, 1), db_span(db, sql, 2),
                               db_int(db, sql, 3)};
}

enum err clinic_find(struct view *view, struct arena *arena, struct span org, struct span id,
                     struct clinic_row *clinic)
{
    bool row;
    db_bind_text(view->db, SQL_CLINIC, 1, org);
    db_bind_text(view->db, SQL_CLINIC, 2, id);
    enum err err = db_step(view->db, SQL_CLINIC, &row);
    if (err == ERR_OK && row)
        *clinic = (struct clinic_row){
            room_copy(arena, view->db, SQL_CLINIC, 0), room_copy(arena, view->db, SQL_CLINIC, 1),
            room_copy(arena, view->db, SQL_CLINIC, 2), db_int(view->db, SQL_CLINIC, 3)};
    db_reset(view->db, SQL_CLINIC);
    return err == ERR_OK && !row ? ERR_NOT_FOUND : err;
}

enum err clinic_each(struct view *view, struct span org, struct span after, int64_t limit, clinic_fn *fn,
                     void *arg)
{
    bool row;
    db_bind_text(view->db, SQL_CLINICS, 1, org);
    db_bind_text(view->db, SQL_CLINICS, 2, after);
    db_bind_int(view->db, SQL_CLINICS, 3, limit);
    enum err err = db_step(view->db, SQL_CLINICS, &row);
    while (err == ERR_OK && row) {
        struct clinic_row clinic = read_row(view->db, SQL_CLINICS);
        fn(arg, &clinic);
        err = db_step(view->db, SQL_CLINICS, &row);
    }
    db_reset(view->db, SQL_CLINICS);
    return err;
}

enum err clinic_put(struct store *store, const struct clinic_row *clinic, bool *added, int64_t *revived)
{
    struct db *db = store_db(store);
    struct arena arena CLEANUP(arena_free) = {0};
    struct clinic_row before = {0};
    enum err err = clinic_find(store_view(store), &arena, clinic->org, clinic->id, &before);
    if (err != ERR_OK && err != ERR_NOT_FOUND && err != ERR_SEALED)
        return err; /* what can't be unsealed is replaced as any other */
    *added = err == ERR_NOT_FOUND;
    *revived = 0;
    db_bind_text(db, SQL_CLINIC_PUT, 1, clinic->org);
    db_bind_text(db, SQL_CLINIC_PUT, 2, clinic->id);
    db_bind_text(db, SQL_CLINIC_PUT, 3, clinic->document);
    db_bind_int(db, SQL_CLINIC_PUT, 4, clinic->updated);
    TRY(db_run(db, SQL_CLINIC_PUT));
    if (!*added && span_is(before.document, clinic->document))
        return ERR_OK; /* what died would only die again, and be told of again */
    return claim_mend(store, CONSUMER_FLOWS, clinic->org, clinic->id, clinic->updated, revived);
}

enum err clinic_drop(struct store *store, struct span org, struct span id)
{
    struct db *db = store_db(store);
    db_bind_text(db, SQL_CLINIC_DROP, 1, org);
    db_bind_text(db, SQL_CLINIC_DROP, 2, id);
    TRY(db_run(db, SQL_CLINIC_DROP));
    return db_changes(db) > 0 ? ERR_OK : ERR_NOT_FOUND;
}

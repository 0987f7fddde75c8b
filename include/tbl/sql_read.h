/* One row a statement of those who only read: name, SQL. */
SQL(EVENTS, "SELECT seq, id, origin, source, detail_type, org, time,"
            " unseal_or(0, 'events.detail', id, detail) FROM (SELECT * FROM events WHERE (?1 = '' OR origin "
            "= ?1 OR source = ?1) AND (?2 = '' OR detail_type = ?2) AND time >= ?3"
            " ORDER BY seq DESC LIMIT ?4) ORDER BY seq")
SQL(EVENT, "SELECT seq, id, origin, source, detail_type, org, time, unseal('events.detail', id, detail)"
           " FROM events WHERE id = ?1")
SQL(EVENT_SEQ, "SELECT seq FROM events WHERE id = ?1")
SQL(QUARANTINE, "SELECT id, origin, org, first_seen, last_seen, count, faults, length(body) - 45 * sealed, "
                "x'', '' FROM quarantine"
                " WHERE (?1 = '' OR origin = ?1) ORDER BY first_seen, id")
SQL(QUARANTINE_PAGE,
    "SELECT id, origin, org, first_seen, last_seen, count, faults, length(body) - 45 * sealed, x'', '', rowid"
    " FROM quarantine WHERE rowid > ?1 AND org = ?2 AND (?3 = '' OR origin = ?3)"
    " ORDER BY rowid LIMIT ?4")
SQL(QUARANTINE_ONE, "SELECT id, origin, org, first_seen, last_seen, count, faults,"
                    " length(body) - 45 * sealed, iif(sealed, unseal('quarantine.body', id, body), body),"
                    " unseal('quarantine.head', id, head) FROM quarantine WHERE id = ?1")
SQL(MATCHES, "SELECT origin, secret, time FROM secret_matches ORDER BY origin, secret")
SQL(LAST_SEQ, "SELECT max(seq, ifnull((SELECT max(seq) FROM events), 0)) FROM last_seq")
SQL(CONSUMER, "SELECT id, org, name, detail_types, sources, origins, cursor, max_attempts, lease_ms, paused,"
              " created, seen, missed FROM consumers WHERE org = ?1 AND name = ?2")
SQL(CONSUMERS, "SELECT id, org, name, detail_types, sources, origins, cursor, max_attempts, lease_ms, paused,"
               " created, seen, missed FROM consumers WHERE org = ?1 ORDER BY name")
SQL(CONSUMERS_ALL,
    "SELECT id, org, name, detail_types, sources, origins, cursor, max_attempts, lease_ms, paused,"
    " created, seen, missed FROM consumers ORDER BY id")
SQL(CONSUMER_OWES, "SELECT EXISTS (SELECT 1 FROM events WHERE seq > ?2)"
                   " OR EXISTS (SELECT 1 FROM claims WHERE consumer = ?1 AND state < 2)")
SQL(CONSUMER_COUNTS,
    "SELECT total(state = 0 AND due > ?3), total(state = 1 OR (state = 0 AND due <= ?3)), total(state = 2),"
    " min(iif(state < 2, time, NULL)) FROM claims JOIN events USING (seq)"
    " WHERE consumer = ?1 AND (?2 = '' OR org = ?2)")
SQL(CLAIMS_DUE,
    "SELECT seq, id, origin, source, detail_type, org, time, unseal_or(0, 'events.detail', id, detail),"
    " state, attempts, most, worker, unseal_or('[]', 'claims.history', consumer, seq, history)"
    " FROM claims JOIN events USING (seq)"
    " WHERE consumer = ?1 AND state < 2 AND due <= ?2 ORDER BY due, seq LIMIT ?3")
SQL(CLAIM_NEXT_DUE, "SELECT min(due) FROM claims WHERE consumer = ?1 AND state < 2")
SQL(CLAIM_LIVE, "SELECT attempts, most, worker,"
                " unseal_or('[]', 'claims.history', consumer, seq, history) FROM claims"
                " WHERE consumer = ?1 AND seq = ?2 AND token = ?3 AND state = 0 AND due > ?4")
SQL(CLAIM_LOOK,
    "SELECT state, attempts, due, worker,"
    " unseal_or('[]', 'claims.history', consumer, seq, history) FROM claims WHERE consumer = ?1 AND seq = ?2")
SQL(CLAIMS_DEAD, "SELECT seq, id, origin, source, detail_type, org, time,"
                 " unseal_or(0, 'events.detail', id, detail), attempts, due,"
                 " unseal_or('[]', 'claims.history', consumer, seq, history)"
                 " FROM claims JOIN events USING (seq)"
                 " WHERE consumer = ?1 AND state = 2 AND seq > ?3 AND org = ?2 ORDER BY seq LIMIT ?4")
SQL(SCAN, "SELECT seq, origin, source, detail_type, org, time FROM events WHERE seq > ?1"
          " ORDER BY seq LIMIT ?2")
SQL(SCAN_BACK, "SELECT seq, origin, source, detail_type, org, time FROM events WHERE seq < ?1"
               " ORDER BY seq DESC LIMIT ?2")
SQL(EVENT_AT, "SELECT seq, id, origin, source, detail_type, org, time,"
              " unseal_or(0, 'events.detail', id, detail) FROM events WHERE seq = ?1")
SQL(FIRST_SEQ, "SELECT ifnull(min(seq), 0) FROM events")
SQL(CLINIC, "SELECT org, clinic_id, unseal('clinics.document', org, clinic_id, document), updated FROM "
            "clinics WHERE org = ?1 AND clinic_id = ?2")
SQL(CLINICS, "SELECT org, clinic_id, unseal('clinics.document', org, clinic_id, document), updated FROM "
             "clinics WHERE org = ?1 AND clinic_id > ?2"
             " ORDER BY clinic_id LIMIT ?3")
SQL(PICKUP, "SELECT id, org, origin, pickup_id, series, local_date, clinic_id, lab_id, status, priority,"
            " window_start, window_end, unseal('pickups.detail', org, origin, pickup_id, detail),"
            " unseal('pickups.driver', org, origin, pickup_id, driver), eta, seq, created, updated FROM "
            "pickups WHERE org = "
            "?1 AND origin = ?2 AND pickup_id = ?3")
SQL(PICKUPS_BY_ID,
    "SELECT id, org, origin, pickup_id, series, local_date, clinic_id, lab_id, status, priority,"
    " window_start, window_end, unseal('pickups.detail', org, origin, pickup_id, detail),"
    " unseal('pickups.driver', org, origin, pickup_id, driver), eta, seq, created, updated FROM pickups "
    "WHERE org = ?1 AND "
    "pickup_id = ?2 ORDER BY origin")
SQL(PICKUPS_SERIES,
    "SELECT id, org, origin, pickup_id, series, local_date, clinic_id, lab_id, status, priority,"
    " window_start, window_end, unseal('pickups.detail', org, origin, pickup_id, detail),"
    " unseal('pickups.driver', org, origin, pickup_id, driver), eta, seq, created, updated FROM pickups"
    " WHERE org = ?1 AND origin = ?2 AND series = ?3 AND series <> '' AND window_start > ?4"
    " ORDER BY window_start")
SQL(PICKUPS,
    "SELECT id, org, origin, pickup_id, series, local_date, clinic_id, lab_id, status, priority,"
    " window_start, window_end, unseal('pickups.detail', org, origin, pickup_id, detail),"
    " unseal('pickups.driver', org, origin, pickup_id, driver), eta, seq, created, updated FROM pickups "
    "WHERE org = ?1 AND "
    "id > ?2 AND (?3 = '' OR status = ?3)"
    " AND (?4 = '' OR clinic_id = ?4) AND window_end >= ?5 AND window_start < ?6 ORDER BY id LIMIT ?7")
SQL(SCHEDULE,
    "SELECT org, origin, pickup_id,"
    " unseal('schedules.detail', org, origin, pickup_id, detail), skipped, horizon, seq, ended FROM schedules"
    " WHERE org = ?1 AND origin = ?2 AND pickup_id = ?3")
SQL(SCHEDULES_DUE, "SELECT org, origin, pickup_id,"
                   " unseal_or('', 'schedules.detail', org, origin, pickup_id, detail), skipped, horizon, "
                   "seq, ended FROM schedules"
                   " WHERE (org, origin, pickup_id) > (?1, ?2, ?3) AND horizon < ?4 AND ended = 0"
                   " ORDER BY org, origin, pickup_id LIMIT ?5")
SQL(NOTICES, "SELECT id, org, kind, key, time,"
             " unseal_or('{\"damaged\":true}', 'notices.detail', org, key, detail), state, attempts, due, "
             "error FROM notices"
             " WHERE org = ?1 AND id > ?2 AND (?3 < 0 OR state = ?3) ORDER BY id LIMIT ?4")
SQL(NOTICES_DUE, "SELECT id, org, kind, key, time,"
                 " unseal_or('{\"damaged\":true}', 'notices.detail', org, key, detail), state, attempts, "
                 "due, error FROM notices"
                 " WHERE state = 0 AND due <= ?1 ORDER BY due, id LIMIT ?2")
SQL(NOTICE_NEXT_DUE, "SELECT min(due) FROM notices WHERE state = 0 AND due > ?1")
SQL(DELIVERY, "SELECT id, org, delivery_id, lab_id, clinic_id, date, status, priority,"
              " unseal('deliveries.notes', org, delivery_id, notes),"
              " unseal('deliveries.driver', org, delivery_id, driver), eta,"
              " unseal('deliveries.proof', org, delivery_id, proof), seq, created, updated FROM deliveries "
              "WHERE org = ?1 AND delivery_id = ?2")
SQL(DELIVERY_OPEN,
    "SELECT id, org, delivery_id, lab_id, clinic_id, date, status, priority,"
    " unseal('deliveries.notes', org, delivery_id, notes),"
    " unseal('deliveries.driver', org, delivery_id, driver), eta,"
    " unseal('deliveries.proof', org, delivery_id, proof), seq, created, updated FROM deliveries"
    " WHERE org = ?1 AND lab_id = ?2 AND clinic_id = ?3 AND date = ?4 AND status = 'Pending'"
    " ORDER BY id DESC LIMIT 1")
SQL(DELIVERY_CASE_COUNT, "SELECT count(*) FROM delivery_cases INDEXED BY delivery_cases_of"
                         " WHERE org = ?1 AND delivery_id = ?2")
SQL(DELIVERIES, "SELECT id, org, delivery_id, lab_id, clinic_id, date, status, priority,"
                " unseal('deliveries.notes', org, delivery_id, notes),"
                " unseal('deliveries.driver', org, delivery_id, driver), eta,"
                " unseal('deliveries.proof', org, delivery_id, proof), seq, created, updated FROM deliveries "
                "WHERE org = ?1 AND id > ?2 AND (?3 = '' OR status = ?3)"
                " AND (?4 = '' OR clinic_id = ?4) AND (?5 = '' OR lab_id = ?5) AND (?6 = '' OR date = ?6)"
                " ORDER BY id LIMIT ?7")
SQL(DELIVERY_CASE, "SELECT org, case_id, delivery_id, priority,"
                   " unseal('delivery_cases.detail', org, case_id, detail), place, seq FROM delivery_cases"
                   " WHERE org = ?1 AND case_id = ?2")
SQL(DELIVERY_CASES,
    "SELECT org, case_id, delivery_id, priority,"
    " unseal('delivery_cases.detail', org, case_id, detail), place, seq FROM delivery_cases"
    " INDEXED BY delivery_cases_of WHERE org = ?1 AND delivery_id = ?2 ORDER BY place, case_id")
SQL(INVOICE, "SELECT org, invoice_id, clinic_id, amount_minor, currency, status,"
             " unseal('invoices.delivered', org, invoice_id, delivered), seq, updated"
             " FROM invoices WHERE org = ?1 AND invoice_id = ?2")
SQL(INVOICES, "SELECT org, invoice_id, clinic_id, amount_minor, currency, status,"
              " unseal('invoices.delivered', org, invoice_id, delivered), seq, updated"
              " FROM invoices WHERE org = ?1 AND invoice_id > ?2 AND (?3 = '' OR status = ?3)"
              " AND (?4 = '' OR clinic_id = ?4) ORDER BY invoice_id LIMIT ?5")
SQL(INVOICE_CASES, "SELECT case_id FROM invoice_cases WHERE org = ?1 AND invoice_id = ?2 ORDER BY case_id")
SQL(INVOICES_OF_CASE,
    "SELECT org, invoice_id, clinic_id, amount_minor, currency, status,"
    " unseal('invoices.delivered', org, invoice_id, delivered), seq, updated"
    " FROM invoice_cases JOIN invoices USING (org, invoice_id) WHERE org = ?1 AND case_id = ?2"
    " ORDER BY invoice_id")
SQL(LAGS, "SELECT id, org, name, detail_types, sources, origins, cursor, paused, seen, missed FROM consumers"
          " ORDER BY org, name LIMIT ?1")
SQL(LAGS_COUNT, "SELECT count(*) FROM (SELECT 1 FROM consumers LIMIT ?1)")
SQL(LAG_DEAD, "SELECT count(*) FROM (SELECT 1 FROM claims INDEXED BY claims_dead"
              " WHERE consumer = ?1 AND state = 2 LIMIT ?2)")
SQL(LAG_OPEN, "SELECT count(*), min(seq) FROM (SELECT seq FROM claims INDEXED BY claims_due"
              " WHERE consumer = ?1 AND state < 2 LIMIT ?2)")
SQL(NOTICES_LATELY, "SELECT total(state = 0), total(state = 2), total(state = 2 AND time >= ?1)"
                    " FROM notices WHERE id > (SELECT max(id) FROM notices) - ?2")
SQL(SEAL_KEYS, "SELECT id, proof, used FROM seal_keys ORDER BY id")
SQL(SEALING, "SELECT remnants FROM sealing")
SQL(AUDIT_FROM, "SELECT seq, time, who, org, via, action, what, status, mac FROM audit WHERE seq >= ?1"
                " ORDER BY seq LIMIT ?2")
SQL(AUDIT_LIST, "SELECT * FROM (SELECT seq, time, who, org, via, action, what, status, mac FROM audit"
                " WHERE time >= ?1 AND (?2 = '' OR who = ?2) ORDER BY seq DESC LIMIT ?3) ORDER BY seq")
/* 2^62: no chain of ours comes there, and behind a row that somebody put at the end of numbers none could be.
 */
SQL(AUDIT_LAST, "SELECT seq, mac FROM audit WHERE seq < 4611686018427387904 ORDER BY seq DESC LIMIT 1")
#undef SQL
